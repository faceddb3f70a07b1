"""Hostile and damaged Keras files: nothing outside is opened, nothing runs, nothing blows up."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from keras_files import LAMBDA, layer, numbers, sequential, write_archive, write_lists

from tensorpeek.loaders import LoadError, open_model
from tensorpeek.loaders.keras_format import separate_process
from tensorpeek.loaders.model import Model


def _try(path: Path) -> Model | LoadError:
    """Open and read everything; only these two outcomes are allowed."""
    try:
        model = open_model(path)
    except LoadError as error:
        return error
    for tensor in model.tensors:
        try:
            for _ in tensor.chunks():
                pass
        except LoadError as error:
            assert str(error)  # noqa: PT017
    return model


def _external_link(file: h5py.File) -> None:
    file["out"] = h5py.ExternalLink("/etc/passwd", "/secret")


def _soft_loop(file: h5py.File) -> None:
    file["a"], file["b"] = h5py.SoftLink("/b"), h5py.SoftLink("/a")


def _hard_loop(file: h5py.File) -> None:
    file.create_group("g")["again"] = file["/"]


def _deep(file: h5py.File) -> None:
    group = file
    for _ in range(200):
        group = group.create_group("g")


LINKS: list[tuple[Callable[[h5py.File], None], str]] = [
    (_external_link, "out is an external link: not followed"),
    (_soft_loop, "a is a soft link: not followed"),
    (_hard_loop, "g/again is another name of what is already shown"),
    (_deep, "nested too deeply"),
]


@pytest.mark.parametrize(
    ("make", "warning"),
    LINKS,
    ids=["an external link", "a loop of soft links", "a loop of hard links", "200 groups deep"],
)
def test_links_are_told_and_not_followed(
    tmp_path: Path, make: Callable[[h5py.File], None], warning: str
) -> None:
    path = tmp_path / "m.h5"
    with h5py.File(path, "w") as file:
        file["w"] = numbers(3)
        make(file)
    model = open_model(path)
    assert [one.name for one in model.tensors] == ["w"]
    assert any(warning in one for one in model.warnings)


def _external_storage(file: h5py.File) -> None:
    file.create_dataset("x", (4,), "f4", external=[("/etc/passwd", 0, 16)])


def _virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "w", (4,))
    file.create_virtual_dataset("x", layout)


def _references(file: h5py.File) -> None:
    file.create_dataset("x", data=file["w"].ref, dtype=h5py.ref_dtype)


def _text(file: h5py.File) -> None:
    file["x"] = "words"


def _record(file: h5py.File) -> None:
    file["x"] = np.zeros(2, [("a", "f4"), ("b", "i4")])


def _raw(file: h5py.File) -> None:
    file["x"] = np.zeros(2, "V3")


def _terabyte(file: h5py.File) -> None:
    file.create_dataset("x", (1 << 38,), "f4")


def _terabyte_in_chunks(file: h5py.File) -> None:
    held = file.create_dataset("x", (1 << 20, 1 << 20), "f4", chunks=(64, 64), compression="gzip")
    held[:64, :64] = 1


def _wide_rows(file: h5py.File) -> None:
    held = file.create_dataset("x", (4, 1 << 28), "f4", chunks=(1, 1 << 10))
    held[0, :4] = 1


def _lzf(file: h5py.File) -> None:
    file.create_dataset("x", data=numbers(64), chunks=(8,), compression="lzf")


def _null(file: h5py.File) -> None:
    file["x"] = h5py.Empty("f4")


def _enumeration(file: h5py.File) -> None:
    kind = h5py.enum_dtype({"a": 0, "b": 7}, "i1")
    file.create_dataset("x", (3,), kind)


ERRORS: list[tuple[Callable[[h5py.File], None], str]] = [
    (_external_storage, "has its values in other files, which are not opened"),
    (_virtual, "is a virtual dataset"),
    (_references, "references to other objects, which are not followed"),
    (_text, "holds text, which is not numbers"),
    (_record, "records of several fields"),
    (_raw, "holds raw bytes"),
    (_terabyte, "claims 274,877,906,944 elements, none of them is stored"),
    (_terabyte_in_chunks, "claims 1,099,511,627,776 elements over"),
    (_wide_rows, "has chunks or rows of more than"),
    (_lzf, "is compressed with the filter lzf, which is not supported"),
    (_null, "has no values"),
    (_enumeration, "holds an enumeration"),
]


@pytest.mark.parametrize(("make", "reason"), ERRORS, ids=[make.__name__ for make, _ in ERRORS])
def test_a_dataset_that_cannot_be_shown_costs_only_itself(
    tmp_path: Path, make: Callable[[h5py.File], None], reason: str
) -> None:
    path = tmp_path / "m.h5"
    with h5py.File(path, "w") as file:
        file["w"] = numbers(3)
        make(file)
    fine, broken = open_model(path).tensors
    assert (fine.error, broken.name) == (None, "x")
    assert broken.error is not None
    assert reason in broken.error
    np.testing.assert_array_equal(fine.read(), numbers(3))
    with pytest.raises(LoadError):
        broken.read()


def test_a_compressed_chunk_never_gives_more_than_its_size(tmp_path: Path) -> None:
    path = tmp_path / "m.h5"
    with h5py.File(path, "w") as file:
        held = file.create_dataset("x", (16,), "u1", chunks=(16,), compression="gzip")
        import zlib

        held.id.write_direct_chunk((0,), zlib.compress(bytes(1 << 24)))
    [tensor] = open_model(path).tensors
    with pytest.raises(LoadError, match="a compressed chunk is damaged"):
        tensor.read()


def test_lambda_code_is_told_and_never_decoded(tmp_path: Path) -> None:
    config = sequential(layer("Dense", "dense"), LAMBDA)
    archive = write_archive(tmp_path / "m.keras", {"layers/dense": [numbers(2, 2)]}, config)
    lists = write_lists(
        tmp_path / "m.h5",
        {"dense": {"dense/kernel:0": numbers(2, 2)}},
        model_config=json.dumps(config),
    )
    for path in (archive, lists):
        assert open_model(path).warnings == ("holds a Lambda layer: its code is never decoded",)


def test_a_class_from_elsewhere_is_told(tmp_path: Path) -> None:
    evil = {"class_name": "system", "module": "os", "config": {"name": "x"}}
    config = sequential(layer("Dense", "dense"), evil)
    path = write_archive(tmp_path / "m.keras", {"layers/dense": [numbers(2, 2)]}, config)
    assert open_model(path).warnings == (
        "names os.system, which is not of Keras and is never imported",
    )


@pytest.mark.parametrize(
    "content",
    [b"{", b"[]", b"[" * 100_000, b'{"config": {"layers": [1, null, {"class_name": []}]}}'],
    ids=["cut", "a list", "deep", "layers that are none"],
)
def test_a_damaged_configuration_leaves_the_weights(tmp_path: Path, content: bytes) -> None:
    whole = write_archive(tmp_path / "whole.keras", {"layers/dense": [numbers(2, 2)]}, {})
    with zipfile.ZipFile(whole) as archive:
        weights = archive.read("model.weights.h5")
    with zipfile.ZipFile(tmp_path / "m.keras", "w") as archive:
        archive.writestr("config.json", content)
        archive.writestr("model.weights.h5", weights)
    [tensor] = open_model(tmp_path / "m.keras").tensors
    assert tensor.label == "kernel"


def test_an_archive_without_weights_or_with_pickled_ones(tmp_path: Path) -> None:
    for name, reason in (("x", "holds no model.weights.h5"), ("model.weights.npz", "pickled")):
        path = tmp_path / f"{name}.keras"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("config.json", "{}")
            archive.writestr("metadata.json", "{}")
            archive.writestr(name, b"")
        with pytest.raises(LoadError, match=reason):
            open_model(path)


def test_a_crash_of_the_library_ends_in_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_lists(tmp_path / "m.h5", {"dense": {"dense/kernel:0": numbers(2, 2)}})

    def crash(command: list[str], **settings: object) -> subprocess.CompletedProcess[bytes]:
        code = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
        return _run([sys.executable, "-c", code], **settings)

    _run = subprocess.run
    monkeypatch.setattr(separate_process.subprocess, "run", crash)
    with pytest.raises(LoadError, match=f"crashed \\(signal {int(signal.SIGKILL)}\\)"):
        open_model(path)


def test_a_library_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_lists(tmp_path / "m.h5", {"dense": {"dense/kernel:0": numbers(2, 2)}})
    monkeypatch.setattr(separate_process, "SECONDS", 0.01)
    with pytest.raises(LoadError, match="not listed within"):
        open_model(path)


def test_h5py_is_never_loaded_beside_the_values(tmp_path: Path) -> None:
    path = write_lists(tmp_path / "m.h5", {"dense": {"dense/kernel:0": numbers(2, 2)}})
    code = (
        "import sys\nfrom tensorpeek.loaders import open_model\n"
        f"open_model({str(path)!r}).tensors[0].read()\nassert 'h5py' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_module_in_the_working_folder_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_lists(tmp_path / "m.h5", {"dense": {"dense/kernel:0": numbers(2, 2)}})
    (tmp_path / "h5py.py").write_text("raise SystemExit(7)")
    monkeypatch.chdir(tmp_path)
    assert len(open_model(path).tensors) == 1


def _small() -> bytes:
    memory = io.BytesIO()
    with h5py.File(memory, "w") as file:
        file.attrs["layer_names"] = [b"dense"]
        group = file.create_group("dense")
        group.attrs["weight_names"] = [b"dense/kernel:0"]
        group["dense/kernel:0"] = numbers(4, 4)
        group.create_dataset("z", data=numbers(9, 4), chunks=(4, 2), compression="gzip")
    return memory.getvalue()


SMALL = _small()


@pytest.mark.parametrize("part", [9, 100, 512, 1500, len(SMALL) - 1])
def test_a_cut_file_is_an_error(tmp_path: Path, part: int) -> None:
    path = tmp_path / "m.h5"
    path.write_bytes(SMALL[:part])
    assert isinstance(_try(path), LoadError)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    changes=st.lists(
        st.tuples(st.integers(8, len(SMALL) - 1), st.integers(0, 255)), min_size=1, max_size=6
    )
)
def test_mutated_files_end_in_a_model_or_an_error(
    tmp_path: Path, changes: list[tuple[int, int]]
) -> None:
    content = bytearray(SMALL)
    for place, value in changes:
        content[place] = value
    path = tmp_path / "m.h5"
    path.write_bytes(content)
    started = time.monotonic()
    _try(path)
    assert time.monotonic() - started < 30
