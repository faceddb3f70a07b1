"""Values of every kind of HDF5 dataset against h5py's own reading."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from keras_files import numbers
from numpy.typing import NDArray

from tensorpeek.loaders import LoadError, open_model
from tensorpeek.loaders.model import Model
from tensorpeek.loaders.tensor import Tensor

TYPES = ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16"]
TYPES += [">i2", ">u4", ">i8", ">f2", ">f4", ">f8", ">c8"]


def _one(path: Path, values: NDArray[Any] | None = None, **settings: object) -> Tensor:
    with h5py.File(path, "w", userblock_size=settings.pop("userblock", 0)) as file:
        file.create_dataset("w", data=values, **settings)
    [tensor] = open_model(path).tensors
    return tensor


@pytest.mark.parametrize("chunks", [None, (2, 3)], ids=["contiguous", "chunked"])
def test_every_type_reads_as_h5py_reads_it(tmp_path: Path, chunks: tuple[int, int] | None) -> None:
    values = (numbers(5, 7, dtype="f8") * 50).astype("i1")
    with h5py.File(tmp_path / "m.h5", "w") as file:
        for kind in TYPES:
            file.create_dataset(kind, data=values.astype(kind), chunks=chunks)
    tensors = {one.name: one for one in open_model(tmp_path / "m.h5").tensors}
    for kind in TYPES:
        read = tensors[kind].read()
        assert read.dtype == np.dtype(kind).newbyteorder("="), kind
        np.testing.assert_array_equal(read, values.astype(kind), kind)


CHUNKED = {
    "a vector": ((10,), (3,)),
    "whole rows": ((7, 5), (2, 5)),
    "whole columns": ((7, 5), (7, 2)),
    "three axes": ((4, 5, 6), (3, 2, 4)),
    "a column": ((9, 1), (2, 1)),
}


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"compression": "gzip"},
        {"compression": "gzip", "shuffle": True},
        {"shuffle": True},
        {"fletcher32": True},
        {"compression": "gzip", "shuffle": True, "fletcher32": True},
    ],
    ids=["plain", "gzip", "gzip and shuffle", "shuffle", "fletcher32", "all three"],
)
def test_chunks_are_put_together(tmp_path: Path, settings: dict[str, Any]) -> None:
    wanted = {name: numbers(*shape) for name, (shape, _) in CHUNKED.items()}
    with h5py.File(tmp_path / "m.h5", "w") as file:
        for name, (_, chunks) in CHUNKED.items():
            file.create_dataset(name, data=wanted[name], chunks=chunks, **settings)
    for tensor in open_model(tmp_path / "m.h5").tensors:
        values = wanted[tensor.name]
        np.testing.assert_array_equal(tensor.read(), values)
        parts = list(tensor.chunks(size=4))
        assert max(part.size for part in parts) <= 4
        np.testing.assert_array_equal(np.concatenate(parts), values.reshape(-1))
        copy = pickle.loads(pickle.dumps(tensor))
        assert hash(copy.codec) == hash(tensor.codec)
        np.testing.assert_array_equal(copy.read(), values)


def test_bands_smaller_than_a_chunk_give_the_same_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = numbers(13, 8)
    tensor = _one(tmp_path / "m.h5", values, chunks=(5, 3), compression="gzip")
    monkeypatch.setattr("tensorpeek.loaders.keras_format.chunked.MAX_BAND", 64)
    monkeypatch.setattr("tensorpeek.loaders.keras_format.chunked.BAND", 64)
    np.testing.assert_array_equal(tensor.read(), values)


@pytest.mark.parametrize("kind", ["<f4", ">f4"], ids=["little-endian", "big-endian"])
def test_chunks_that_are_not_stored_read_as_the_fill_value(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "m.h5"
    with h5py.File(path, "w") as file:
        held = file.create_dataset("w", (8, 8), kind, chunks=(4, 4), fillvalue=2.5)
        held[4:, :4] = 1
        wanted = held[:]
    [tensor] = open_model(path).tensors
    np.testing.assert_array_equal(tensor.read(), wanted)


def test_a_compact_dataset_is_read_from_the_header(tmp_path: Path) -> None:
    path, values = tmp_path / "m.h5", numbers(3, 4)
    with h5py.File(path, "w") as file:
        properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        properties.set_layout(h5py.h5d.COMPACT)
        for name, held in (("two", values), ("zero", values[0, 0])):
            space = h5py.h5s.create_simple(held.shape) if held.shape else h5py.h5s.create(0)
            made = h5py.h5d.create(
                file.id, name.encode(), h5py.h5t.IEEE_F32LE, space, dcpl=properties
            )
            made.write(h5py.h5s.ALL, h5py.h5s.ALL, np.asarray(held))
    first, second = open_model(path).tensors
    np.testing.assert_array_equal(first.read(), values)
    np.testing.assert_array_equal(second.read(), values[0, 0])


@pytest.mark.parametrize(
    "values",
    [np.float32(2.5), np.zeros((0, 3), "f4"), np.zeros((3, 0), "f4")],
    ids=["a scalar", "no rows", "no columns"],
)
def test_scalars_and_empty_datasets(tmp_path: Path, values: NDArray[Any]) -> None:
    tensor = _one(tmp_path / "m.h5", values)
    assert tensor.shape == np.shape(values)
    np.testing.assert_array_equal(tensor.read(), values)


def test_a_file_with_a_user_block_before_it(tmp_path: Path) -> None:
    values = numbers(5)
    np.testing.assert_array_equal(_one(tmp_path / "m.h5", values, userblock=1024).read(), values)


@pytest.mark.parametrize("version", ["earliest", "latest"], ids=["old structures", "new ones"])
def test_both_generations_of_structures(tmp_path: Path, version: str) -> None:
    path, values = tmp_path / "m.h5", numbers(40, 6)
    with h5py.File(path, "w", libver=version) as file:
        file.create_dataset("a/b/fixed", data=values, chunks=(7, 6), compression="gzip")
        file.create_dataset("a/b/grows", data=values, chunks=(7, 6), maxshape=(None, 6))
        file.create_dataset("a/b/one", data=values, chunks=(40, 6))
        file.create_dataset("a/b/plain", data=values)
    tensors = open_model(path).tensors
    assert [one.name for one in tensors] == ["a/b/fixed", "a/b/grows", "a/b/one", "a/b/plain"]
    for one in tensors:
        np.testing.assert_array_equal(one.read(), values)


def test_an_hdf5_file_of_another_program_is_listed_by_its_paths(tmp_path: Path) -> None:
    tensor = _one(tmp_path / "m.h5", numbers(2))
    model: Model = open_model(tmp_path / "m.h5")
    assert (model.format, dict(model.metadata)) == ("HDF5", {})
    assert (tensor.name, tensor.layer, tensor.label) == ("w", "w", "w")


def test_without_h5py_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _one(tmp_path / "m.h5", numbers(2))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(LoadError, match=r"needs package h5py \(pip install 'tensorpeek\[keras\]'"):
        open_model(tmp_path / "m.h5")
