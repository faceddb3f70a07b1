"""Read a dataset that HDF5 stores in chunks, filtered or not, band by band."""

from __future__ import annotations

import math
import zlib
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tensorpeek.loaders.dtypes import DTYPES, DType
from tensorpeek.loaders.errors import LoadError
from tensorpeek.loaders.keras_format.outline import Byteorder, Chunk, ChunkMap, decode
from tensorpeek.loaders.layout import MAX_EXPANSION
from tensorpeek.loaders.storage import Deflated, FileSpan, Read
from tensorpeek.loaders.zip_archive import MAX_RATIO

MAX_BAND = 1 << 28
"""Bytes of rows that are put together at most at once, and of one chunk."""

BAND = 1 << 22
"""Bytes of rows that are put together at once where chunks are small."""


@dataclass(frozen=True, slots=True)
class ChunkedCodec:
    """Elements of ``shape`` in the chunks that ``chunks`` lists; ``storage`` is the HDF5 file.

    Chunks that are not stored read as the fill value.
    """

    storage: FileSpan | Deflated
    shape: tuple[int, ...]
    dtype: str
    byteorder: Byteorder
    chunks_at: ChunkMap = field(repr=False)

    @property
    def element(self) -> DType:
        """The type of an element."""
        return DTYPES[self.dtype]

    def problem(self) -> str | None:
        """Return why the chunks cannot be read within bounds, or None if they can."""
        width = self.element.numpy.itemsize
        listed = self.chunks_at.chunks
        if any(not 0 <= one.offset <= self.storage.nbytes - one.nbytes for one in listed):
            return "truncated or damaged: a chunk reaches past the end of the file"
        stored = sum(one.nbytes for one in listed)
        if stored > self.storage.nbytes:
            return "damaged: its chunks overlap"
        count = math.prod(self.shape)
        if count > max(stored * MAX_RATIO // width, MAX_EXPANSION):
            return f"claims {count:,} elements over {stored:,} stored bytes"
        row = math.prod(self.shape[1:]) * width
        if max(math.prod(self.chunks_at.shape) * width, row) > MAX_BAND:
            return f"has chunks or rows of more than {MAX_BAND:,} bytes"
        return None

    def value_type(self, view: Literal["raw", "dequantized"]) -> DType:  # noqa: ARG002
        """See :meth:`tensorpeek.loaders.codec.Codec.value_type`: the stored type."""
        return self.element

    def chunks(self, view: Literal["raw", "dequantized"], size: int) -> Iterator[NDArray[Any]]:  # noqa: ARG002
        """See :meth:`tensorpeek.loaders.codec.Codec.chunks`."""
        for band in self._bands():
            flat = band.reshape(-1)
            for start in range(0, flat.size, size):
                yield flat[start : start + size]

    @property
    def path(self) -> str:
        """The file that holds the chunks."""
        span = self.storage.span if isinstance(self.storage, Deflated) else self.storage
        return span.path

    def band_around(self, row: int) -> tuple[int, int]:
        """Return which rows, ``[start, stop)``, are put together where ``row`` is asked for.

        Those of some rows of chunks, or a part of one that is too large.
        """
        nbytes = math.prod(self.shape[1:]) * self.element.numpy.itemsize
        side = self.chunks_at.shape[0]
        period = side * max(BAND // (side * nbytes), 1)
        step = max(min(period, MAX_BAND // nbytes), 1)
        first = row // period * period
        start = first + (row - first) // step * step
        return start, min(start + step, first + period, self.shape[0])

    def _bands(self) -> Iterator[NDArray[Any]]:
        """Yield runs of whole rows, from the first to the last one."""
        if not math.prod(self.shape):
            return
        with self.storage.open() as read:
            stop = 0
            while stop < self.shape[0]:
                start, stop = self.band_around(stop)
                yield self.band(read, start, stop)

    def band(self, read: Read, start: int, stop: int) -> NDArray[Any]:
        """Return the rows ``[start, stop)``; ``read`` reads the file. Raises LoadError."""
        side, sides, lengths = self.chunks_at.shape[0], self.chunks_at.shape[1:], self.shape[1:]
        band = np.full((stop - start, *lengths), self._fill())
        for one in self._within(start // side, -(-stop // side)):
            top, *corner = self._corner(one.number)
            rows = slice(max(start, top), min(stop, top + side))
            content = self._decode(read(one.offset, one.offset + one.nbytes), one.mask)
            places = tuple(
                slice(at, min(at + width, length))
                for at, width, length in zip(corner, sides, lengths, strict=True)
            )
            parts = tuple(slice(0, place.stop - place.start) for place in places)
            target = (slice(rows.start - start, rows.stop - start), *places)
            band[target] = content[(slice(rows.start - top, rows.stop - top), *parts)]
        return band

    def _within(self, first: int, end: int) -> tuple[Chunk, ...]:
        """Return the stored chunks of rows ``[first, end)`` of the grid."""
        across, listed = math.prod(self._grid()[1:]), self.chunks_at.chunks
        low = bisect_left(listed, first * across, key=attrgetter("number"))
        high = bisect_left(listed, end * across, key=attrgetter("number"))
        return listed[low:high]

    def _decode(self, packed: bytes | bytearray | memoryview, mask: int) -> NDArray[Any]:
        """Undo the filters of a chunk; return its elements in native byte order."""
        sides = self.chunks_at.shape
        nbytes = math.prod(sides) * self.element.numpy.itemsize
        content = bytes(packed)
        for index, name in reversed(tuple(enumerate(self.chunks_at.filters))):
            if not mask >> index & 1:
                content = self._undo(name, content, nbytes)
        if len(content) != nbytes:
            raise self._damaged()
        values = np.frombuffer(content, self.element.numpy).reshape(sides)
        return values if self.byteorder == "little" else values.byteswap()

    def _undo(self, name: str, content: bytes, nbytes: int) -> bytes:
        if name == "fletcher32":
            return content[:-4]
        if name == "shuffle":
            width = self.element.numpy.itemsize
            if len(content) % width:
                raise self._damaged()
            return np.frombuffer(content, np.uint8).reshape(width, -1).T.tobytes()
        try:
            return zlib.decompressobj().decompress(content, nbytes + 8)
        except zlib.error as error:
            raise self._damaged() from error

    def _fill(self) -> NDArray[Any]:
        stored, kind = decode(self.chunks_at.fill), self.element.numpy
        if len(stored) != kind.itemsize:
            return np.zeros((), kind)
        value = np.frombuffer(stored, kind).reshape(())
        return value if self.byteorder == "little" else value.byteswap()

    def _grid(self) -> tuple[int, ...]:
        sides = zip(self.shape, self.chunks_at.shape, strict=True)
        return tuple(-(-length // side) for length, side in sides)

    def _corner(self, number: int) -> tuple[int, ...]:
        """Return the indices of the first element of a chunk."""
        corner = []
        for blocks, side in zip(
            reversed(self._grid()), reversed(self.chunks_at.shape), strict=True
        ):
            number, at = divmod(number, blocks)
            corner.append(at * side)
        return tuple(reversed(corner))

    def _damaged(self) -> LoadError:
        return LoadError(self.path, "a compressed chunk is damaged")
