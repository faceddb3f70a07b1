"""The distribution of values of more than 16 bits: a table of buckets, and looks at some again."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorpeek.analysis.binning import bin_numbers
from tensorpeek.analysis.buckets import Buckets, estimated_tally, sorted_buckets
from tensorpeek.analysis.distribution import Distribution
from tensorpeek.analysis.edges import Edges
from tensorpeek.analysis.histogram import Histogram
from tensorpeek.analysis.interpolation import interpolate, needed_ranks
from tensorpeek.analysis.order_statistics import order_statistics
from tensorpeek.analysis.range_count import RangeCount
from tensorpeek.analysis.reading import Progress, idle, watched
from tensorpeek.analysis.stopping import Stop, never
from tensorpeek.analysis.summary import QUANTILES, Summary
from tensorpeek.analysis.value_passes import count_inside, in_buckets, inside_of
from tensorpeek.analysis.wide_scan import is_complex, only_finite, real_values, scan
from tensorpeek.loaders import Tensor, View

Selection = tuple[float, float]


@dataclass(frozen=True, eq=False, kw_only=True)
class WideDistribution:
    """A :class:`tensorpeek.analysis.Distribution` of values of 32 bits or more.

    It keeps how many values share their upper 16 bits (:class:`Buckets`). Most questions are
    answered by whole buckets; an exact answer reads the tensor again, but looks only at the
    values of those buckets that a bound cuts in two. Complex values are counted by magnitude.
    """

    tensor: Tensor
    view: View
    summary: Summary
    buckets: Buckets
    dtype: np.dtype[Any]

    @property
    def exact_at_once(self) -> bool:
        """False: exact answers read the tensor again."""
        return False

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the buckets keep."""
        return 5 * self.buckets.counts.nbytes

    def histogram(
        self, edges: Edges, selection: Selection | None = None, *, stop: Stop = never
    ) -> Histogram:
        """Count the elements in each bin, exactly, in one pass.

        Raises LoadError and CancelledError.
        """
        counts, selected = self._tally(edges, selection, stop)
        return self._histogram(edges, selection, counts, selected, exact=True)

    def count_range(self, low: float, high: float, *, stop: Stop = never) -> RangeCount:
        """Count the elements from ``low`` to ``high``, both included, in one pass at most.

        Integers are compared as integers, not rounded. Raises LoadError and CancelledError.
        """
        return self.count_ranges([(low, high)], stop=stop)[0]

    def count_ranges(
        self, intervals: Sequence[Selection], *, stop: Stop = never
    ) -> list[RangeCount]:
        """Count the elements in each closed interval, as :meth:`count_range`, in one pass."""
        counts: list[int | None] = [self._whole_buckets(*interval) for interval in intervals]
        unknown = [
            interval for interval, count in zip(intervals, counts, strict=True) if count is None
        ]
        # Comparing all values is quicker than picking those of a bucket.
        compared = iter(self._compare_all(unknown, stop) if unknown else [])
        return [
            RangeCount(low, high, next(compared) if count is None else count, self.summary.count)
            for (low, high), count in zip(intervals, counts, strict=True)
        ]

    def _whole_buckets(self, low: float, high: float) -> int | None:
        """Count the elements in an interval, None if it cuts a bucket."""
        whole, cut = _split(self.buckets, (low, high))
        if cut.any():
            return None
        count = int(self.buckets.counts[whole].sum())
        if low <= high:
            count += self.summary.positive_infinity * (high == np.inf)
            count += self.summary.negative_infinity * (low == -np.inf)
        return count

    def preview(self, edges: Edges, selection: Selection | None = None) -> Histogram:
        """Estimate the histogram at once; each edge is misplaced by one bucket at most.

        A bucket is 1/128 to 1/256 as wide as its values are large.
        """
        counts = estimated_tally(self.buckets, edges, (-np.inf, np.inf))
        selected = None
        if selection is not None:
            selected = estimated_tally(self.buckets, edges, selection)
        return self._histogram(edges, selection, counts, selected, exact=False)

    def quantiles(
        self,
        probabilities: Sequence[float] = QUANTILES,
        *,
        stop: Stop = never,
        progress: Progress = idle,
    ) -> dict[float, float] | None:
        """Return exact quantiles of the finite elements, None when there is none.

        One pass for most tensors; see :func:`order_statistics`. Raises LoadError and
        CancelledError.
        """
        count = self.summary.finite
        if not count:
            return None
        ranks = needed_ranks(count, probabilities)

        def again(wanted: NDArray[np.bool_]) -> Iterator[NDArray[Any]]:
            return self._look_again(wanted, stop, progress)

        extremes = (self.summary.minimum or 0, self.summary.maximum or 0)
        found = order_statistics(again, self.buckets, ranks, self.dtype, extremes)
        return interpolate(count, probabilities, lambda rank: found[rank])

    def _tally(
        self, edges: Edges, selection: Selection | None, stop: Stop
    ) -> tuple[NDArray[np.int64], NDArray[np.int64] | None]:
        """Count by bin number, then once more what lies in the selection."""
        lower, upper = (
            bin_numbers(self.buckets.lower, edges),
            bin_numbers(self.buckets.upper, edges),
        )
        cut = lower != upper
        whole_inside = np.zeros_like(cut)
        if selection is not None:
            whole_inside, cut_by_selection = _split(self.buckets, selection)
            cut |= cut_by_selection
        counts = _by_number(lower, self.buckets.counts, ~cut, edges)
        selected = _by_number(lower, self.buckets.counts, whole_inside & ~cut, edges)
        for values in self._look_again(cut, stop):
            numbers = bin_numbers(values.astype(np.float64), edges)
            counts += np.bincount(numbers, minlength=counts.size)
            if selection is not None:
                inside = numbers[inside_of(values, selection)]
                selected += np.bincount(inside, minlength=counts.size)
        return counts, None if selection is None else selected

    def _compare_all(self, intervals: Sequence[Selection], stop: Stop) -> list[int]:
        counts = np.zeros(len(intervals), np.int64)
        for chunk in watched(self.tensor.chunks(self.view), self.tensor.params, stop):
            counts += count_inside(real_values(chunk), intervals)
        return counts.tolist()

    def _look_again(
        self, wanted: NDArray[np.bool_], stop: Stop, progress: Progress = idle
    ) -> Iterator[NDArray[Any]]:
        """Read the finite values that lie in the wanted buckets; nothing for no bucket."""
        if not wanted.any():
            return
        lookup = self.buckets.lookup(wanted)
        mixed = self.summary.finite < self.summary.count
        chunks = self.tensor.chunks(self.view)
        for chunk in watched(chunks, self.tensor.params, stop, progress):
            values = real_values(chunk)
            picked = in_buckets(values, lookup)
            yield only_finite(picked) if mixed else picked

    def _histogram(
        self,
        edges: Edges,
        selection: Selection | None,
        tally: NDArray[np.int64],
        selected: NDArray[np.int64] | None,
        *,
        exact: bool,
    ) -> Histogram:
        """Take tallies by bin number apart into bins and what lies outside of them."""
        return Histogram(
            edges=edges,
            counts=tally[1:-1],
            selected=None if selected is None else selected[1:-1],
            selection=selection,
            below=int(tally[0]),
            above=int(tally[-1]),
            total=self.summary.count,
            nan=self.summary.nan,
            positive_infinity=self.summary.positive_infinity,
            negative_infinity=self.summary.negative_infinity,
            exact=exact,
        )


