"""Pool values that are spread over the cells of a screen in any order, exactly."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]


class ScatterPool:
    """What ``cells`` cells hold: see :class:`tensorpeek.analysis.heatmap.Pooled`.

    What its methods cost grows with the values and the cells they lie in, not with all cells: one
    pool serves many small layers, one after the other.
    """

    def __init__(self, cells: int, *, with_sums: bool) -> None:
        self.low, self.high = np.full(cells, np.inf), np.full(cells, -np.inf)
        self.count, self.nan, self.above, self.below = np.zeros((4, cells), np.int64)
        self.total = np.zeros(cells) if with_sums else None
        self.absolute = np.zeros(cells) if with_sums else None
        self._numbers = np.zeros(cells, np.int64)
        self._touched = np.empty(0, np.int64)

    @property
    def touched(self) -> Ids:
        """The cells that :meth:`add` put values into since the last :meth:`clear`, each once."""
        return self._touched

    def add(self, ids: Ids, values: NDArray[Any]) -> None:
        """Take in values (flat, real), each with the number of its cell."""
        if not ids.size:
            return
        cells, own = self._numbered(ids)
        self._touched = self._unique(np.concatenate((self._touched, cells)))
        finite = np.isfinite(values)
        if not finite.all():
            for counts, is_so in (
                (self.nan, np.isnan(values)),
                (self.above, values == np.inf),
                (self.below, values == -np.inf),
            ):
                counts[cells] += np.bincount(own[is_so], minlength=cells.size)
            own, values = own[finite], values[finite]
        if not own.size:
            return
        starts = _run_starts(own)
        runs = cells[own[starts]]
        np.maximum.at(self.high, runs, np.maximum.reduceat(values, starts).astype(np.float64))
        np.minimum.at(self.low, runs, np.minimum.reduceat(values, starts).astype(np.float64))
        self.count[cells] += np.bincount(own, minlength=cells.size)
        if self.total is not None and self.absolute is not None:
            wide = values.astype(np.float64)
            self.total[cells] += np.bincount(own, wide, cells.size)
            self.absolute[cells] += np.bincount(own, np.abs(wide), cells.size)

    def _numbered(self, ids: Ids) -> tuple[Ids, Ids]:
        """Return the cells that occur, each once, and where among them that of each value is."""
        starts = _run_starts(ids)
        runs = ids[starts]
        cells = self._unique(runs)
        self._numbers[cells] = np.arange(cells.size)
        return cells, np.repeat(self._numbers[runs], np.diff(starts, append=ids.size))

    def _unique(self, ids: Ids) -> Ids:
        """Return each cell once, without sorting: the last one of its kind stays."""
        places = np.arange(ids.size)
        self._numbers[ids] = places
        once: Ids = ids[self._numbers[ids] == places]
        return once

    def take_in(self, other: ScatterPool) -> None:
        """Add what a pool of as many cells holds in the cells that it touched."""
        at = other.touched
        self.high[at] = np.maximum(self.high[at], other.high[at])
        self.low[at] = np.minimum(self.low[at], other.low[at])
        for own, more in (
            (self.count, other.count),
            (self.nan, other.nan),
            (self.above, other.above),
            (self.below, other.below),
            (self.total, other.total),
            (self.absolute, other.absolute),
        ):
            if own is not None and more is not None:
                own[at] += more[at]

    def clear(self) -> None:
        """Forget all values."""
        at, self._touched = self._touched, np.empty(0, np.int64)
        self.low[at], self.high[at] = np.inf, -np.inf
        for own in (self.count, self.nan, self.above, self.below, self.total, self.absolute):
            if own is not None:
                own[at] = 0

    @property
    def scores(self) -> NDArray[np.float64]:
        """How much a layer stands out in each of the ``touched`` cells: by its largest magnitude.

        NaN counts most, then an infinity.
        """
        at = self._touched
        scores = np.maximum(self.high[at], -self.low[at])
        is_infinite = (self.above[at] > 0) | (self.below[at] > 0)
        scores = np.where(is_infinite, np.finfo(np.float64).max, scores)
        return np.where(self.nan[at] > 0, np.inf, scores)


def _run_starts(ids: Ids) -> NDArray[np.intp]:
    return np.concatenate(([0], np.flatnonzero(ids[1:] != ids[:-1]) + 1))
