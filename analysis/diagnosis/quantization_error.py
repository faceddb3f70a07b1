"""Simulate the quantization of a tensor to many grids, and measure the error of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from tensorpeek.analysis.devices.device import Device
from tensorpeek.analysis.diagnosis.compiled_rounding import compiled_rounding
from tensorpeek.analysis.diagnosis.device_rounding import SLAB as DEVICE_SLAB
from tensorpeek.analysis.diagnosis.device_rounding import device_rounding
from tensorpeek.analysis.diagnosis.error_sums import ErrorSums, GridError
from tensorpeek.analysis.diagnosis.float_grids import E4M3, E5M2, MXFP4, NF4
from tensorpeek.analysis.diagnosis.grids import IntegerGrid
from tensorpeek.analysis.diagnosis.matrix_ranges import MatrixRanges
from tensorpeek.analysis.diagnosis.trials import Grid, KnownRanges, Trial, is_first
from tensorpeek.analysis.diagnosis.weight_matrix import SLAB, Slab, WeightMatrix
from tensorpeek.analysis.distribution import Distribution
from tensorpeek.analysis.stopping import Stop, never
from tensorpeek.analysis.table import CountTable

Floats = NDArray[np.float64]

BITS = (8, 4)
"""Widths of integer grids that are simulated unless others are asked for."""

GROUPS = (32, 64, 128)


def all_trials(bits: Sequence[int] = BITS) -> list[Trial]:
    """Return integer grids of these widths, symmetric and not, at every granularity, and floats.

    fp8 is per tensor, NF4 in groups of 64 and MXFP4 of 32, as their sources have them.
    """
    granularities: tuple[str | int, ...] = ("tensor", "channel", *GROUPS)
    trials = [
        Trial(IntegerGrid(width, symmetric), granularity)
        for width in bits
        for symmetric in (True, False)
        for granularity in granularities
    ]
    others: tuple[tuple[Grid, str | int], ...] = (
        (E4M3, "tensor"),
        (E5M2, "tensor"),
        (NF4, 64),
        (MXFP4, 32),
    )
    return trials + [Trial(grid, granularity) for grid, granularity in others]


def quantization_errors(  # noqa: PLR0913 (what is known already, all of it)
    matrix: WeightMatrix,
    ranges: MatrixRanges | None,
    distribution: Distribution,
    trials: Sequence[Trial],
    *,
    stop: Stop = never,
    device: Device | None = None,
) -> list[GridError]:
    """Return the error of each trial, in order.

    Trials with one scale come from the table of counts where there is one; all others take one
    pass together, on a ``device`` if there is one. Without ``ranges`` those per channel are left
    out, as they are for a tensor of one channel. Raises LoadError, CancelledError,
    UnmeasurableError, and DeviceError from a device.
    """
    single = ranges is None or matrix.channels == 1
    kept = [trial for trial in trials if not (single and trial.granularity == "channel")]
    sums = {trial: ErrorSums() for trial in kept}
    counted: list[Trial] = []
    if isinstance(distribution, CountTable):
        counted = [trial for trial in kept if trial.granularity == "tensor"]
        for trial in counted:
            _add_table(sums[trial], trial, distribution, matrix.exponent)
    passed = {trial: sums[trial] for trial in kept if trial not in counted}
    if passed and distribution.summary.finite:
        known = KnownRanges(*_ends(distribution, matrix.exponent), ranges)
        _add_slabs(passed, matrix, known, stop, device)
    finite = distribution.summary.finite
    return [
        sums[trial].error(trial.grid.name, trial.label, trial.grid.bits, finite, matrix.exponent)
        for trial in kept
    ]


def _ends(distribution: Distribution, exponent: int) -> tuple[Floats, Floats]:
    low, high = distribution.summary.minimum or 0, distribution.summary.maximum or 0
    ends = np.ldexp(np.array([[[low]], [[high]]], np.float64), -exponent)
    return ends[0], ends[1]


def _add_table(sums: ErrorSums, trial: Trial, table: CountTable, exponent: int) -> None:
    if not table.values.size:
        return
    low, high = _ends(table, exponent)
    values = np.ldexp(table.values, -exponent)[None, :]
    rounded = trial.grid.round(values, low, high)
    sums.add_scales(rounded.scales)
    sums.add_counted(values[0], rounded.errors[0], table.counts.astype(np.float64))
    if rounded.clipped is not None:
        sums.clipped += int(table.counts[rounded.clipped[0]].sum())


def _add_slabs(
    sums: dict[Trial, ErrorSums],
    matrix: WeightMatrix,
    known: KnownRanges,
    stop: Stop,
    device: Device | None,
) -> None:
    widths = sorted({t.granularity for t in sums if isinstance(t.granularity, int)})
    there = None if device is None else device_rounding(device, sums)
    rounding = there or compiled_rounding(sums)
    if rounding is not None:
        for slab in matrix.slabs(stop, size=SLAB if there is None else DEVICE_SLAB):
            rounding.add(slab, known)
        return
    for slab in matrix.slabs(stop):
        for unit, values, low, high in _units(slab, known, widths):
            for trial, total in sums.items():
                if trial.granularity != unit:
                    continue
                rounded = trial.grid.round(values, low, high)
                if is_first(slab, unit):
                    total.add_scales(rounded.scales)
                if rounded.clipped is not None:
                    total.clipped += int(np.count_nonzero(rounded.clipped))
                total.add(values, rounded.errors)


def _units(
    slab: Slab, known: KnownRanges, widths: Sequence[int]
) -> Iterator[tuple[str | int, Floats, Floats, Floats]]:
    """Yield each granularity with the values and the range of each group, to broadcast."""
    yield "tensor", slab.values, known.low, known.high
    if known.ranges is not None:
        rows = slice(slab.row, slab.row + slab.values.shape[0])
        yield "channel", slab.values, known.ranges.low[rows, None], known.ranges.high[rows, None]
    for width in widths:
        groups = _grouped(slab.values, width)
        yield width, groups, groups.min(axis=0)[None], groups.max(axis=0)[None]


def _grouped(values: Floats, width: int) -> Floats:
    """Return a column for each group: loops over short rows would take twice as long.

    The last group of a row may be shorter; it is filled up with zeros.
    """
    rows, columns = values.shape
    if width >= columns:
        return np.ascontiguousarray(values.T)
    if columns % width:
        padded = np.zeros((rows, -(-columns // width) * width))
        padded[:, :columns] = values
        values = padded
    return np.ascontiguousarray(values.reshape(-1, width).T)
