"""Values that an ONNX model keeps in files beside it."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, numpy_helper
from onnx_models import model_of, named, open_onnx, save

from tensorpeek.loaders import LoadError
from tensorpeek.loaders.inside_folder import path_inside

LEAVES = "external data path leaves the model's folder"


def _external(**entries: str) -> TensorProto:
    proto = TensorProto(name="t", data_type=1, dims=[2, 3], data_location=TensorProto.EXTERNAL)
    for key, value in entries.items():
        proto.external_data.add(key=key, value=value)
    return proto


def _saved(folder: Path, **entries: str) -> Path:
    folder.mkdir(exist_ok=True)
    return save(model_of([], [_external(**entries)]), folder / "m.onnx")


def test_values_are_read_from_where_onnx_wrote_them(tmp_path: Path) -> None:
    arrays = {name: np.random.default_rng(1).normal(size=(7, 9)) for name in "ab"}
    inits = [numpy_helper.from_array(array, name) for name, array in arrays.items()]
    path = tmp_path / "m.onnx"
    onnx.save(
        model_of([], inits), path, save_as_external_data=True, location="m.data", size_threshold=0
    )
    model = open_onnx(path)
    for name, array in arrays.items():
        assert (named(model, name).read() == array).all()
    assert model.warnings == ()


@pytest.mark.parametrize(
    "entries",
    [
        pytest.param({"offset": "8", "length": "24"}, id="offset and length"),
        pytest.param({"offset": "8"}, id="the shape tells a length that is left out"),
        pytest.param({"offset": "8", "checksum": "00"}, id="an entry that says nothing here"),
    ],
)
def test_offset_and_length(tmp_path: Path, entries: dict[str, str]) -> None:
    (tmp_path / "d.bin").write_bytes(np.arange(8, dtype="f4").tobytes())
    model = open_onnx(_saved(tmp_path, location="d.bin", **entries))
    assert named(model, "t").read().tolist() == [[2, 3, 4], [5, 6, 7]]


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        pytest.param({"location": "none.bin"}, "external data missing: none.bin", id="no file"),
        pytest.param({"location": "/etc/passwd"}, LEAVES, id="an absolute path"),
        pytest.param({"location": "../out.bin"}, LEAVES, id="a path upward"),
        pytest.param({"location": "sub/../../out.bin"}, LEAVES, id="a path upward in the middle"),
        pytest.param({"location": "C:\\out.bin"}, LEAVES, id="a drive"),
        pytest.param({"location": "a\0b"}, LEAVES, id="a null byte"),
        pytest.param({"location": ""}, LEAVES, id="an empty path"),
        pytest.param({"location": "link.bin"}, LEAVES, id="a link out of the folder"),
        pytest.param({"location": "linked/out.bin"}, LEAVES, id="a linked folder"),
        pytest.param({"location": "loop.bin"}, "external data", id="a link to itself"),
        pytest.param({"location": "short.bin"}, "external data too short", id="too short"),
        pytest.param(
            {"location": "short.bin", "offset": "9" * 18}, "too short", id="an offset past the end"
        ),
        pytest.param({"location": "short.bin", "offset": "-4"}, "not a number", id="below zero"),
        pytest.param({"location": "short.bin", "length": "x"}, "not a number", id="no number"),
        pytest.param({"location": "short.bin", "length": "8"}, "has 8 bytes", id="wrong length"),
        pytest.param({"location": "folder"}, "not a regular file", id="a folder"),
        pytest.param({"location": "pipe"}, "not a regular file", id="a pipe"),
        pytest.param({"location": "x" * 300}, "cannot be read", id="a name that is too long"),
    ],
)
def test_what_cannot_be_had_is_an_error_of_that_tensor(
    tmp_path: Path, entries: dict[str, str], reason: str
) -> None:
    folder = tmp_path / "model"
    (folder / "folder").mkdir(parents=True)
    (tmp_path / "out.bin").write_bytes(b"\0" * 100)
    (folder / "short.bin").write_bytes(b"\0" * 20)
    (folder / "link.bin").symlink_to(tmp_path / "out.bin")
    (folder / "linked").symlink_to(tmp_path)
    (folder / "loop.bin").symlink_to(folder / "loop.bin")
    os.mkfifo(folder / "pipe")
    model = open_onnx(_saved(folder, **entries))
    tensor = named(model, "t")
    assert reason in (tensor.error or "")
    with pytest.raises(LoadError):
        tensor.read()


def test_each_missing_file_is_one_warning(tmp_path: Path) -> None:
    inits = [_external(location=f"{n % 2}.bin", offset=str(n)) for n in range(6)]
    for number, each in enumerate(inits):
        each.name = f"t{number}"
    model = open_onnx(save(model_of([], inits), tmp_path / "m.onnx"))
    assert len(model.tensors) == 6
    assert model.warnings == ("external data missing: 0.bin", "external data missing: 1.bin")


def test_a_file_replaced_after_opening_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "d.bin").write_bytes(b"\0" * 24)
    tensor = named(open_onnx(_saved(tmp_path, location="d.bin")), "t")
    (tmp_path / "d.bin").write_bytes(b"\0" * 25)
    with pytest.raises(LoadError, match="replaced or changed"):
        tensor.read()


def test_a_link_within_the_folder_is_fine(tmp_path: Path) -> None:
    (tmp_path / "real.bin").write_bytes(b"\0" * 24)
    (tmp_path / "link.bin").symlink_to("real.bin")
    assert path_inside(tmp_path, "link.bin") == tmp_path / "link.bin"
    assert named(open_onnx(_saved(tmp_path, location="link.bin")), "t").read().sum() == 0


def _cached(folder: Path, target: str) -> Path:
    """Lay out a cache of the Hugging Face Hub, where the external data links to ``target``."""
    snapshot, blobs = folder / "models--a--b" / "snapshots" / "0123" / "onnx", folder / target
    snapshot.mkdir(parents=True)
    (folder / "models--a--b" / "blobs").mkdir()
    blobs.mkdir(exist_ok=True)
    (blobs / "sha").write_bytes(np.arange(6, dtype=np.float32).tobytes())
    path = _saved(snapshot, location="m.onnx_data")
    path.rename(folder / "models--a--b" / "blobs" / "model")
    path.symlink_to("../../../blobs/model")
    (snapshot / "m.onnx_data").symlink_to(Path("../../../..") / target / "sha")
    return path


def test_the_hub_cache_keeps_values_beside_its_snapshots(tmp_path: Path) -> None:
    opened = open_onnx(_cached(tmp_path, "models--a--b/blobs"))
    assert opened.warnings == ()
    assert named(opened, "t").read().reshape(-1).tolist() == [0, 1, 2, 3, 4, 5]


def test_blobs_of_another_model_are_not_read(tmp_path: Path) -> None:
    tensor = named(open_onnx(_cached(tmp_path, "elsewhere")), "t")
    assert tensor.error == "external data path leaves the model's folder"
