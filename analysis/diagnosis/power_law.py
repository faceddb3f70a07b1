"""Fit a power law to the tail of a spectrum."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FEWEST = 10
"""Values that a tail must have: with fewer, any line fits."""

PROBES = 12
"""Places of a tail at which its distance is looked at first."""

ROUNDING = 1e-9
"""More than what two ways to sum logarithms may differ by."""

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
    best: PowerLaw | None = None
    # Distances at a few places tell most beginnings to be worse than the best one.
    at_least = _least_distances(logs, tried)
    for place in np.argsort(at_least, kind="stable").tolist():
        if best is not None and at_least[place] > best.distance + ROUNDING:
            break
        fit = _fit(ordered, logs, int(tried[place]))
        if fit is not None and (best is None or _rank(fit) < _rank(best)):
            best = fit
    return best


def _rank(fit: PowerLaw) -> tuple[float, float]:
    """Order fits by distance, equal ones by where they begin."""
    return fit.distance, fit.xmin


def _least_distances(logs: NDArray[np.float64], tried: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return for each beginning a distance that the one of its fit is not below."""
    counts = logs.size - tried
    sums = np.cumsum(logs[::-1])[::-1][tried]
    totals = sums - counts * logs[tried]
    places = (np.arange(1, PROBES + 1) / PROBES * (counts[:, None] - 1)).astype(np.intp)
    apart = logs[tried[:, None] + places] - logs[tried][:, None]
    with np.errstate(all="ignore"):  # a tail of equal values has no slope
        law = -np.expm1(apart * (-counts / totals)[:, None])
    above = (places + 1) / counts[:, None] - law
    below = law - places / counts[:, None]
    found: NDArray[np.float64] = np.maximum(above, below).max(axis=1)
    return np.where(np.isfinite(found), found, -np.inf)


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
