"""Which filters of a kernel point in nearly the same direction, and a chain through all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorpeek.analysis.diagnosis.near_duplicates import FEWEST_INPUTS, SIMILAR
from tensorpeek.analysis.diagnosis.unmeasurable import UnmeasurableError
from tensorpeek.analysis.reading import Progress, idle
from tensorpeek.analysis.stopping import Stop, check, never

MOST_FILTERS = 4096
"""Filters that are compared with one another, at most: 64 MiB of cosines."""

BLOCK = 256
"""Filters whose cosines are computed at once."""

SURELY = 0.99999
"""Cosine in float32 from which on two filters are compared value by value."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Similarity:
    """How alike F filters are, by the cosine of the angle between them.

    ``nearest`` is the other filter with the largest cosine and ``cosine`` that, in float32 (-1 and
    NaN where there is none: a zero filter, or the only one). ``original`` is the first filter that
    a filter repeats: identical, or of a cosine above :data:`SIMILAR`; -1 for all others. Filters of
    fewer than FEWEST_INPUTS values are alike by chance: of those only identical ones count.
    ``identical`` says which filters have exactly the values of their original. ``chain`` visits
    each filter once: from the one of the largest norm always on to the nearest that is left.
    """

    nearest: NDArray[np.intp]
    cosine: NDArray[np.float32]
    original: NDArray[np.intp]
    identical: NDArray[np.bool_]
    chain: NDArray[np.intp]

    @property
    def duplicates(self) -> int:
        """How many filters repeat an earlier one."""
        return int(np.count_nonzero(self.original >= 0))


def filter_similarity(
    values: NDArray[Any], *, stop: Stop = never, progress: Progress = idle
) -> Similarity:
    """Compare all filters of ``values`` (F, ...) with one another.

    Values that are not finite count as zero. Takes a float32 copy and F x F cosines. Raises
    UnmeasurableError for more than :data:`MOST_FILTERS`, and CancelledError.
    """
    if len(values) > MOST_FILTERS:
        raise UnmeasurableError(f"more than {MOST_FILTERS:,} filters to compare")
    rows = values.reshape(len(values), -1)
    unit, norms = _unit_rows(rows, stop)
    cosines = _cosines(unit, stop, progress)
    alive = norms > 0
    cosines[~alive] = cosines[:, ~alive] = -np.inf
    np.fill_diagonal(cosines, -np.inf)
    nearest = cosines.argmax(axis=1)
    best = cosines[np.arange(len(rows)), nearest]
    original, identical = _originals(rows, cosines, stop)
    return Similarity(
        nearest=np.where(np.isfinite(best), nearest, -1),
        cosine=np.where(np.isfinite(best), best, np.float32(np.nan)),
        original=original,
        identical=identical,
        chain=_chain(cosines, norms, stop),
    )


def _unit_rows(rows: NDArray[Any], stop: Stop) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return each row divided by its norm, and the norms; zero rows stay zero."""
    unit = np.zeros(rows.shape, np.float32)
    norms = np.zeros(len(rows))
    for index, row in enumerate(rows):
        check(stop)
        exact = row.astype(np.float64)
        exact[~np.isfinite(exact)] = 0.0
        size = float(np.abs(exact).max(initial=0.0))
        if size:
            exact /= size
            length = float(np.sqrt(exact @ exact))
            unit[index] = exact / length
            norms[index] = length * size
    return unit, norms


def _cosines(unit: NDArray[np.float32], stop: Stop, progress: Progress) -> NDArray[np.float32]:
    count = len(unit)
    cosines = np.empty((count, count), np.float32)
    total = max(count * (count + 1) / 2, 1)
    done = 0
    for first in range(0, count, BLOCK):
        for second in range(first, count, BLOCK):
            check(stop)
            block = unit[first : first + BLOCK] @ unit[second : second + BLOCK].T
            cosines[first : first + BLOCK, second : second + BLOCK] = block
            cosines[second : second + BLOCK, first : first + BLOCK] = block.T
            done += block.size
            progress(min(done / total, 1.0))
    return cosines


def _originals(
    rows: NDArray[Any], cosines: NDArray[np.float32], stop: Stop
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    original = np.full(len(rows), -1, np.intp)
    identical = np.zeros(len(rows), np.bool_)
    by_direction = rows.shape[1] >= FEWEST_INPUTS
    limit = SIMILAR if by_direction else SURELY
    for index in range(1, len(rows)):
        check(stop)
        near = np.flatnonzero(cosines[index, :index] > limit)
        near = near[original[near] < 0]
        equal = [
            int(one)
            for one in near
            if cosines[index, one] > SURELY and np.array_equal(rows[index], rows[one])
        ]
        if equal:
            original[index], identical[index] = equal[0], True
        elif near.size and by_direction:
            original[index] = near[0]
    return original, identical


def _chain(
    cosines: NDArray[np.float32], norms: NDArray[np.float64], stop: Stop
) -> NDArray[np.intp]:
    """Go from filter to filter, always to the nearest one that is left, zero filters last."""
    alive = np.flatnonzero(norms > 0)
    silent = np.flatnonzero(norms == 0)
    chain: list[int] = []
    is_left = np.zeros(len(norms), np.bool_)
    is_left[alive] = True
    at = int(np.argmax(norms)) if alive.size else -1
    while at >= 0:
        check(stop)
        chain.append(at)
        is_left[at] = False
        rest = np.flatnonzero(is_left)
        at = int(rest[np.argmax(cosines[at, rest])]) if rest.size else -1
    return np.array([*chain, *silent], np.intp)
