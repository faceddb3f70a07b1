"""How the measures of a model's tensors are distributed: counts in a few bins."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tensorpeek.analysis.risk import Scheme, grade
from tensorpeek.tui.charts.axes import Axis

if TYPE_CHECKING:
    from tensorpeek.analysis.diagnosis import Severity
    from tensorpeek.tui.risk.model_risk import ModelRisk


@dataclass(frozen=True)
class MeasureBins:
    """Counts of a measure in equal bins of an axis; what lies beyond is in the outer ones.

    ``severities`` are those of the middles of the bins, None where a measure is not judged.
    """

    title: str
    axis: Axis
    counts: tuple[int, ...]
    severities: tuple[Severity | None, ...]

    @property
    def total(self) -> int:
        """How many tensors have the measure."""
        return sum(self.counts)


def model_bins(risk: ModelRisk, scheme: Scheme, bins: int) -> list[MeasureBins]:
    """Return the distributions of SQNR, outliers, condition, rank ratio and zeros, each in bins."""
    return risk.kept(f"{bins} bins, {scheme.words}", lambda: _model_bins(risk, scheme, bins))


def _model_bins(risk: ModelRisk, scheme: Scheme, bins: int) -> list[MeasureBins]:
    looks = [risk.looks[place] for place in risk.places if place in risk.looks]
    key = scheme.key
    ratios = [risk.ratios.get((place, key)) for place in risk.places]
    spectra = [
        diagnosis.spectrum
        for place in risk.places
        if (diagnosis := risk.diagnoses.get(place)) is not None and diagnosis.spectrum is not None
    ]
    spectra = [found for found in spectra if min(found.rows, found.columns) > 1 and found.largest]
    limits = risk.limits
    shares = [found.stable_rank / min(found.rows, found.columns) for found in spectra]
    return [
        _binned("SQNR dB", ratios, _span(ratios, bins), limits.sqnr_db, falling=True),
        _binned(
            "outliers %",
            [look.extreme_percent for look in looks],
            Axis(1e-3, 100.0, bins, log=True),
            limits.extreme_outliers_percent,
        ),
        _binned(
            "condition",
            [found.condition for found in spectra],
            Axis(1.0, 1e8, bins, log=True),
            limits.condition_number,
        ),
        _binned("rank ratio", shares, Axis(0.0, 1.0, bins), limits.stable_rank_ratio, falling=True),
        _binned("zeros %", [look.zeros_percent for look in looks], Axis(0.0, 100.0, bins), ()),
    ]


def _span(ratios: Iterable[float | None], bins: int) -> Axis:
    finite = [ratio for ratio in ratios if ratio is not None and math.isfinite(ratio)]
    low = math.floor(min([*finite, 20.0]) / 10) * 10
    high = math.ceil(max([*finite, 50.0]) / 10) * 10
    return Axis(float(low), float(high), bins)


def _binned(
    title: str,
    values: Iterable[float | None],
    axis: Axis,
    limits: Sequence[float],
    *,
    falling: bool = False,
) -> MeasureBins:
    counts = [0] * axis.length
    for value in values:
        if value is not None and not math.isnan(value):
            clipped = min(max(value, axis.low), axis.high)
            counts[axis.cell(clipped)] += 1
    middles = [_value_at(axis, (place + 0.5) / axis.length) for place in range(axis.length)]
    severities = [grade(middle, limits, falling=falling) if limits else None for middle in middles]
    return MeasureBins(title, axis, tuple(counts), tuple(severities))


def _value_at(axis: Axis, share: float) -> float:
    if axis.log:
        return axis.low * math.pow(axis.high / axis.low, share)
    return axis.low + (axis.high - axis.low) * share
