"""The distribution of values of more than 16 bits: a table of buckets, and looks at some again."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
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
from tensorpeek.analysis.order_statistics import order_statistics, wanted_buckets
from tensorpeek.analysis.range_count import RangeCount
from tensorpeek.analysis.reading import Progress, idle, watched
from tensorpeek.analysis.stopping import Stop, never
from tensorpeek.analysis.summary import QUANTILES, Summary
from tensorpeek.analysis.value_passes import count_inside, in_buckets, inside_of
from tensorpeek.analysis.wide_scan import BLOCK, is_complex, only_finite, real_values, scan
from tensorpeek.loaders import Tensor, View

Selection = tuple[float, float]

KEPT = 32 << 20
"""Bytes of values that are kept for later questions; of more none are."""

Foreseen = Callable[["WideDistribution"], NDArray[np.bool_]]
"""Returns which buckets of a distribution later questions will cut."""


@dataclass(frozen=True, eq=False)
class KeptValues:
    """All finite values of the ``wanted`` buckets: questions about these need no reading."""

    wanted: NDArray[np.bool_]
    values: NDArray[Any]

    def covers(self, wanted: NDArray[np.bool_]) -> bool:
        """Whether the values of these buckets are all here."""
        return not (wanted & ~self.wanted).any()

    def pieces(self, lookup: NDArray[np.bool_]) -> Iterator[NDArray[Any]]:
        """Yield the values whose bucket is one of a ``lookup``."""
        for start in range(0, self.values.size, BLOCK):
            yield in_buckets(self.values[start : start + BLOCK], lookup)


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
    kept: KeptValues | None = None

    @property
    def exact_at_once(self) -> bool:
        """False: exact answers read the tensor again."""
        return False

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the buckets and the values of some of them keep."""
        kept = 0 if self.kept is None else self.kept.values.nbytes
        return 5 * self.buckets.counts.nbytes + kept

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
        counts = [self._without_reading(interval) for interval in intervals]
        unknown = [
            interval for interval, count in zip(intervals, counts, strict=True) if count is None
        ]
        # Comparing all values is quicker than picking those of a bucket.
        compared = iter(self._compare_all(unknown, stop) if unknown else [])
        return [
            RangeCount(low, high, next(compared) if count is None else count, self.summary.count)
            for (low, high), count in zip(intervals, counts, strict=True)
        ]

    def _without_reading(self, interval: Selection) -> int | None:
        """Count the elements in an interval, None if it cuts a bucket whose values are not kept."""
        low, high = interval
        whole, cut = self.split(interval)
        count = int(self.buckets.counts[whole].sum())
        if cut.any():
            if self.kept is None or not self.kept.covers(cut):
                return None
            for values in self.kept.pieces(self.buckets.lookup(cut)):
                count += int(count_inside(values, [interval])[0])
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
            return self.values_in(wanted, stop, progress)

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
            whole_inside, cut_by_selection = self.split(selection)
            cut |= cut_by_selection
        counts = _by_number(lower, self.buckets.counts, ~cut, edges)
        selected = _by_number(lower, self.buckets.counts, whole_inside & ~cut, edges)
        for values in self.values_in(cut, stop):
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

    def split(self, interval: Selection) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Tell the buckets that lie whole in a closed interval from those that it may cut.

        Comparisons are strict, so rounding a bound to float64 makes no bucket whole by mistake.
        """
        low, high = interval
        if not low <= high:
            none = np.zeros(self.buckets.counts.size, np.bool_)
            return none, none
        first, last = float(low), float(high)
        whole = (self.buckets.lower > first) & (self.buckets.upper < last)
        apart = (self.buckets.upper < first) | (self.buckets.lower > last)
        return whole, ~whole & ~apart

    def values_in(
        self, wanted: NDArray[np.bool_], stop: Stop, progress: Progress = idle
    ) -> Iterator[NDArray[Any]]:
        """Yield the finite values of the wanted buckets: those that are kept, else in one pass.

        Nothing is read for no bucket. Raises LoadError and CancelledError.
        """
        if not wanted.any():
            return
        lookup = self.buckets.lookup(wanted)
        if self.kept is not None and self.kept.covers(wanted):
            yield from self.kept.pieces(lookup)
            return
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


def measure_wide(  # noqa: PLR0913 (how to read)
    tensor: Tensor,
    view: View,
    stop: Stop,
    progress: Progress = idle,
    *,
    quantiles: bool,
    foreseen: Foreseen | None = None,
) -> WideDistribution:
    """Read a tensor once for its table and moments, and again for ``quantiles`` if asked.

    What is ``foreseen`` to be looked at later is kept from that second pass. Raises LoadError and
    CancelledError.
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

    def second_half(share: float) -> None:
        progress((1 + share) / 2)

    if foreseen is not None and summary.finite:
        kept = _kept(distribution, foreseen, stop, second_half)
        distribution = dataclasses.replace(distribution, kept=kept)
    exact = distribution.quantiles(stop=stop, progress=second_half)
    return dataclasses.replace(distribution, summary=dataclasses.replace(summary, quantiles=exact))


def _kept(
    distribution: WideDistribution, foreseen: Foreseen, stop: Stop, progress: Progress
) -> KeptValues | None:
    """Read the values that quantiles and what is foreseen need; None if they are too many."""
    buckets = distribution.buckets
    wanted = wanted_buckets(buckets, needed_ranks(distribution.summary.finite, QUANTILES))
    if not wanted.all():
        wanted |= foreseen(distribution)
    if int(buckets.counts[wanted].sum()) * distribution.dtype.itemsize > KEPT:
        return None
    # Copies: what was picked may be the beginning of a buffer of a whole chunk.
    values = [piece.copy() for piece in distribution.values_in(wanted, stop, progress)]
    return KeptValues(wanted, np.concatenate(values) if values else np.empty(0, distribution.dtype))


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
