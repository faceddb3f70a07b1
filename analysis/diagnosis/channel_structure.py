"""Structure in zeros and channels: dead rows and columns, constant channels, N:M sparsity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tensorpeek.analysis.compiled.matrix_kernels import MatrixKernels, matrix_kernels
from tensorpeek.analysis.diagnosis.input_groups import input_groups
from tensorpeek.analysis.diagnosis.matrix_ranges import MatrixRanges
from tensorpeek.analysis.diagnosis.weight_matrix import WeightMatrix
from tensorpeek.analysis.stopping import Stop, never

DEAD = 1e-6
"""Largest magnitude of a channel or an input that is taken for dead: it adds nothing."""

STRUCTURES = {"2:4": (2, 4), "1:4": (1, 4), "4:8": (4, 8)}
"""N:M structures: at most N of M neighbors are not zero. The kernel counts these three."""


@dataclass(frozen=True, eq=False)
class ChannelStructure:
    """Counts of channels (rows) and inputs (columns) of a weight matrix.

    ``dead_rows`` and ``dead_columns`` have no magnitude above :data:`DEAD`, in the tensor's
    units; ``constant_rows`` hold one value only, not near zero, of two inputs or more.
    ``structures_percent`` maps each of :data:`STRUCTURES` to the share of its groups that keep
    it, None where there are fewer inputs than a group has, as in depthwise kernels. Values that
    are not finite count as zero.
    """

    rows: int
    columns: int
    dead_rows: int
    dead_columns: int
    constant_rows: int
    structures_percent: dict[str, float | None]


def channel_structure(
    matrix: WeightMatrix, ranges: MatrixRanges, *, stop: Stop = never
) -> ChannelStructure:
    """Return the structure of a matrix that has these ``ranges``, in one pass.

    Groups of N:M are neighbors along the inputs, for a convolution at one position of the
    kernel, as sparse tensor cores have them (Mishra et al. 2021, arXiv:2104.08378); inputs left
    over at the end belong to no group. Raises LoadError, CancelledError, UnmeasurableError.
    """
    limit = np.ldexp(DEAD, -matrix.exponent)
    dead = np.maximum(ranges.high, -ranges.low) <= limit
    constant = (ranges.low == ranges.high) & ~dead & (matrix.columns > 1)
    return ChannelStructure(
        rows=matrix.channels,
        columns=matrix.columns,
        dead_rows=int(np.count_nonzero(dead)),
        dead_columns=int(np.count_nonzero(ranges.largest <= limit)),
        constant_rows=int(np.count_nonzero(constant)),
        structures_percent=_structures(matrix, stop),
    )


def _structures(matrix: WeightMatrix, stop: Stop) -> dict[str, float | None]:
    kept = dict.fromkeys(STRUCTURES, 0)
    groups = dict.fromkeys(STRUCTURES, 0)
    inputs, kernels = input_groups(matrix), matrix_kernels()
    if inputs is None:
        return dict.fromkeys(STRUCTURES)
    for slab in matrix.slabs(stop, unit=inputs.unit):
        if kernels is not None and inputs.after == 1:
            _add_counted(kernels, inputs.neighbors(slab.values), kept, groups)
            continue
        used = inputs.neighbors(slab.values != 0)
        for name, (most, width) in STRUCTURES.items():
            whole = used.shape[1] // width * width
            found = used[:, :whole].reshape(-1, width).view(np.uint8)
            counts = _row_sums(found)
            groups[name] += counts.size
            kept[name] += int(np.count_nonzero(counts <= most))
    return {
        name: 100.0 * kept[name] / groups[name] if groups[name] else None for name in STRUCTURES
    }


def _add_counted(
    kernels: MatrixKernels,
    values: NDArray[np.float64],
    kept: dict[str, int],
    groups: dict[str, int],
) -> None:
    rows, columns = values.shape
    for (name, (_, width)), found in zip(
        STRUCTURES.items(), kernels.structures(values), strict=True
    ):
        groups[name] += rows * (columns // width)
        kept[name] += found


def _row_sums(found: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Add the columns one by one, which is quicker than summing short rows."""
    counts = np.zeros(found.shape[0], np.uint8)
    for column in range(found.shape[1]):
        counts += found[:, column]
    return counts
