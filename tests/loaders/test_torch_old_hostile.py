"""Damaged and hostile old PyTorch files give a model or an error, and nothing else."""

from __future__ import annotations

import contextlib
import io
import pickle
import struct
import tarfile
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from attack_files import call, old_stream, text
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tensorpeek.loaders import LoadError, open_model

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")


def tar_of(**members: bytes) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:") as archive:
        for name, inside in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(inside)
            archive.addfile(member, io.BytesIO(inside))
    return content.getvalue()


def number(value: int) -> bytes:
    return pickle.dumps(value, 2)


STORAGE = b"\x80\x02K\x01" + text("cpu") + b"ctorch\nFloatStorage\n\x87."
TENSOR = b"\x80\x02K\x02K\x01N\x87."
REFERENCE = b"\x80\x02}(" + text("w") + text("2") + b"Qu."
VALID_TAR = {
    "storages": number(1) + STORAGE + struct.pack("<q4f", 4, 1, 2, 3, 4) + b"\x80\x02].",
    "tensors": number(1) + TENSOR + struct.pack("<ii3q", 1, 0, 4, 1, 0),
    "pickle": REFERENCE,
}


def valid_files() -> list[bytes]:
    weight = torch.arange(12.0).reshape(3, 4)
    written = {"w": weight, "s": weight.to_sparse(), "n": np.arange(300), "b": weight[1]}
    stream = io.BytesIO()
    torch.save(written, stream, _use_new_zipfile_serialization=False)
    return [stream.getvalue(), pickle.dumps(written), tar_of(**VALID_TAR)]


@pytest.fixture(scope="module")
def valid(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[bytes]]:
    return tmp_path_factory.mktemp("old"), valid_files()


def read_all(path: Path) -> None:
    start = time.process_time()
    with contextlib.suppress(LoadError):
        for tensor in open_model(path).tensors:
            with contextlib.suppress(LoadError):
                assert tensor.read().shape == tensor.shape
    assert time.process_time() - start < 25


@settings(
    max_examples=400,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_mutated_files_give_a_model_or_an_error(
    valid: tuple[Path, list[bytes]], data: st.DataObject
) -> None:
    folder, contents = valid
    content = bytearray(data.draw(st.sampled_from(contents)))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(1, len(content)))]
    path = folder / "mutated"
    path.write_bytes(content)
    read_all(path)


def test_the_tar_that_the_others_are_made_of_is_right(tmp_path: Path) -> None:
    path = tmp_path / "right.tar"
    path.write_bytes(tar_of(**VALID_TAR))
    [tensor] = open_model(path).tensors
    assert (tensor.name, tensor.read().tolist()) == ("w", [1, 2, 3, 4])


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"storages": number(1 << 60) + STORAGE}, "truncated within its tensors"),
        ({"storages": number(-1)}, "a count is not a number"),
        ({"storages": b"\x80\x02].", "tensors": b"."}, "a count is not a number"),
        ({"storages": number(1) + STORAGE + struct.pack("<q", 1 << 61)}, "truncated within"),
        ({"storages": number(1) + STORAGE + struct.pack("<q", -5)}, "truncated within"),
        ({"storages": number(1) + b"\x80\x02]."}, "unknown entry"),
        ({"tensors": number(1) + TENSOR + struct.pack("<ii", 1 << 30, 0)}, "dimensions"),
        ({"tensors": number(1) + TENSOR + struct.pack("<ii", -1, 0)}, "dimensions"),
        ({"pickle": b"\x80\x02cos\nsystem\n(tR."}, r"names the global os\.system"),
    ],
    ids=[
        "storages without end",
        "fewer storages than none",
        "a list of storages",
        "a storage of exabytes",
        "a storage of less than nothing",
        "a storage that is a list",
        "a billion dimensions",
        "less than no dimensions",
        "a call in place of tensors",
    ],
)
def test_a_tar_that_lies_is_refused(changed: dict[str, bytes], reason: str, tmp_path: Path) -> None:
    path = tmp_path / "lie.tar"
    path.write_bytes(tar_of(**{**VALID_TAR, **changed}))
    with pytest.raises(LoadError, match=reason):
        open_model(path)


def test_a_tar_of_other_things_is_no_model(tmp_path: Path) -> None:
    path = tmp_path / "source.tar"
    path.write_bytes(tar_of(readme=b"hello", pickles=b"."))
    with pytest.raises(LoadError, match="not a model file"):
        open_model(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (old_stream(b"N").replace(b"M\xe9\x03", b"M\xea\x03"), "unknown protocol"),
        (old_stream(b"N")[:-2] + b"N.", "does not list its storages"),
        (old_stream(b"N")[:-5], "damaged pickle"),
        (old_stream(call("os system", text("id"))), r"names the global os\.system"),
    ],
    ids=["another version", "no list of storages", "a cut one", "a call"],
)
def test_a_stream_that_lies_is_refused(content: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "lie.pt"
    path.write_bytes(content)
    with pytest.raises(LoadError, match=reason):
        open_model(path)


def test_a_storage_longer_than_the_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "long.pt"
    torch.save({"w": torch.ones(4)}, path, _use_new_zipfile_serialization=False)
    content = path.read_bytes()
    path.write_bytes(content.replace(struct.pack("<q", 4), struct.pack("<q", 1 << 60)))
    [tensor] = open_model(path).tensors
    assert "its storage is truncated" in tensor.error


def test_dangers_within_a_nested_file_are_told(tmp_path: Path) -> None:
    """An honest storage beside a nested file that calls something: both are seen."""
    evil = old_stream(call("os system", text("id")))
    load = call("torch.storage _load_from_bytes", b"B" + struct.pack("<I", len(evil)) + evil)
    honest = pickle.dumps({"w": torch.ones(4)}, 4)
    weight = honest[honest.index(b"}") :].removesuffix(b".")
    path = tmp_path / "nested.pkl"
    path.write_bytes(b"\x80\x04" + weight + b"0](" + weight + load + b"e.")
    model = open_model(path)
    assert model.tensors[0].read().tolist() == [1, 1, 1, 1]
    named = [line.split()[3] for line in model.warnings if line.startswith("names the global")]
    assert named == ["torch.storage._load_from_bytes", "os.system"]
