"""The element types a weight file can hold, under one name each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import ml_dtypes
import numpy as np

Kind = Literal["float", "int", "bool", "complex"]


@dataclass(frozen=True)
class DType:
    """One element type.

    ``bits`` is the stored size of an element; types under 8 bits are stored packed, the first
    element in the lowest bits of its byte. In memory an element takes ``numpy.itemsize`` bytes.
    """

    name: str
    kind: Kind
    bits: int

    @cached_property
    def numpy(self) -> np.dtype[np.generic]:
        """The NumPy type of one unpacked element, in native byte order.

        NumPy has no ``complex32``: it becomes a record of two float16.
        """
        if self.name == "complex32":
            return np.dtype([("real", np.float16), ("imag", np.float16)])
        extension = getattr(ml_dtypes, self.name, None)
        return np.dtype(extension if extension is not None else self.name)

    @property
    def unpacked(self) -> np.dtype[np.generic]:
        """The NumPy type in which values are handed out: int8 or uint8 for packed integers."""
        if self.kind == "int" and self.bits < 8:
            return np.dtype(np.int8 if self.signed else np.uint8)
        return self.numpy

    @property
    def signed(self) -> bool:
        """Whether negative values exist."""
        return not self.name.startswith("uint") and self.kind != "bool"

    def nbytes(self, count: int) -> int:
        """Bytes that ``count`` packed elements take, rounded up to whole bytes."""
        return -(-count * self.bits // 8)

    def limits(self) -> tuple[int, int]:
        """Return the smallest and the largest value of an integer type.

        Raises ValueError for other kinds.
        """
        if self.kind != "int":
            raise ValueError(f"{self.name} is not an integer type")
        if self.signed:
            return -(1 << self.bits - 1), (1 << self.bits - 1) - 1
        return 0, (1 << self.bits) - 1


def _table() -> dict[str, DType]:
    kinds: tuple[tuple[Kind, int, tuple[str, ...]], ...] = (
        ("bool", 8, ("bool",)),
        ("int", 2, ("int2", "uint2")),
        ("int", 4, ("int4", "uint4")),
        ("int", 8, ("int8", "uint8")),
        ("int", 16, ("int16", "uint16")),
        ("int", 32, ("int32", "uint32")),
        ("int", 64, ("int64", "uint64")),
        ("float", 4, ("float4_e2m1fn",)),
        ("float", 8, ("float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz")),
        ("float", 8, ("float8_e8m0fnu",)),
        ("float", 16, ("float16", "bfloat16")),
        ("float", 32, ("float32",)),
        ("float", 64, ("float64",)),
        ("complex", 32, ("complex32",)),
        ("complex", 64, ("complex64",)),
        ("complex", 128, ("complex128",)),
    )
    return {name: DType(name, kind, bits) for kind, bits, names in kinds for name in names}


DTYPES = _table()
"""Every element type by its name: NumPy's names, and ml_dtypes' for what NumPy lacks."""
