"""What one look at a chunk of values tells: which lie in intervals, which in buckets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorpeek.analysis.bounds import closed_bounds
from tensorpeek.analysis.compiled.value_kernels import value_kernels
from tensorpeek.analysis.order_keys import upper_patterns

Interval = tuple[float, float]


def inside_of(values: NDArray[Any], interval: Interval) -> NDArray[np.bool_]:
    """Return which values lie in a closed interval, compared in their own type."""
    bounds = closed_bounds(values.dtype, *interval)
    if bounds is None:
        return np.zeros(values.shape, np.bool_)
    inside: NDArray[np.bool_] = (values >= bounds[0]) & (values <= bounds[1])
    return inside


def count_inside(values: NDArray[Any], intervals: Sequence[Interval]) -> NDArray[np.int64]:
    """Return how many values lie in each closed interval, compared in their own type."""
    kernels = value_kernels(values.dtype)
    if kernels is None:
        counts = [int(np.count_nonzero(inside_of(values, interval))) for interval in intervals]
        return np.array(counts, np.int64)
    # No value lies between infinity and minus infinity.
    nothing = (values.dtype.type(np.inf), values.dtype.type(-np.inf))
    bounds = [closed_bounds(values.dtype, *interval) or nothing for interval in intervals]
    ends = np.array(bounds, values.dtype).reshape(-1, 2)
    return kernels.count_between(values, ends[:, 0].copy(), ends[:, 1].copy())


def in_buckets(
    values: NDArray[Any], lookup: NDArray[np.bool_], *, magnitudes: bool = False
) -> NDArray[Any]:
    """Return the values, or their magnitudes, whose bucket is one of a ``lookup``, in order."""
    kernels = value_kernels(values.dtype)
    if kernels is not None:
        return kernels.pick(values, lookup, magnitudes=magnitudes)
    looked_at = np.abs(values) if magnitudes else values
    return looked_at[np.flatnonzero(np.take(lookup, upper_patterns(looked_at)))]
