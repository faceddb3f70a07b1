"""The shape of a distribution: skewness and excess kurtosis."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorpeek.analysis.compiled.value_kernels import value_kernels
from tensorpeek.analysis.diagnosis.weight_matrix import SLAB, absolute_maximum
from tensorpeek.analysis.distribution import Distribution
from tensorpeek.analysis.reading import watched
from tensorpeek.analysis.stopping import Stop, never
from tensorpeek.analysis.summary import Summary
from tensorpeek.analysis.table import CountTable
from tensorpeek.analysis.wide_scan import only_finite, real_values
from tensorpeek.loaders import Tensor, View


@dataclass(frozen=True)
class ShapeMoments:
    """The standardized third and fourth central moments of the finite values.

    ``skewness`` is m3 / m2**1.5 and ``excess_kurtosis`` m4 / m2**2 - 3, of the population, as
    ``scipy.stats.skew`` and ``kurtosis`` give by default; 0 for a normal distribution. None when
    there is no finite value or all are equal. ``zeros_percent`` is of all elements, 0.0 for none.
    """

    skewness: float | None
    excess_kurtosis: float | None
    zeros_percent: float


def shape_moments(
    tensor: Tensor, view: View, distribution: Distribution, *, stop: Stop = never
) -> ShapeMoments:
    """Return the shape of a tensor's distribution: from its table, else in one more pass.

    Deviations are taken from the known mean, divided by the known standard deviation and summed
    in float64. Raises LoadError and CancelledError.
    """
    summary = distribution.summary
    zeros = 100.0 * summary.zeros / summary.count if summary.count else 0.0
    mean, std = summary.mean, summary.std
    if mean is None or not std or not math.isfinite(std) or std <= _rounding(summary):
        return ShapeMoments(None, None, zeros)
    if isinstance(distribution, CountTable):
        sums = _powers(distribution.values, mean, std, distribution.counts.astype(np.float64))
    else:
        sums = np.zeros(4)
        for chunk in watched(tensor.chunks(view), tensor.params, stop):
            for start in range(0, chunk.size, SLAB):
                block = real_values(chunk[start : start + SLAB])
                block = block if summary.finite == summary.count else only_finite(block)
                sums += _block_powers(block, mean, std)
    first, second, third, fourth = (sums / summary.finite).tolist()
    # The mean is rounded: move the moments to the true one.
    variance = second - first**2
    skewed = third - 3 * first * second + 2 * first**3
    tailed = fourth - 4 * first * third + 6 * first**2 * second - 3 * first**4
    return ShapeMoments(skewed / variance**1.5, tailed / variance**2 - 3, zeros)


def _rounding(summary: Summary) -> float:
    """Return the spread that equal values may seem to have."""
    return 4 * math.ulp(absolute_maximum(summary))


def _block_powers(block: NDArray[Any], mean: float, std: float) -> NDArray[np.float64]:
    kernels = value_kernels(block.dtype)
    factor = 1 / std
    if kernels is not None and math.isfinite(factor):
        return kernels.powers(block, mean, factor)
    return _powers(block.astype(np.float64), mean, std, None)


def _powers(
    values: NDArray[np.float64], mean: float, std: float, weights: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """Sum the first four powers of the standardized values."""
    standard = (values - mean) / std
    square = standard * standard
    ones = np.ones(values.size) if weights is None else weights
    weighted = square if weights is None else square * weights
    pairs = ((ones, standard), (ones, square), (weighted, standard), (weighted, square))
    # Not by BLAS, whose threads cost more than they save on short arrays.
    return np.array([np.einsum("i,i->", one, other) for one, other in pairs], np.float64)
