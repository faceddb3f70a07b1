"""How many values are zero, nearly zero, or at the zero point."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tensorpeek.analysis.diagnosis.magnitudes import magnitude_buckets, magnitude_percentiles
from tensorpeek.analysis.distribution import Distribution
from tensorpeek.analysis.reading import watched
from tensorpeek.analysis.stopping import Stop, never
from tensorpeek.analysis.wide import WideDistribution, count_ranges
from tensorpeek.loaders import Quantization, Tensor, View

LIMITS = (0.0, 1e-6, 1e-4, 1e-2)
"""Magnitudes up to which values are counted as near zero."""

NEAR_ZERO = [(-limit, limit) for limit in LIMITS]


@dataclass(frozen=True, eq=False)
class Sparsity:
    """Shares of small values, in percent of all elements; 0.0 for an empty tensor.

    ``near_zero_percent`` maps each of :data:`LIMITS` to the share of magnitudes up to it.
    ``zero_point_percent`` is the share of codes equal to their zero point: of raw views of
    affine codes only, else None. ``magnitude_percentiles`` are exact, of the finite values, None
    without any.
    """

    near_zero_percent: dict[float, float]
    zero_point_percent: float | None
    magnitude_percentiles: dict[int, float] | None


def sparsity(
    tensor: Tensor, view: View, distribution: Distribution, *, stop: Stop = never
) -> Sparsity:
    """Return how sparse a tensor is in a view that has this ``distribution``.

    NaN and infinities are near no zero. Raises LoadError and CancelledError.
    """
    total = max(distribution.summary.count, 1)
    counts = count_ranges(distribution, NEAR_ZERO, stop=stop)
    shares = {
        limit: 100.0 * count.count / total for limit, count in zip(LIMITS, counts, strict=True)
    }
    at_zero_point = _at_zero_point(tensor, distribution, stop) if view == "raw" else None
    return Sparsity(
        shares,
        None if at_zero_point is None else 100.0 * at_zero_point / total,
        magnitude_percentiles(distribution, stop=stop),
    )


def sparsity_buckets(distribution: WideDistribution) -> NDArray[np.bool_]:
    """Return which buckets :func:`sparsity` looks into."""
    found = magnitude_buckets(distribution)
    for interval in NEAR_ZERO:
        found |= distribution.split(interval)[1]
    return found


def _at_zero_point(tensor: Tensor, distribution: Distribution, stop: Stop) -> int | None:
    quantization = tensor.quantization
    if quantization is None or quantization.scheme == "codebook" or tensor.codec is not None:
        return None
    points = quantization.zero_points()
    if not points.size:
        return None
    if (points == points[0]).all():
        return distribution.count_range(float(points[0]), float(points[0]), stop=stop).count
    return _count_at(tensor, quantization, stop)


def _count_at(tensor: Tensor, quantization: Quantization, stop: Stop) -> int:
    points = quantization.zero_points()
    count = start = 0
    for codes in watched(tensor.chunks("raw", ordered=True), tensor.params, stop):
        group = quantization.group_index(tensor.shape, start, start + codes.size)
        start += codes.size
        count += int(np.count_nonzero(codes == points[group]))
    return count
