"""Channels that point in nearly the same direction as an earlier one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tensorpeek.analysis.diagnosis.matrix_ranges import MatrixRanges
from tensorpeek.analysis.diagnosis.unmeasurable import UnmeasurableError
from tensorpeek.analysis.diagnosis.weight_matrix import Slab, WeightMatrix
from tensorpeek.analysis.stopping import Stop, check, never

SIMILAR = 0.999
"""Cosine similarity above which two channels are near duplicates."""

MOST_CHANNELS = 16_384
MOST_INPUTS = 1 << 18
MOST_CANDIDATES = 1 << 24
"""Elements of the channels that are compared in full: 64 MiB."""

FEWEST_INPUTS = 8
"""Inputs below which channels are alike by chance."""

SKETCH = 64
"""Random directions in which channels are compared first."""

LENIENT = 0.997
"""Similarity in a sketch that calls for a full comparison.

A pair of cosine 0.999 has a sketched cosine with a standard deviation of about
(1 - 0.999**2) / sqrt(64) = 0.00025, so eight of these are left.
"""

BLOCK = 1024


def near_duplicates(
    matrix: WeightMatrix, ranges: MatrixRanges, *, similar: float = SIMILAR, stop: Stop = never
) -> int:
    """Return how many channels have a cosine above ``similar`` with an earlier channel.

    Channels are compared in 64 random directions (a Johnson-Lindenstrauss projection, with a
    fixed seed), and those alike there in full, in float32; with at most 64 inputs all in full.
    Zero channels are like no other. Raises UnmeasurableError for few inputs or too many
    channels, LoadError and CancelledError.
    """
    _check_size(matrix)
    sizes = np.maximum(ranges.high, -ranges.low)
    sizes[sizes == 0] = 1.0
    if matrix.columns <= SKETCH:
        chosen = np.arange(matrix.channels)
    else:
        has_later, has_earlier = _partners(
            _sketched(matrix, sizes, stop), min(LENIENT, similar), stop
        )
        chosen = np.flatnonzero(has_later | has_earlier)
    if not chosen.size:
        return 0
    if chosen.size * matrix.columns > MOST_CANDIDATES:
        raise UnmeasurableError("too many similar channels to compare")
    _, has_earlier = _partners(_gathered(matrix, sizes, chosen, stop), similar, stop)
    return int(np.count_nonzero(has_earlier))


def _check_size(matrix: WeightMatrix) -> None:
    if matrix.columns < FEWEST_INPUTS:
        raise UnmeasurableError(f"channels of fewer than {FEWEST_INPUTS} inputs")
    if matrix.channels > MOST_CHANNELS:
        raise UnmeasurableError(f"more than {MOST_CHANNELS:,} channels to compare")
    if matrix.columns > MOST_INPUTS:
        raise UnmeasurableError(f"channels of more than {MOST_INPUTS:,} inputs")


def _sketched(matrix: WeightMatrix, sizes: NDArray[np.float64], stop: Stop) -> NDArray[np.float32]:
    directions = np.random.default_rng(0).standard_normal((matrix.columns, SKETCH), np.float32)
    sketch = np.zeros((matrix.channels, SKETCH), np.float32)
    for slab in matrix.slabs(stop):
        rows, wide = slab.values.shape
        values = _unit_rows(slab, sizes)
        sketch[slab.row : slab.row + rows] += values @ directions[slab.column : slab.column + wide]
    return sketch


def _unit_rows(slab: Slab, sizes: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return a piece whose rows have no magnitude above 1, so that float32 holds them."""
    rows = slab.values.shape[0]
    with np.errstate(under="ignore"):
        return (slab.values / sizes[slab.row : slab.row + rows, None]).astype(np.float32)


def _gathered(
    matrix: WeightMatrix, sizes: NDArray[np.float64], chosen: NDArray[np.intp], stop: Stop
) -> NDArray[np.float32]:
    """Read the chosen rows."""
    gathered = np.zeros((chosen.size, matrix.columns), np.float32)
    for slab in matrix.slabs(stop):
        rows, wide = slab.values.shape
        first, last = np.searchsorted(chosen, (slab.row, slab.row + rows))
        picked = _unit_rows(slab, sizes)[chosen[first:last] - slab.row]
        gathered[first:last, slab.column : slab.column + wide] = picked
    return gathered


def _partners(
    rows: NDArray[np.float32], similar: float, stop: Stop
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which rows are like a later one, and which are like an earlier one."""
    lengths: NDArray[np.float64] = np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float64))
    divisors = np.where(lengths > 0, lengths, 1.0).astype(np.float32)
    unit: NDArray[np.float32] = rows / divisors[:, None]
    later, earlier = np.zeros(len(rows), np.bool_), np.zeros(len(rows), np.bool_)
    for first, second, found in _blocks(unit, similar, stop):
        later[first : first + found.shape[0]] |= found.any(axis=1)
        earlier[second : second + found.shape[1]] |= found.any(axis=0)
    return later, earlier


def _blocks(
    unit: NDArray[np.float32], similar: float, stop: Stop
) -> Iterator[tuple[int, int, NDArray[np.bool_]]]:
    for first in range(0, len(unit), BLOCK):
        for second in range(first, len(unit), BLOCK):
            check(stop)
            found = unit[first : first + BLOCK] @ unit[second : second + BLOCK].T > similar
            yield first, second, np.triu(found, 1) if first == second else found
