"""Spread the stored values of a sparse TFLite tensor over its dense shape.

The format is that of TACO (Kjolstad et al., OOPSLA 2017) as schema.fbs describes it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tensorpeek.loaders.dtypes import DTYPES, DType
from tensorpeek.loaders.errors import LoadError
from tensorpeek.loaders.layout import Layout
from tensorpeek.loaders.quantization import Quantization
from tensorpeek.loaders.storage import FileSpan

MAX_STORED = 1 << 26
"""Stored values beyond which a tensor is not read: placing one takes 24 bytes of memory."""
MAX_SPREAD = 1 << 10
"""Elements for each stored value beyond which a shape is taken for an attack."""
ALWAYS_SPREAD = 1 << 20
"""Elements that are filled in whatever is stored."""

Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Numbers:
    """Unsigned or 32-bit numbers in the file."""

    span: FileSpan
    dtype: str

    @property
    def count(self) -> int:
        """How many there are."""
        return self.span.nbytes * 8 // DTYPES[self.dtype].bits

    def read(self) -> Places:
        """Read them all. Raises LoadError."""
        with self.span.open() as read:
            content = read(0, self.span.nbytes)
        return np.frombuffer(content, np.dtype(DTYPES[self.dtype].numpy)).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Level:
    """One dimension in the order of traversal: ``size`` entries, ``step`` elements apart.

    A sparse one lists the entries that are stored (``indices``), those of each entry of the level
    above from one number in ``segments`` to the next.
    """

    size: int
    step: int
    segments: Numbers | None = None
    indices: Numbers | None = None


@dataclass(frozen=True, slots=True)
class SparseCodec:
    """The values in ``span``, spread over ``shape`` as ``levels`` say; the others are 0."""

    span: FileSpan
    element: DType
    shape: tuple[int, ...]
    count: int
    levels: tuple[Level, ...]
    quantization: Quantization | None = field(compare=False)

    def value_type(self, view: Literal["raw", "dequantized"]) -> DType:
        """See :meth:`tensorpeek.loaders.codec.Codec.value_type`."""
        if view == "raw" or self.quantization is None:
            return self.element
        return DTYPES[self.quantization.value_type.name]

    def chunks(self, view: Literal["raw", "dequantized"], size: int) -> Iterator[NDArray[Any]]:
        """See :meth:`tensorpeek.loaders.codec.Codec.chunks`.

        Memory grows with the number of stored values, not with that of the elements.
        """
        if view == "raw" or self.quantization is None:
            return self._raw(size)
        return self.quantization.dequantize(self._raw(size), self.shape)

    def problem(self) -> str | None:
        """Return why these numbers cannot make up the tensor, or None if they may."""
        paths = 1
        for level in self.levels:
            if level.segments is None or level.indices is None:
                paths *= level.size
                continue
            if level.segments.count != paths + 1:
                return f"has {level.segments.count:,} segments where {paths + 1:,} are needed"
            paths = level.indices.count
        largest = max((each.indices.count for each in self.levels if each.indices), default=0)
        if max(largest, paths) > MAX_STORED:
            return f"lists {max(largest, paths):,} entries: too many to place"
        if paths != self.count or self.element.nbytes(self.count) != self.span.nbytes:
            return f"has {self.span.nbytes:,} bytes of values for {paths:,} places"
        if math.prod(self.shape) > max(paths * MAX_SPREAD, ALWAYS_SPREAD):
            return f"claims {math.prod(self.shape):,} elements over {paths:,} stored ones"
        return None

    def _raw(self, size: int) -> Iterator[NDArray[Any]]:
        places, values = self._places(), self._values()
        order = np.argsort(places, kind="stable")
        places, values = places[order], values[order]
        total = math.prod(self.shape)
        for start in range(0, total, size):
            stop = min(start + size, total)
            first, last = np.searchsorted(places, [start, stop])
            chunk = np.zeros(stop - start, values.dtype)
            chunk[places[first:last] - start] = values[first:last]
            yield chunk

    def _values(self) -> NDArray[Any]:
        layout, size = Layout.contiguous((self.count,)), max(self.count, 1)
        parts = list(layout.read(self.span, self.element, ordered=True, size=size))
        return np.concatenate(parts) if parts else np.empty(0, self.element.unpacked)

    def _places(self) -> Places:
        """Return the row-major index of each stored value, in the order in which they lie."""
        places = np.zeros(min(self.count, 1), np.int64)
        for level in self.levels if self.count else ():
            if level.segments is None or level.indices is None:
                entries = np.arange(level.size, dtype=np.int64) * level.step
                places = (places[:, None] + entries).reshape(-1)
                continue
            segments, indices = level.segments.read(), level.indices.read()
            lengths = np.diff(segments)
            if segments[0] != 0 or segments[-1] != indices.size or (lengths < 0).any():
                self._malformed("its segments are out of order")
            if indices.size and not 0 <= indices.min() <= indices.max() < level.size:
                self._malformed(f"an index lies outside a dimension of {level.size:,} entries")
            places = np.repeat(places, lengths) + indices * level.step
        return places

    def _malformed(self, why: str) -> None:
        raise LoadError(self.span.path, f"sparse tensor: {why}")
