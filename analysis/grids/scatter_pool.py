"""Pool values that are spread over the cells of a screen in any order, exactly."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]


class ScatterPool:
    """What ``cells`` cells hold of one layer: see :class:`tensorpeek.analysis.heatmap.Pooled`."""

    def __init__(self, cells: int, *, with_sums: bool) -> None:
        self.low, self.high = np.full(cells, np.inf), np.full(cells, -np.inf)
        self.count, self.nan, self.above, self.below = np.zeros((4, cells), np.int64)
        self.total = np.zeros(cells) if with_sums else None
        self.absolute = np.zeros(cells) if with_sums else None

    def add(self, ids: Ids, values: NDArray[Any]) -> None:
        """Take in values (flat, real), each with the number of its cell."""
        if not ids.size:
            return
        cells = self.count.size
        finite = np.isfinite(values)
        if not finite.all():
            for counts, is_so in (
                (self.nan, np.isnan(values)),
                (self.above, values == np.inf),
                (self.below, values == -np.inf),
            ):
                np.add(counts, np.bincount(ids[is_so], minlength=cells), out=counts)
            ids, values = ids[finite], values[finite]
        if not ids.size:
            return
        starts = np.concatenate(([0], np.flatnonzero(ids[1:] != ids[:-1]) + 1))
        runs = ids[starts]
        np.maximum.at(self.high, runs, np.maximum.reduceat(values, starts).astype(np.float64))
        np.minimum.at(self.low, runs, np.minimum.reduceat(values, starts).astype(np.float64))
        lengths = np.diff(starts, append=ids.size)
        self.count += np.bincount(runs, lengths, cells).astype(np.int64)
        if self.total is not None and self.absolute is not None:
            wide = values.astype(np.float64)
            self.total += np.bincount(ids, wide, cells)
            self.absolute += np.bincount(ids, np.abs(wide), cells)

    def take_in(self, other: ScatterPool) -> None:
        """Add what the cells hold of another layer."""
        np.maximum(self.high, other.high, out=self.high)
        np.minimum(self.low, other.low, out=self.low)
        for own, more in (
            (self.count, other.count),
            (self.nan, other.nan),
            (self.above, other.above),
            (self.below, other.below),
            (self.total, other.total),
            (self.absolute, other.absolute),
        ):
            if own is not None and more is not None:
                np.add(own, more, out=own)

    @property
    def scores(self) -> NDArray[np.float64]:
        """How much a layer stands out in each cell: by its largest magnitude.

        NaN counts most, then an infinity; -1 where the layer has no value.
        """
        sizes = np.maximum(self.high, -self.low)
        scores = np.where(self.count > 0, sizes, -1.0)
        scores = np.where((self.above > 0) | (self.below > 0), np.finfo(np.float64).max, scores)
        return np.where(self.nan > 0, np.inf, scores)
