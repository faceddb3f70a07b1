"""Tensors ranked by what their spectra say, worst first."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tensorpeek.analysis.risk import grade
from tensorpeek.tui.charts.axes import Axis
from tensorpeek.tui.number_text import number

if TYPE_CHECKING:
    from tensorpeek.analysis.diagnosis import Severity
    from tensorpeek.tui.risk.model_risk import ModelRisk


@dataclass(frozen=True)
class Ranked:
    """A tensor in a ranking: its measure, its severity, and the measure in words."""

    place: int
    value: float
    severity: Severity | None
    words: str


@dataclass(frozen=True)
class Ranking:
    """Tensors, worst first, on an axis with limits."""

    title: str
    rows: tuple[Ranked, ...]
    axis: Axis
    limits: tuple[float, ...]


def ranking_of(risk: ModelRisk, page: str) -> Ranking:
    """Return the ranking of the page ``condition`` or ``rank``, made once for what is known."""
    rank = _by_condition if page == "condition" else _by_rank
    return risk.kept(f"ranking by {page}", lambda: rank(risk))


def _by_condition(risk: ModelRisk) -> Ranking:
    """Rank tensors by their condition number; those without one are left out."""
    rows = []
    for place in risk.places:
        diagnosis = risk.diagnoses.get(place)
        found = None if diagnosis is None else diagnosis.spectrum
        if found is None or found.condition is None or min(found.rows, found.columns) < 2:
            continue
        side = min(found.rows, found.columns)
        words = number(found.condition, 4)
        if math.isinf(found.condition):
            words = f"rank {found.rank:,}/{side:,}"
        severity = grade(found.condition, risk.limits.condition_number)
        rows.append(Ranked(place, found.condition, severity, words))
    rows.sort(key=lambda row: (-row.value, row.place))
    finite = [row.value for row in rows if math.isfinite(row.value)]
    top = max([*finite, 10 * risk.limits.condition_number[-1]])
    title = _title(risk, "condition number σ1/σn", len(rows))
    return Ranking(title, tuple(rows), Axis(1.0, top, 1, log=True), risk.limits.condition_number)


def _by_rank(risk: ModelRisk) -> Ranking:
    """Rank tensors by the share of their rank that is in use, stable rank over full rank."""
    rows = []
    for place in risk.places:
        diagnosis = risk.diagnoses.get(place)
        found = None if diagnosis is None else diagnosis.spectrum
        if found is None or not found.largest or min(found.rows, found.columns) < 2:
            continue
        side = min(found.rows, found.columns)
        ratio = found.stable_rank / side
        severity = grade(ratio, risk.limits.stable_rank_ratio, falling=True)
        words = f"{ratio:.3f}  {number(found.stable_rank, 3)}/{side:,}"
        rows.append(Ranked(place, ratio, severity, words))
    rows.sort(key=lambda row: (row.value, row.place))
    title = _title(risk, "rank efficiency: stable rank / full rank", len(rows))
    return Ranking(title, tuple(rows), Axis(0.0, 1.0, 1), risk.limits.stable_rank_ratio)


def _title(risk: ModelRisk, measure: str, count: int) -> str:
    return f"{measure}, {count:,} of {len(risk.places):,} {risk.noun}, worst first"
