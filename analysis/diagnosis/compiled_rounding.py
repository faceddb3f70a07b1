"""Simulated quantization by the compiled kernels: a slab at a time, grids of one scale together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tensorpeek.analysis.compiled.matrix_kernels import (
    ASYMMETRIC,
    CODEBOOK,
    FLOATS,
    GRID,
    POWERS,
    SYMMETRIC,
    MatrixKernels,
    matrix_kernels,
)
from tensorpeek.analysis.diagnosis.error_sums import ErrorSums
from tensorpeek.analysis.diagnosis.float_grids import CodebookGrid, FloatGrid, codebook_table
from tensorpeek.analysis.diagnosis.grids import IntegerGrid
from tensorpeek.analysis.diagnosis.trials import Grid, KnownRanges, Trial, is_first
from tensorpeek.analysis.diagnosis.weight_matrix import Slab

GridRow = tuple[int, float, float, int, int]


@dataclass(frozen=True, eq=False)
class CompiledRounding:
    """The kernels, and for each granularity its grids and the sums they add to."""

    kernels: MatrixKernels
    units: Mapping[str | int, tuple[NDArray[np.void], list[ErrorSums]]]

    def add(self, slab: Slab, known: KnownRanges) -> None:
        """Round a slab to every grid and take in the errors."""
        signal = self.kernels.squares(slab.values)
        for unit, (grids, sums) in self.units.items():
            found = self._rounded(slab, unit, grids, known)
            if found is None:
                continue
            for total, row in zip(sums, found.tolist(), strict=True):
                total.signal += signal
                total.add_rounded(row, scales=is_first(slab, unit))

    def _rounded(
        self, slab: Slab, unit: str | int, grids: NDArray[np.void], known: KnownRanges
    ) -> NDArray[np.float64] | None:
        values = slab.values
        if unit == "tensor":
            ends = (known.low, known.high)
            return self.kernels.rounded(values.reshape(1, -1), grids, values.size, ends)
        if unit != "channel":
            return self.kernels.rounded(values, grids, int(unit), None)
        if known.ranges is None:
            return None
        rows = slice(slab.row, slab.row + values.shape[0])
        ends = (known.ranges.low[rows], known.ranges.high[rows])
        return self.kernels.rounded(values, grids, values.shape[1], ends)


def compiled_rounding(sums: Mapping[Trial, ErrorSums]) -> CompiledRounding | None:
    """Return what rounds to the grids of some trials, None where NumPy does."""
    kernels = matrix_kernels()
    rows = {trial: _row(trial.grid) for trial in sums}
    if kernels is None or None in rows.values():
        return None
    units = {}
    for unit in dict.fromkeys(trial.granularity for trial in sums):
        together = [trial for trial in sums if trial.granularity == unit]
        grids = np.array([rows[trial] for trial in together], GRID)
        units[unit] = (grids, [sums[trial] for trial in together])
    return CompiledRounding(kernels, units)


def _row(grid: Grid) -> GridRow | None:
    """Return a grid as a kernel takes it, None for one it does not know."""
    if isinstance(grid, IntegerGrid):
        if grid.symmetric:
            return SYMMETRIC, float((1 << grid.bits - 1) - 1), 0.0, 0, 0
        return ASYMMETRIC, float((1 << grid.bits) - 1), 0.0, 0, 0
    if isinstance(grid, FloatGrid):
        kind = POWERS if grid.power_of_two else FLOATS
        return kind, grid.largest, grid.smallest, grid.mantissa, 0
    if isinstance(grid, CodebookGrid):
        return CODEBOOK, 1.0, 0.0, 0, codebook_table().ctypes.data
    return None
