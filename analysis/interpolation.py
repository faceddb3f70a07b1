"""Quantiles out of order statistics."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray


def needed_ranks(count: int, probabilities: Sequence[float]) -> NDArray[np.int64]:
    """Return the ranks, from 0 and increasing, that quantiles of ``count`` values rest on."""
    pairs = [_neighbors(count, probability)[:2] for probability in probabilities]
    return np.unique(np.array(pairs, np.int64))


def interpolate(
    count: int, probabilities: Sequence[float], value_at: Callable[[int], float]
) -> dict[float, float]:
    """Return the quantiles of ``count`` values, of which ``value_at`` gives the one of a rank.

    Method 7 of Hyndman and Fan (doi:10.1080/00031305.1996.10473566), in the arithmetic of
    ``numpy.quantile``, except where the difference of two neighbors overflows.
    """
    quantiles = {}
    for probability in probabilities:
        lower, upper, weight = _neighbors(count, probability)
        quantiles[probability] = _between(value_at(lower), value_at(upper), weight)
    return quantiles


def _neighbors(count: int, probability: float) -> tuple[int, int, float]:
    position = (count - 1) * probability
    lower = math.floor(position)
    return lower, min(lower + 1, count - 1), position - lower


def _between(low: float, high: float, weight: float) -> float:
    apart = high - low
    if math.isinf(apart):
        return low * (1 - weight) + high * weight
    return high - apart * (1 - weight) if weight >= 0.5 else low + apart * weight
