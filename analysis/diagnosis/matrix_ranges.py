"""The range of each channel, and the largest magnitude of each input, of a weight matrix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tensorpeek.analysis.compiled.matrix_kernels import matrix_kernels
from tensorpeek.analysis.diagnosis.unmeasurable import UnmeasurableError
from tensorpeek.analysis.diagnosis.weight_matrix import WeightMatrix
from tensorpeek.analysis.stopping import Stop, never

MOST = 1 << 22
"""Channels or inputs that are told apart: 32 MiB for each measure of them."""


@dataclass(frozen=True, eq=False)
class MatrixRanges:
    """``low`` and ``high`` of each channel, ``largest`` magnitude of each input, all float64.

    In the units of the matrix (see :class:`WeightMatrix`); values that are not finite count as 0.
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    largest: NDArray[np.float64]


def matrix_ranges(matrix: WeightMatrix, *, stop: Stop = never) -> MatrixRanges:
    """Read a matrix once and return its ranges.

    Raises LoadError, CancelledError, and UnmeasurableError for more than :data:`MOST` rows or
    columns.
    """
    if max(matrix.channels, matrix.columns) > MOST:
        raise UnmeasurableError(f"has more than {MOST:,} channels or inputs")
    low = np.full(matrix.channels, np.inf)
    high = np.full(matrix.channels, -np.inf)
    largest = np.zeros(matrix.columns)
    kernels = matrix_kernels()
    for slab in matrix.slabs(stop):
        rows = slice(slab.row, slab.row + slab.values.shape[0])
        columns = slice(slab.column, slab.column + slab.values.shape[1])
        if kernels is not None:
            kernels.widen_ranges(slab.values, low[rows], high[rows], largest[columns])
            continue
        np.minimum(low[rows], slab.values.min(axis=1), out=low[rows])
        np.maximum(high[rows], slab.values.max(axis=1), out=high[rows])
        ends = np.maximum(slab.values.max(axis=0), -slab.values.min(axis=0))
        np.maximum(largest[columns], ends, out=largest[columns])
    return MatrixRanges(low, high, largest)
