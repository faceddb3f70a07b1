"""How the elements of a tensor lie in its storage: type, strides, byte order."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from tensorpeek.loaders.dtypes import DType
from tensorpeek.loaders.storage import Read, Storage

MAX_EXPANSION = 1 << 32
"""Elements beyond which a stride of 0 is taken for an attack: reading them would never end."""


def contiguous_strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the row-major strides of ``shape``, in elements."""
    return tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))


@dataclass(frozen=True, slots=True)
class Layout:
    """Elements of ``shape`` from element ``offset`` of a storage on, ``strides`` elements apart.

    ``offset`` and ``strides`` count elements, not bytes. Types of less than a byte are packed and
    must be contiguous from offset 0.
    """

    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int = 0
    byteorder: Literal["little", "big"] = "little"

    @classmethod
    def contiguous(cls, shape: tuple[int, ...]) -> Layout:
        """Return the row-major little-endian layout of ``shape``."""
        return cls(shape, contiguous_strides(shape))

    @property
    def extent(self) -> int:
        """Number of storage elements from ``offset`` to the last one used."""
        if 0 in self.shape:
            return 0
        steps = zip(self.shape, self.strides, strict=True)
        return 1 + sum((length - 1) * stride for length, stride in steps)

    def problem(self, element: DType, nbytes: int) -> str | None:
        """Return why this layout cannot lie in a storage of ``nbytes``, or None if it can."""
        if len(self.shape) != len(self.strides):
            return f"has {len(self.shape)} dimensions but {len(self.strides)} strides"
        if min((*self.shape, *self.strides, self.offset), default=0) < 0:
            return "has a negative size, stride or offset"
        extent = self.extent
        need = element.nbytes(self.offset + extent) if extent else 0
        if need > nbytes:
            return f"reaches past its storage: needs {need:,} bytes of {nbytes:,}"
        count = math.prod(self.shape)
        if count > max(extent, MAX_EXPANSION):
            return f"claims {count:,} elements over {extent:,} stored ones"
        return None

    def read(
        self, storage: Storage, element: DType, *, ordered: bool, size: int
    ) -> Iterator[NDArray[Any]]:
        """Yield the elements in flat chunks of at most ``size``, in native byte order.

        Unless ``ordered``, a dense permutation of axes (channels_last) is read in storage order.
        Raises LoadError.
        """
        if not self.extent:
            return
        dense = self._in_storage_order()
        with storage.open() as read:
            if self.is_contiguous or (not ordered and dense.is_contiguous):
                yield from self._stream(read, element, size)
            else:
                yield from self._gather(read, element, size)

    def _in_storage_order(self) -> Layout:
        order = sorted(range(len(self.shape)), key=lambda axis: -self.strides[axis])
        return Layout(
            tuple(self.shape[axis] for axis in order), tuple(self.strides[axis] for axis in order)
        )

    @property
    def is_contiguous(self) -> bool:
        """Whether the elements are row-major without gaps; axes of length 1 have any stride."""
        wanted = contiguous_strides(self.shape)
        axes = zip(self.shape, self.strides, wanted, strict=True)
        return all(stride == want for length, stride, want in axes if length != 1)

    def _stream(self, read: Read, element: DType, size: int) -> Iterator[NDArray[Any]]:
        first, end = self.offset, self.offset + self.extent
        for start in range(first, end, size):
            yield self._elements(read, element, start, min(start + size, end))

    def _gather(self, read: Read, element: DType, size: int) -> Iterator[NDArray[Any]]:
        span = self._elements(read, element, self.offset, self.offset + self.extent)
        steps = tuple(stride * span.itemsize for stride in self.strides)
        plain = span.view(np.uint8) if span.itemsize == 1 else span  # NumPy refuses float8_e5m2
        flat = as_strided(plain, self.shape, steps, writeable=False).flat
        count = math.prod(self.shape)
        for start in range(0, count, size):
            yield np.asarray(flat[start : min(start + size, count)]).view(span.dtype)

    def read_range(self, read: Read, element: DType, start: int, stop: int) -> NDArray[Any]:
        """Return the elements ``start`` to ``stop`` (exclusive) in row-major order, flat.

        Reads these alone. For contiguous layouts only; raises LoadError as ``read`` does and
        ValueError for a range that is not inside.
        """
        if not (self.is_contiguous and 0 <= start <= stop <= self.extent):
            raise ValueError(f"elements {start} to {stop} of {self}")
        return self._elements(read, element, self.offset + start, self.offset + stop)

    def _elements(self, read: Read, element: DType, start: int, stop: int) -> NDArray[Any]:
        if element.bits >= 8:
            width = element.bits // 8
            stored = np.frombuffer(read(start * width, stop * width), element.numpy)
            return stored if self.byteorder == "little" else stored.byteswap()
        return _unpack(read, element, start, stop)


def _unpack(read: Read, element: DType, start: int, stop: int) -> NDArray[Any]:
    """Spread packed elements of 2 or 4 bits, lowest bits first, over one byte each."""
    per_byte = 8 // element.bits
    first = start // per_byte
    packed = np.frombuffer(read(first, -(-stop // per_byte)), np.uint8)
    shifts = np.arange(per_byte, dtype=np.uint8) * np.uint8(element.bits)
    codes = (packed[:, None] >> shifts & np.uint8((1 << element.bits) - 1)).reshape(-1)
    codes = codes[start - first * per_byte : stop - first * per_byte]
    if element.kind == "float":
        return codes.view(element.numpy)
    if not element.signed:
        return codes
    sign = np.uint8(1 << element.bits - 1)
    return ((codes ^ sign).view(np.int8) - np.int8(sign)).astype(np.int8)
