"""A table of distinct values and their counts, from which every answer follows exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tensorpeek.analysis.edges import Edges
from tensorpeek.analysis.histogram import Histogram
from tensorpeek.analysis.interpolation import interpolate
from tensorpeek.analysis.merging import merge_equal
from tensorpeek.analysis.moments import table_moments
from tensorpeek.analysis.range_count import RangeCount
from tensorpeek.analysis.stopping import Stop, never
from tensorpeek.analysis.summary import QUANTILES, Summary


@dataclass(frozen=True, eq=False, kw_only=True)
class CountTable:
    """How often each value occurs: a :class:`tensorpeek.analysis.Distribution`.

    ``values`` are the distinct finite values, float64 and increasing; ``counts``, int64, are
    above 0. Every answer is exact, whatever the number of elements, and reads nothing.
    """

    values: NDArray[np.float64]
    counts: NDArray[np.int64]
    summary: Summary

    @property
    def exact_at_once(self) -> bool:
        """True: no answer reads the tensor again."""
        return True

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the table keeps."""
        return self.values.nbytes + self.counts.nbytes + self._cumulative.nbytes

    @cached_property
    def _cumulative(self) -> NDArray[np.int64]:
        """How many finite elements stand before each value, and after the last one."""
        return np.concatenate(([0], np.cumsum(self.counts)))

    def histogram(
        self,
        edges: Edges,
        selection: tuple[float, float] | None = None,
        *,
        stop: Stop = never,  # noqa: ARG002 (the protocol has it)
    ) -> Histogram:
        """Count the elements in each bin, exactly and at once; ``stop`` is not needed."""
        places = self._places(edges.values)
        reached = self._cumulative[places]
        selected = None
        if selection is not None:
            low, high = self._interval(*selection)
            selected = np.diff(self._cumulative[np.clip(places, low, high)])
        return Histogram(
            edges=edges,
            counts=np.diff(reached),
            selected=selected,
            selection=selection,
            below=int(reached[0]),
            above=self.summary.finite - int(reached[-1]),
            total=self.summary.count,
            nan=self.summary.nan,
            positive_infinity=self.summary.positive_infinity,
            negative_infinity=self.summary.negative_infinity,
            exact=True,
        )

    def count_range(
        self,
        low: float,
        high: float,
        *,
        stop: Stop = never,  # noqa: ARG002 (the protocol has it)
    ) -> RangeCount:
        """Count the elements from ``low`` to ``high``, both included; ``stop`` is not needed."""
        first, last = self._interval(low, high)
        count = int(self._cumulative[last] - self._cumulative[first])
        if low <= high:
            count += self.summary.positive_infinity * (high == np.inf)
            count += self.summary.negative_infinity * (low == -np.inf)
        return RangeCount(low, high, count, self.summary.count)

    def preview(self, edges: Edges, selection: tuple[float, float] | None = None) -> Histogram:
        """Return the exact histogram: a table needs no other."""
        return self.histogram(edges, selection)

    def quantiles(self, probabilities: Sequence[float] = QUANTILES) -> dict[float, float] | None:
        """Return exact quantiles of the finite elements, None when there is none."""
        return table_quantiles(self.values, self.counts, probabilities)

    def _places(self, edges: NDArray[np.float64]) -> NDArray[np.intp]:
        places = np.searchsorted(self.values, edges, side="left")
        places[-1] = np.searchsorted(self.values, edges[-1], side="right")
        return places

    def _interval(self, low: float, high: float) -> tuple[int, int]:
        if not low <= high:
            return 0, 0
        first = np.searchsorted(self.values, low, side="left")
        return int(first), int(np.searchsorted(self.values, high, side="right"))


def table_quantiles(
    values: NDArray[np.float64], counts: NDArray[np.int64], probabilities: Sequence[float]
) -> dict[float, float] | None:
    """Return quantiles of increasing ``values``, each occurring ``counts`` times."""
    if not counts.size:
        return None
    reached = np.cumsum(counts)

    def value_at(rank: int) -> float:
        return float(values[np.searchsorted(reached, rank, side="right")])

    return interpolate(int(reached[-1]), probabilities, value_at)


def table_of(
    values: NDArray[np.float64], counts: NDArray[np.int64], *, integers: bool, stop: Stop = never
) -> CountTable:
    """Build a table from ``values`` in any order, repeated or not finite, and their counts.

    ``integers`` makes the extremes Python integers. Entries that count 0 are dropped. Raises
    CancelledError.
    """
    values, counts = values[counts > 0], counts[counts > 0]
    finite = np.isfinite(values)
    # Adding 0.0 makes minus zero plain zero.
    distinct, merged = merge_equal(values[finite] + 0.0, counts[finite], stop)
    moments = table_moments(distinct, merged)
    number = int if integers else float
    some = distinct.size > 0
    summary = Summary(
        count=int(counts.sum()),
        finite=moments.count,
        zeros=int(merged[distinct == 0.0].sum()),
        nan=int(counts[np.isnan(values)].sum()),
        positive_infinity=int(counts[values == np.inf].sum()),
        negative_infinity=int(counts[values == -np.inf].sum()),
        minimum=number(distinct[0]) if some else None,
        maximum=number(distinct[-1]) if some else None,
        mean=moments.mean if some else None,
        std=moments.std if some else None,
        absolute_mean=moments.magnitude if some else None,
        l2_norm=moments.l2_norm if some else None,
        quantiles=table_quantiles(distinct, merged, QUANTILES),
    )
    return CountTable(values=distinct, counts=merged, summary=summary)