def measure_wide(
    tensor: Tensor, view: View, stop: Stop, progress: Progress = idle, *, quantiles: bool
) -> WideDistribution:
    """Read a tensor once for its table and moments, and again for ``quantiles`` if asked.

    Raises LoadError and CancelledError.
    """
    passes = 2 if quantiles else 1
    found = scan(tensor, view, stop, lambda share: progress(share / passes))
    summary = found.summary()
    stored = tensor.value_type(view)
    dtype = np.dtype(np.float64) if is_complex(stored) else stored
    low, high = summary.minimum or 0, summary.maximum or 0
    distribution = WideDistribution(
        tensor=tensor,
        view=view,
        summary=summary,
        buckets=sorted_buckets(found.buckets, dtype, low, high),
        dtype=dtype,
    )
    if not quantiles:
        return distribution
    exact = distribution.quantiles(stop=stop, progress=lambda share: progress((1 + share) / 2))
    return dataclasses.replace(distribution, summary=dataclasses.replace(summary, quantiles=exact))


def count_ranges(
    distribution: Distribution, intervals: Sequence[Selection], *, stop: Stop = never
) -> list[RangeCount]:
    """Count the elements in each closed interval, in one pass at most for all of them.

    Raises LoadError and CancelledError.
    """
    if isinstance(distribution, WideDistribution):
        return distribution.count_ranges(intervals, stop=stop)
    return [distribution.count_range(low, high, stop=stop) for low, high in intervals]


def _by_number(
    numbers: NDArray[np.intp], counts: NDArray[np.int64], chosen: NDArray[np.bool_], edges: Edges
) -> NDArray[np.int64]:
    """Add up the counts of the chosen buckets by the number of their bin."""
    sums = np.zeros(edges.bins + 2, np.int64)
    np.add.at(sums, numbers[chosen], counts[chosen])
    return sums


def _split(buckets: Buckets, interval: Selection) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Tell the buckets that lie whole in an interval from those that it may cut.

    Comparisons are strict, so rounding a bound to float64 makes no bucket whole by mistake.
    """
    low, high = interval
    if not low <= high:
        none = np.zeros(buckets.counts.size, np.bool_)
        return none, none
    first, last = float(low), float(high)
    whole = (buckets.lower > first) & (buckets.upper < last)
    apart = (buckets.upper < first) | (buckets.lower > last)
    return whole, ~whole & ~apart
