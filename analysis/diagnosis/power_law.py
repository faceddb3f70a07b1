"""Fit a power law to the tail of a spectrum."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FEWEST = 10
"""Values that a tail must have: with fewer, any line fits."""

CANDIDATES = 1000
"""Beginnings of a tail that are tried: all of them up to this many values."""


@dataclass(frozen=True)
class PowerLaw:
    """A density proportional to x**-alpha from ``xmin`` on, over ``tail`` values.

    ``distance`` is that of Kolmogorov and Smirnov between the tail and the law, 0 for a perfect
    fit; ``alpha_error`` the standard error (alpha - 1) / sqrt(tail).
    """

    alpha: float
    alpha_error: float
    xmin: float
    tail: int
    distance: float


def fit_power_law(values: NDArray[np.float64], *, fewest: int = FEWEST) -> PowerLaw | None:
    """Fit a power law to the positive ones of ``values``, such as eigenvalues of W W^T.

    Clauset, Shalizi and Newman 2009 (doi:10.1137/070710111): alpha = 1 + n / sum ln(x / xmin) by
    maximum likelihood for each xmin among the values, and the xmin whose fit is nearest; alphas
    of layers are those of Martin and Mahoney 2021 (jmlr.org/papers/v22/20-410.html). Beyond 1000
    values, 1000 of them are tried as xmin. None when fewer than ``fewest`` values, or equal ones,
    are left.
    """
    ordered = np.sort(values[np.isfinite(values) & (values > 0)])
    starts = ordered.size - fewest + 1
    if starts < 1:
        return None
    logs = np.log(ordered)
    tried = np.unique(np.linspace(0, starts - 1, min(starts, CANDIDATES)).astype(np.intp))
    # A tail begins with the first of equal values.
    tried = np.unique(np.searchsorted(ordered, ordered[tried], side="left"))
    fits = [fit for start in tried.tolist() if (fit := _fit(ordered, logs, start)) is not None]
    return min(fits, key=lambda fit: fit.distance, default=None)


def _fit(ordered: NDArray[np.float64], logs: NDArray[np.float64], start: int) -> PowerLaw | None:
    above = logs[start:] - logs[start]
    total, count = float(above.sum()), above.size
    if total <= 0:
        return None
    alpha = 1 + count / total
    law = -np.expm1(above * (1 - alpha))
    steps = np.arange(count + 1) / count
    distance = float(max((steps[1:] - law).max(), (law - steps[:-1]).max()))
    return PowerLaw(alpha, (alpha - 1) / math.sqrt(count), float(ordered[start]), count, distance)
