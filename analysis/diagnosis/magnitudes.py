"""Percentiles of the magnitudes of values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorpeek.analysis.buckets import Buckets, sorted_buckets
from tensorpeek.analysis.diagnosis.weight_matrix import absolute_maximum
from tensorpeek.analysis.distribution import Distribution
from tensorpeek.analysis.interpolation import interpolate, needed_ranks
from tensorpeek.analysis.order_keys import BUCKETS, upper_patterns
from tensorpeek.analysis.order_statistics import order_statistics, wanted_buckets
from tensorpeek.analysis.reading import watched
from tensorpeek.analysis.stopping import Stop, never
from tensorpeek.analysis.table import CountTable, table_quantiles
from tensorpeek.analysis.value_passes import in_buckets
from tensorpeek.analysis.wide import WideDistribution

PERCENTILES = (10, 25, 50, 75, 90)

_MAGNITUDE_BITS = (1 << 15) - 1


def magnitude_percentiles(
    distribution: Distribution,
    percentiles: Sequence[int] = PERCENTILES,
    *,
    stop: Stop = never,
) -> dict[int, float] | None:
    """Return exact percentiles of the finite magnitudes, in the tensor's units; None for none.

    Interpolated as ``numpy.percentile`` does. From the table where there is one, else one pass
    over the tensor (two for wide integers, whose magnitudes are rounded to float64). Raises
    LoadError and CancelledError.
    """
    shares = [percent / 100 for percent in percentiles]
    if isinstance(distribution, CountTable):
        magnitudes, where = np.unique(np.abs(distribution.values), return_inverse=True)
        counts = np.zeros(magnitudes.size, np.int64)
        np.add.at(counts, where, distribution.counts)
        found = table_quantiles(magnitudes, counts, shares)
    elif isinstance(distribution, WideDistribution) and distribution.summary.finite:
        found = _wide(distribution, shares, stop)
    else:
        found = None
    if found is None:
        return None
    return {percent: found[share] for percent, share in zip(percentiles, shares, strict=True)}


def _wide(
    distribution: WideDistribution, shares: Sequence[float], stop: Stop
) -> dict[float, float]:
    count = distribution.summary.finite
    buckets = _sorted_magnitudes(distribution, stop)

    def again(wanted: NDArray[np.bool_]) -> Iterator[NDArray[Any]]:
        lookup = buckets.lookup(wanted)
        if distribution.dtype.kind != "f":
            floats = _floats(distribution, stop)
            return (in_buckets(values, lookup, magnitudes=True) for values in floats)
        signed = _of_either_sign(distribution, lookup)
        return (np.abs(values) for values in distribution.values_in(signed, stop))

    ranks = needed_ranks(count, shares)
    extremes = (0.0, absolute_maximum(distribution.summary))
    found = order_statistics(again, buckets, ranks, _magnitude_type(distribution), extremes)
    return interpolate(count, shares, lambda rank: found[rank])


def magnitude_buckets(
    distribution: WideDistribution, percentiles: Sequence[int] = PERCENTILES
) -> NDArray[np.bool_]:
    """Return which buckets hold the values that the percentiles will be interpolated from.

    None for integers, whose magnitudes are rounded.
    """
    if distribution.dtype.kind != "f":
        return np.zeros(distribution.buckets.counts.size, np.bool_)
    buckets = _sorted_magnitudes(distribution, never)
    shares = [percent / 100 for percent in percentiles]
    ranks = needed_ranks(distribution.summary.finite, shares)
    return _of_either_sign(distribution, buckets.lookup(wanted_buckets(buckets, ranks)))


def _sorted_magnitudes(distribution: WideDistribution, stop: Stop) -> Buckets:
    counts, dtype = _bucket_counts(distribution, stop), _magnitude_type(distribution)
    return sorted_buckets(counts, dtype, 0.0, absolute_maximum(distribution.summary))


def _magnitude_type(distribution: WideDistribution) -> np.dtype[Any]:
    """Return the type of floats; the magnitudes of integers are rounded to float64."""
    return distribution.dtype if distribution.dtype.kind == "f" else np.dtype(np.float64)


def _of_either_sign(distribution: WideDistribution, lookup: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which buckets hold values whose magnitudes have a pattern of the ``lookup``."""
    found: NDArray[np.bool_] = lookup[distribution.buckets.patterns & _MAGNITUDE_BITS]
    return found


def _bucket_counts(distribution: WideDistribution, stop: Stop) -> NDArray[np.int64]:
    """Count magnitudes by bucket: those of floats are known from the signed ones."""
    counts = np.zeros(BUCKETS, np.int64)
    if distribution.dtype.kind == "f":
        known = distribution.buckets
        np.add.at(counts, known.patterns & _MAGNITUDE_BITS, known.counts)
        return counts
    for values in _floats(distribution, stop):
        counts += np.bincount(upper_patterns(np.abs(values)), minlength=BUCKETS)
    return counts


def _floats(distribution: WideDistribution, stop: Stop) -> Iterator[NDArray[np.float64]]:
    """Read integers, rounded to float64."""
    tensor, view = distribution.tensor, distribution.view
    for chunk in watched(tensor.chunks(view), tensor.params, stop):
        yield chunk.astype(np.float64)
