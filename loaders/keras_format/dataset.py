"""Say where the values of one HDF5 dataset lie, without reading them; needs h5py."""

from __future__ import annotations

import math

import h5py
import numpy as np

from tensorpeek.loaders.dtypes import DTYPES
from tensorpeek.loaders.keras_format.element_type import element_of
from tensorpeek.loaders.keras_format.outline import (
    Chunk,
    ChunkMap,
    Dataset,
    Filter,
    encode,
)

MAX_CHUNKS = 1 << 20
"""Chunks of one file beyond which the rest are not listed: a gigabyte of 1 KiB chunks."""

MAX_COMPACT = 1 << 16
"""Bytes that HDF5 stores in a header at most."""

_FILTERS: dict[int, Filter] = {
    h5py.h5z.FILTER_DEFLATE: "deflate",
    h5py.h5z.FILTER_SHUFFLE: "shuffle",
    h5py.h5z.FILTER_FLETCHER32: "fletcher32",
}


class Refusal(Exception):  # noqa: N818 (a clause about one dataset)
    """Why the values of a dataset cannot be shown, as one clause; and its shape, if known."""

    def __init__(self, reason: str, shape: tuple[int, ...] = ()) -> None:
        super().__init__(reason)
        self.shape = shape


class DatasetReader:
    """Describes the datasets of one file; counts their chunks."""

    def __init__(self) -> None:
        self._chunks = 0

    def read(
        self, found: h5py.h5d.DatasetID, path: tuple[str, ...], declared: str | None
    ) -> Dataset:
        """Describe a dataset; ``declared`` is the element type that Keras wrote beside it."""
        try:
            return self._plain(found, path, declared)
        except Refusal as refusal:
            return Dataset(path, refusal.shape, error=str(refusal))

    def _plain(
        self, found: h5py.h5d.DatasetID, path: tuple[str, ...], declared: str | None
    ) -> Dataset:
        properties = found.get_create_plist()
        layout = properties.get_layout()
        if layout == h5py.h5d.VIRTUAL:  # before its shape is asked for, which opens other files
            raise Refusal("is a virtual dataset: its values lie in other datasets")
        shape = _shape(found)
        if properties.get_external_count():
            raise Refusal("has its values in other files, which are not opened", shape)
        element = element_of(found.get_type(), declared)
        if isinstance(element, str):
            raise Refusal(element, shape)
        facts = Dataset(path, shape, *element, stored=found.get_storage_size())
        return self._place(found, facts, layout)

    def _place(self, found: h5py.h5d.DatasetID, facts: Dataset, layout: int) -> Dataset:
        need = DTYPES[facts.dtype].nbytes(math.prod(facts.shape))
        known = (facts.path, facts.shape, facts.dtype, facts.byteorder, facts.stored)
        if not need:
            return Dataset(*known, content="")
        if not facts.stored:
            raise Refusal(
                f"claims {math.prod(facts.shape):,} elements, none of them is stored", facts.shape
            )
        if layout == h5py.h5d.CHUNKED:
            return Dataset(*known, chunks=self._chunk_map(found, facts.shape))
        if layout == h5py.h5d.COMPACT:
            if need > MAX_COMPACT:
                raise Refusal("is larger than a header can be", facts.shape)
            return Dataset(*known, content=encode(_compact(found, facts, need)))
        offset = found.get_offset()
        if offset is None:
            raise Refusal("does not say where its values lie", facts.shape)
        return Dataset(*known, offset=offset)

    def _chunk_map(self, found: h5py.h5d.DatasetID, shape: tuple[int, ...]) -> ChunkMap:
        properties = found.get_create_plist()
        sides = tuple(properties.get_chunk())
        filters = _filters(properties, shape)
        if len(sides) != len(shape) or 0 in sides:
            raise Refusal("has chunks of another shape", shape)
        count = found.get_num_chunks()
        self._chunks += count
        if self._chunks > MAX_CHUNKS:
            raise Refusal(f"is beyond the first {MAX_CHUNKS:,} chunks of the file", shape)
        return ChunkMap(
            sides, filters, _chunks(found, shape, sides, count), _fill(properties, found)
        )


def _shape(found: h5py.h5d.DatasetID) -> tuple[int, ...]:
    space = found.get_space()
    if space.get_simple_extent_type() == h5py.h5s.NULL:
        raise Refusal("has no values (a null dataspace)")
    return tuple(space.get_simple_extent_dims())


def _filters(properties: h5py.h5p.PropDCID, shape: tuple[int, ...]) -> tuple[Filter, ...]:
    filters = []
    for index in range(properties.get_nfilters()):
        number, _, _, text = properties.get_filter(index)
        known = _FILTERS.get(number)
        if known is None:
            name = text.decode("utf-8", "replace") or f"number {number}"
            reason = f"is compressed with the filter {name}, which is not supported"
            raise Refusal(reason, shape)
        filters.append(known)
    if len(set(filters)) < len(filters):
        raise Refusal("applies a filter to its chunks twice", shape)
    return tuple(filters)


def _chunks(
    found: h5py.h5d.DatasetID, shape: tuple[int, ...], sides: tuple[int, ...], count: int
) -> tuple[Chunk, ...]:
    grid = tuple(-(-length // side) for length, side in zip(shape, sides, strict=True))
    listed: dict[int, Chunk] = {}

    def add(stored: h5py.h5d.StoreInfo) -> None:
        place = [at // side for at, side in zip(stored.chunk_offset, sides, strict=True)]
        inside = all(0 <= at < end for at, end in zip(place, grid, strict=True))
        if not inside or stored.byte_offset is None or len(listed) >= count:
            raise ValueError("a chunk lies outside the dataset")
        number = 0
        for at, end in zip(place, grid, strict=True):
            number = number * end + at
        listed[number] = Chunk(number, stored.byte_offset, stored.size, stored.filter_mask)

    found.chunk_iter(add)
    return tuple(listed[number] for number in sorted(listed))


def _fill(properties: h5py.h5p.PropDCID, found: h5py.h5d.DatasetID) -> str:
    """Return what stands where no chunk is stored."""
    if properties.fill_value_defined() != h5py.h5d.FILL_VALUE_USER_DEFINED:
        return ""
    value = np.zeros((), found.dtype)
    properties.get_fill_value(value)
    return encode(value.tobytes())


def _compact(found: h5py.h5d.DatasetID, facts: Dataset, need: int) -> bytes:
    """Return values that lie in the header, at most 64 KiB, in the file's byte order."""
    kind = found.get_type()
    values = np.empty(need, np.uint8)
    space = h5py.h5s.create(h5py.h5s.SCALAR) if not facts.shape else h5py.h5s.ALL
    found.read(space, h5py.h5s.ALL, values, mtype=kind)
    return values.tobytes()
