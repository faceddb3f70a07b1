"""How many values share their upper 16 bits: an approximate picture, and where to look again."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorpeek.analysis.edges import Edges
from tensorpeek.analysis.order_keys import BUCKETS, bucket_limits, bucket_order


@dataclass(frozen=True, eq=False)
class Buckets:
    """The buckets that hold values, in increasing order of these.

    ``patterns`` are the upper 16 bits of the values rounded to float32, ``counts`` (int64, above
    0) how many finite values have them, ``lower`` and ``upper`` float64 bounds that none of
    these, converted to float64, oversteps.
    """

    patterns: NDArray[np.intp]
    counts: NDArray[np.int64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]

    @cached_property
    def reached(self) -> NDArray[np.int64]:
        """How many values stand before each bucket, and after the last one."""
        return np.concatenate(([0], np.cumsum(self.counts)))

    @cached_property
    def _apart(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The bounds of the buckets, cut in the middle of what two of them share.

        Bounds that were widened overlap, at the ends as far as both buckets reach.
        """
        cuts = self.lower[1:] / 2 + self.upper[:-1] / 2
        starts, ends = self.lower.copy(), self.upper.copy()
        np.maximum(starts[1:], cuts, out=starts[1:])
        np.minimum(ends[:-1], cuts, out=ends[:-1])
        return starts, ends

    def lookup(self, wanted: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return, for every pattern of 16 bits, whether its bucket is one of the ``wanted``."""
        table = np.zeros(BUCKETS, np.bool_)
        table[self.patterns[wanted]] = True
        return table

    def below(self, bounds: NDArray[np.float64]) -> NDArray[np.int64]:
        """Estimate how many values lie below each of ``bounds``, off by one bucket at most.

        Values are taken to lie evenly between the bounds of their bucket.
        """
        if not self.counts.size:
            return np.zeros(bounds.shape, np.int64)
        starts, ends = self._apart
        place = np.searchsorted(starts, bounds, side="left") - 1
        within = np.maximum(place, 0)
        width = ends[within] - starts[within]
        inside = np.minimum(np.maximum(bounds, starts[within]), ends[within])
        inside -= starts[within]
        share = np.divide(inside, width, out=np.ones_like(width), where=width > 0)
        estimate = self.reached[within] + np.rint(share * self.counts[within]).astype(np.int64)
        return np.where(place < 0, 0, estimate)


def sorted_buckets(
    counts: NDArray[np.int64], dtype: np.dtype[Any], low: float, high: float
) -> Buckets:
    """Sort the counts of all patterns of values of ``dtype`` between ``low`` and ``high``.

    Values of other types than float32 were rounded to it, so their buckets reach a little further;
    the limit of a bucket at infinity, which is NaN, gives way to ``low`` or ``high``.
    """
    order = bucket_order()
    order = order[counts[order] > 0]
    lower, upper = bucket_limits(order)
    if dtype != np.float32:
        lower, upper = _widened(lower, -np.inf), _widened(upper, np.inf)
    first, last = float(low), float(high)
    if dtype.kind in "iu":  # integers beyond 2**53 may be rounded inward
        first, last = math.nextafter(first, -math.inf), math.nextafter(last, math.inf)
    return Buckets(order, counts[order], np.fmax(lower, first), np.fmin(upper, last))


def estimated_tally(
    buckets: Buckets, edges: Edges, interval: tuple[float, float]
) -> NDArray[np.int64]:
    """Estimate how many of the values in a closed interval have each bin number.

    See :func:`tensorpeek.analysis.binning.bin_numbers`. Of a wider interval no number is smaller.
    """
    low, high = interval
    if not low <= high:
        return np.zeros(edges.bins + 2, np.int64)
    bounds = np.concatenate(([-np.inf], edges.values, [np.inf]))
    bounds[-2] = math.nextafter(bounds[-2], math.inf)
    return np.diff(buckets.below(np.clip(bounds, low, math.nextafter(high, math.inf))))


def _widened(bounds: NDArray[np.float64], toward: float) -> NDArray[np.float64]:
    """Move bounds to the next float32, or from the last one to infinity."""
    with np.errstate(all="ignore"):
        return np.nextafter(bounds.astype(np.float32), np.float32(toward)).astype(np.float64)
