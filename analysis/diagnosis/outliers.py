"""How far the largest values stand out."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tensorpeek.analysis.diagnosis.weight_matrix import absolute_maximum
from tensorpeek.analysis.distribution import Distribution
from tensorpeek.analysis.stopping import Stop, never
from tensorpeek.analysis.summary import Summary
from tensorpeek.analysis.wide import count_ranges

MILD = 1.5
EXTREME = 3.0


@dataclass(frozen=True)
class Outliers:
    """Values beyond Tukey's fences (Exploratory Data Analysis, 1977), and peaks against averages.

    ``mild_percent`` and ``extreme_percent`` of the finite values lie more than 1.5 and 3 times
    the distance of the quartiles, ``iqr``, outside of these; None when that distance is 0, as it
    is where half of the values are zero, or unknown. ``dynamic_range`` is the largest magnitude
    over the mean one, ``crest_factor`` over the root mean square; None where all are zero.
    """

    iqr: float | None
    mild_percent: float | None
    extreme_percent: float | None
    dynamic_range: float | None
    crest_factor: float | None


def outliers(distribution: Distribution, *, stop: Stop = never) -> Outliers:
    """Count outliers: from the table where there is one, else in one pass.

    Needs the quantiles of the summary. Raises LoadError and CancelledError.
    """
    summary = distribution.summary
    largest, finite = absolute_maximum(summary), summary.finite
    mean = _ratio(largest, summary.absolute_mean)
    crest = _ratio(largest, _root_mean_square(summary))
    quantiles = summary.quantiles
    if quantiles is None:
        return Outliers(None, None, None, mean, crest)
    low, high = float(quantiles[0.25]), float(quantiles[0.75])
    apart = high - low
    if not (apart > 0 and math.isfinite(apart)):
        return Outliers(apart, None, None, mean, crest)
    fences = [(low - far * apart, high + far * apart) for far in (MILD, EXTREME)]
    inside = count_ranges(distribution, fences, stop=stop)
    shares = [100.0 * (finite - counted.count) / finite for counted in inside]
    return Outliers(apart, shares[0], shares[1], mean, crest)


def _root_mean_square(summary: Summary) -> float | None:
    norm = summary.l2_norm
    if norm is None or summary.mean is None or summary.std is None or math.isfinite(norm):
        return None if norm is None else norm / math.sqrt(summary.finite)
    return math.hypot(summary.mean, summary.std)  # the norm of values near float64's largest


def _ratio(largest: float, average: float | None) -> float | None:
    return largest / average if average else None
