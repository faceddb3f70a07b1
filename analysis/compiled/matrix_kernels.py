"""Kernels over pieces of a weight matrix, float64, as functions of arrays."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorpeek.analysis.compiled.library import in_order, loaded_library

Floats = NDArray[np.float64]

MOST_GRIDS = 16
"""Grids that one call rounds to, as in ``grids.inc``."""

GRID = np.dtype(
    [
        ("kind", np.int64),
        ("levels", np.float64),
        ("smallest", np.float64),
        ("mantissa", np.int64),
        ("codebook", np.uint64),
    ]
)
"""A grid as ``grids.inc`` has it; the codebook is the address of a table."""

SYMMETRIC, ASYMMETRIC, FLOATS, POWERS, CODEBOOK = range(5)

NOISE, PRODUCT, MAGNITUDE, CLIPPED, SCALE_SUM, SCALE_COUNT, SCALE_MIN, SCALE_MAX = range(8)
"""Columns of the sums of each grid."""


@dataclass(frozen=True, eq=False)
class MatrixKernels:
    """The kernels for pieces of a matrix: ``values`` of two axes, rows and columns."""

    loaded: ctypes.CDLL

    def widen_ranges(self, values: Floats, low: Floats, high: Floats, largest: Floats) -> None:
        """Widen the ranges of rows, and the largest magnitudes of columns, in place."""
        values = in_order(values)
        ends = (low.ctypes.data, high.ctypes.data, largest.ctypes.data)
        self.loaded.tensorpeek_ranges(values.ctypes.data, *values.shape, *ends)

    def structures(self, values: Floats) -> list[int]:
        """Count groups of neighbors in rows: at most 2 of 4, 1 of 4, 4 of 8 are not zero."""
        values = in_order(values)
        kept = np.zeros(3, np.int64)
        self.loaded.tensorpeek_structures(values.ctypes.data, *values.shape, kept.ctypes.data)
        return kept.tolist()

    def rounded(
        self, values: Floats, grids: NDArray[Any], width: int, ends: tuple[Floats, Floats] | None
    ) -> Floats:
        """Round rows in groups of ``width`` values; return the sums of each grid, in a row.

        A group has the range of its values; with ``ends`` that of its row, (low, high).
        """
        values = in_order(values)
        low, high = (in_order(end) for end in ends) if ends is not None else (None, None)
        sums = np.zeros((grids.size, SCALE_MAX + 1))
        sums[:, SCALE_MIN] = np.inf
        for first in range(0, grids.size, MOST_GRIDS):
            some = grids[first : first + MOST_GRIDS]
            self.loaded.tensorpeek_round(
                values.ctypes.data,
                *values.shape,
                width,
                None if low is None else low.ctypes.data,
                None if high is None else high.ctypes.data,
                some.ctypes.data,
                some.size,
                sums[first:].ctypes.data,
            )
        return sums

    def squares(self, values: Floats) -> float:
        """Return the sum of squares."""
        values = in_order(values)
        return float(self.loaded.tensorpeek_squares(values.ctypes.data, values.size))

    def counted_noise(
        self, values: Floats, counts: Floats, scale: float, step: float, top: float
    ) -> float:
        """Return the squared errors on the levels scale * k, k from -top to top.

        ``step`` is 1 / scale and ``counts`` says how often each value occurs.
        """
        values, counts = in_order(values), in_order(counts)
        noise = self.loaded.tensorpeek_counted_noise(
            values.ctypes.data, counts.ctypes.data, values.size, scale, step, top
        )
        return float(noise)


def matrix_kernels() -> MatrixKernels | None:
    """Return the kernels, None where NumPy computes."""
    loaded = loaded_library()
    return None if loaded is None else MatrixKernels(loaded)
