"""Arrays in .npy files and .npz archives read as NumPy wrote them, bit by bit."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from tensorpeek.loaders import LoadError, find_models, open_model

KINDS = (
    *("b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"),
    *("f2", "f4", "f8", "c8", "c16"),
)


def _random(kind: str, shape: tuple[int, ...]) -> np.ndarray:
    width = np.dtype(kind).itemsize
    high = 2 if kind == "b1" else 256
    count = int(np.prod(shape))
    content = np.random.default_rng(3).integers(0, high, count * width, np.uint8)
    return content.view(kind).reshape(shape)


def _npy(array: np.ndarray, version: tuple[int, int] | None = None) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, version)
    return stream.getvalue()


def _with_header(text: str, values: bytes = b"", version: int = 1) -> bytes:
    width = 2 if version == 1 else 4
    encoded = text.encode()
    return (
        b"\x93NUMPY" + bytes([version, 0]) + len(encoded).to_bytes(width, "little") + encoded
    ) + values


def _bits(array: np.ndarray) -> bytes:
    """Return the bits of an array in native order: comparing values would let NaN differ."""
    return np.ascontiguousarray(array).astype(array.dtype.newbyteorder("=")).tobytes()


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)], ids=["1.0", "2.0", "3.0"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_type_order_and_version_reads_as_numpy_wrote_it(
    kind: str, byteorder: str, order: str, version: tuple[int, int], tmp_path: Path
) -> None:
    array = _random(kind, (4, 3, 5)).astype(np.dtype(kind).newbyteorder(byteorder), order=order)
    path = tmp_path / "layer.weight.npy"
    path.write_bytes(_npy(array, version))
    model = open_model(path)
    [tensor] = model.tensors
    expected = np.load(path)
    assert (tensor.dtype, tensor.shape) == (np.dtype(kind).name, expected.shape)
    assert tensor.nbytes == array.nbytes
    assert tensor.read().tobytes() == _bits(expected)
    assert (tensor.name, tensor.layer, tensor.role) == ("layer.weight", "layer", "weight")
    assert (model.format, model.warnings) == ("NumPy", ())


@pytest.mark.parametrize(
    "array",
    [
        pytest.param(np.array(2.5), id="a scalar"),
        pytest.param(np.empty((0, 3), np.int16), id="no rows"),
        pytest.param(np.empty((3, 0), np.int16, order="F"), id="no columns"),
        pytest.param(np.arange(7), id="one axis"),
        pytest.param(np.asfortranarray(np.arange(6).reshape(1, 6, 1)), id="axes of one element"),
        pytest.param(np.arange(24).reshape(2, 3, 4)[:, ::2], id="a view with gaps"),
        pytest.param(np.zeros((1,) * 32 + (2,) * 3), id="thirty-five axes"),
    ],
)
def test_shapes_read_as_numpy_wrote_them(array: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, array)
    [tensor] = open_model(path).tensors
    assert tensor.shape == array.shape
    assert np.array_equal(tensor.read(), np.load(path))


@pytest.mark.parametrize(
    ("array", "error"),
    [
        pytest.param(
            np.zeros(3, ml_dtypes.bfloat16),
            "element type <V2 holds raw bytes; the file does not say what they stand for",
            id="bfloat16",
        ),
        pytest.param(
            np.zeros(3, ml_dtypes.float8_e5m2), "element type <f1 is unknown", id="float8_e5m2"
        ),
        pytest.param(
            np.zeros(3, "M8[25s]"),
            "element type <M8[25s] holds dates, which are not numbers",
            id="dates",
        ),
        pytest.param(
            np.zeros(3, ">m8[us]"),
            "element type >m8[us] holds time differences, which are not numbers",
            id="time differences",
        ),
        pytest.param(
            np.array(["a", "bc"]),
            "element type <U2 holds text, which is not numbers",
            id="text",
        ),
        pytest.param(
            np.array([b"a"]), "element type |S1 holds text, which is not numbers", id="bytes"
        ),
        pytest.param(
            np.zeros(2, [("naïve\n", "f4"), ("b", "i2", (2, 2))]),
            "structured array: its elements have 2 fields, which are not shown",
            id="a structured type",
        ),
        pytest.param(
            np.zeros(2, np.longdouble),
            f"element type {np.dtype(np.longdouble).str} (extended precision) is not supported",
            id="extended precision",
            marks=pytest.mark.skipif(
                np.dtype(np.longdouble).itemsize == 8, reason="longdouble is float64 here"
            ),
        ),
    ],
)
def test_types_that_are_no_numbers_are_listed_with_their_error(
    array: np.ndarray, error: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, odd=array, good=np.arange(3))
    odd, good = open_model(path).tensors
    assert odd.error == error
    assert odd.shape == array.shape
    assert good.read().tolist() == [0, 1, 2]
    with pytest.raises(LoadError):
        odd.read()


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self._target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self._target,)


@pytest.mark.parametrize("suffix", ["npy", "npz"])
def test_object_arrays_are_never_unpickled(suffix: str, tmp_path: Path) -> None:
    path, target = tmp_path / f"a.{suffix}", tmp_path / "touched"
    array = np.array([Bomb(target)], dtype=object)
    np.save(path, array, allow_pickle=True) if suffix == "npy" else np.savez(path, a=array)
    [tensor] = open_model(path).tensors
    assert tensor.error == "object array: holds pickled Python objects, which are never loaded"
    with pytest.raises(LoadError, match="never loaded"):
        tensor.read()
    assert not target.exists()
    with np.load(path, allow_pickle=True) if suffix == "npz" else io.BytesIO() as archive:
        _ = archive["a"] if suffix == "npz" else np.load(path, allow_pickle=True)
    assert target.exists(), "the file was not dangerous in the first place"


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed], ids=["stored", "compressed"])
def test_archives_read_as_numpy_wrote_them(save: Callable[..., None], tmp_path: Path) -> None:
    arrays = {
        "conv1/weight": np.asfortranarray(_random("f4", (8, 3, 3))),
        "encoder.0.bias": _random(">i2", (9,)),
        "plain": _random("c16", (40, 50)),
        "empty": np.empty((0, 4)),
        "scalar": np.array(True),
        "name.npy": np.arange(3, dtype=np.uint16),
    }
    path = tmp_path / "a.npz"
    save(path, **arrays)
    model = open_model(path)
    tensors = {each.name: each for each in model.tensors}
    assert list(tensors) == list(arrays)
    with np.load(path) as theirs:
        for name, expected in theirs.items():
            assert tensors[name].shape == expected.shape
            assert tensors[name].read().tobytes() == _bits(expected)
            assert pickle.loads(pickle.dumps(tensors[name])).read().tobytes() == _bits(expected)
    first, second, third, *_ = model.tensors
    assert (first.layer, first.label, first.role) == ("conv1", "weight", "weight")
    assert (second.layer, second.label, second.role) == ("encoder.0", "bias", "bias")
    assert (third.layer, third.label, third.role) == ("plain", "plain", "other")
    assert find_models([tmp_path]) == ([path], [])


def test_values_need_not_lie_at_a_multiple_of_their_size(tmp_path: Path) -> None:
    values = np.arange(1000, dtype="<f8")
    header = "{'descr': '<f8', 'fortran_order': False, 'shape': (1000,), }\n"
    content = _with_header(header, values.tobytes())
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.npy", content, zipfile.ZIP_DEFLATED)
        archive.writestr("b.npy", content, zipfile.ZIP_STORED)
    for tensor in open_model(path).tensors:
        assert np.array_equal(tensor.read(), values)


def test_python_2_wrote_long_integers(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    header = "{'descr': '<i2', 'fortran_order': False, 'shape': (2L, 3L), }\n"
    path.write_bytes(_with_header(header, np.arange(6, dtype="<i2").tobytes()))
    [tensor] = open_model(path).tensors
    with pytest.warns(UserWarning, match="Python 2"):
        expected = np.load(path)
    assert np.array_equal(tensor.read(), expected)


def test_what_follows_an_array_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    with path.open("wb") as stream:
        np.save(stream, np.arange(3, dtype=np.int8))
        np.save(stream, np.arange(3, dtype=np.int8))
    model = open_model(path)
    assert model.tensors[0].read().tolist() == [0, 1, 2]
    assert model.warnings == ("131 bytes follow the array and are not shown",)
