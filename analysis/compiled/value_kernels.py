"""Kernels over float32 and float64 values, as functions of arrays."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorpeek.analysis.compiled.library import in_order, loaded_library

_NAMES = {np.dtype(np.float32): "float32", np.dtype(np.float64): "float64"}


@dataclass(frozen=True, slots=True)
class BlockSums:
    """What one block of values holds; extremes and sums are of the finite values.

    ``deviations`` and ``squares`` sum the distances to the block's own mean and their squares.
    Without a finite value the extremes and sums are 0.
    """

    finite: int
    nan: int
    positive_infinity: int
    negative_infinity: int
    zeros: int
    minimum: float
    maximum: float
    total: float
    magnitudes: float
    deviations: float
    squares: float


@dataclass(frozen=True, eq=False)
class ValueKernels:
    """The kernels for values of ``dtype``."""

    loaded: ctypes.CDLL
    dtype: np.dtype[Any]

    def scan(self, values: NDArray[Any], buckets: NDArray[np.int64]) -> BlockSums:
        """Sum up a block; count its finite values in ``buckets``, by their upper 16 bits."""
        values = in_order(values)
        kept = np.empty_like(values)
        counts, sums = np.zeros(4, np.int64), np.zeros(6)
        finite = self._call("scan")(
            values.ctypes.data,
            values.size,
            kept.ctypes.data,
            counts.ctypes.data,
            sums.ctypes.data,
            buckets.ctypes.data,
        )
        return BlockSums(finite, *counts.tolist(), *sums.tolist())

    def count_between(
        self, values: NDArray[Any], low: NDArray[Any], high: NDArray[Any]
    ) -> NDArray[np.int64]:
        """Return how many values lie in each closed interval; bounds have the values' type."""
        values = in_order(values)
        counts = np.zeros(low.size, np.int64)
        self._call("count_between")(
            values.ctypes.data,
            values.size,
            low.ctypes.data,
            high.ctypes.data,
            low.size,
            counts.ctypes.data,
        )
        return counts

    def pick(
        self, values: NDArray[Any], wanted: NDArray[np.bool_], *, magnitudes: bool = False
    ) -> NDArray[Any]:
        """Return the values, or magnitudes, whose upper 16 bits are ``wanted``, in order."""
        values = in_order(values)
        picked = np.empty(values.size, self.dtype)
        found = self._call("pick")(
            values.ctypes.data, values.size, wanted.ctypes.data, magnitudes, picked.ctypes.data
        )
        return picked[:found]

    def powers(self, values: NDArray[Any], mean: float, factor: float) -> NDArray[np.float64]:
        """Return the sums of the first four powers of (finite value - mean) * factor."""
        values = in_order(values)
        sums = np.zeros(4)
        self._call("powers")(values.ctypes.data, values.size, mean, factor, sums.ctypes.data)
        return sums

    def _call(self, name: str) -> Callable[..., Any]:
        function: Callable[..., Any] = getattr(
            self.loaded, f"tensorpeek_{name}_{_NAMES[self.dtype]}"
        )
        return function


def value_kernels(dtype: np.dtype[Any]) -> ValueKernels | None:
    """Return the kernels for a type, None where NumPy computes."""
    loaded = loaded_library()
    return ValueKernels(loaded, dtype) if loaded is not None and dtype in _NAMES else None


def count_in_place(stored: NDArray[np.uint8], itemsize: int, counts: NDArray[np.int64]) -> bool:
    """Count patterns of ``itemsize`` (1 or 2) bytes in a contiguous array of whole patterns.

    Says whether it did: not where NumPy computes.
    """
    loaded = loaded_library()
    if loaded is None:
        return False
    if itemsize == 1:
        loaded.tensorpeek_count_bytes(stored.ctypes.data, stored.size, counts.ctypes.data)
        return True
    words = in_order(stored.view(np.uint16))
    loaded.tensorpeek_count_words(words.ctypes.data, words.size, counts.ctypes.data)
    return True
