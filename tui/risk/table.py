"""The measures of a model's tensors as lines of text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tensorpeek.tui.number_text import number

if TYPE_CHECKING:
    from tensorpeek.analysis.risk import Scheme
    from tensorpeek.tui.risk.model_risk import ModelRisk

COLUMNS = (
    "tensor",
    "sqnr_db",
    "extreme_outliers_percent",
    "condition",
    "stable_rank",
    "health",
    "reasons",
    "advice",
)


def risk_table(risk: ModelRisk, scheme: Scheme, order: Sequence[int]) -> str:
    """Return a line for each tensor, in an order, with tabs between; what is unknown is empty."""
    lines = [scheme.words, "\t".join(COLUMNS)]
    lines += ["\t".join(_cells(risk, scheme, place)) for place in order]
    return "\n".join(lines) + "\n"


def _cells(risk: ModelRisk, scheme: Scheme, place: int) -> list[str]:
    mark, diagnosis = risk.mark(place, scheme), risk.diagnoses.get(place)
    found = None if diagnosis is None else diagnosis.spectrum
    health = None if diagnosis is None else diagnosis.health
    numbers = [
        None if mark is None else mark.sqnr_db,
        None if mark is None else mark.extreme_percent,
        None if found is None else found.condition,
        None if found is None else found.stable_rank,
    ]
    return [
        risk.tensors[place].name,
        *("" if each is None else number(each, 6) for each in numbers),
        (health.severity or "") if health else "",
        "; ".join(health.reasons) if health else "",
        "; ".join(health.advice) if health else "",
    ]
