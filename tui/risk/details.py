"""What is known of one tensor, and the worst of all, as rows of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tensorpeek.tui.number_text import number, percent
from tensorpeek.tui.risk.names import ratio_words, severity_mark, short_name
from tensorpeek.tui.statistics_table import Row, Section

if TYPE_CHECKING:
    from tensorpeek.analysis.diagnosis import Diagnosis
    from tensorpeek.analysis.risk import Scheme
    from tensorpeek.tui.risk.marks import Mark
    from tensorpeek.tui.risk.model_risk import ModelRisk

WORST = 10
"""How many of the worst are listed."""


def place_sections(risk: ModelRisk, place: int, scheme: Scheme) -> list[Section]:
    """Return what is known of the tensor at a place."""
    if place in risk.failures:
        return [(Row("not read", risk.failures[place], loud=True, is_prose=True),)]
    mark, diagnosis = risk.mark(place, scheme), risk.diagnoses.get(place)
    look = risk.looks.get(place)
    rows = []
    if mark is not None:
        rows += [
            Row("SQNR", ratio_words(mark.sqnr_db)),
            Row("extreme outliers", share_words(mark.extreme_percent)),
            Row("risk of scheme", mark.severity or "–", loud=mark.severity == "Critical"),
        ]
    if look is not None:
        rows.append(Row("zeros", share_words(look.zeros_percent)))
    if look is not None and look.broken:
        rows.append(Row("not finite", f"{look.broken:,}", loud=True))
    sections = [tuple(rows)] if rows else []
    return sections + ([] if diagnosis is None else _diagnosed(diagnosis))


def share_words(share: float | None) -> str:
    """Return a percentage, a dash where there is none."""
    return "–" if share is None else percent(share)


def _diagnosed(diagnosis: Diagnosis) -> list[Section]:
    health = diagnosis.health
    rows = [Row("health", health.severity or "–", loud=health.severity == "Critical")]
    found = diagnosis.spectrum
    if found is not None:
        side = min(found.rows, found.columns)
        rows += [
            Row("condition", number(found.condition, 4)),
            Row("stable rank", f"{number(found.stable_rank, 4)} of {side:,}"),
        ]
    elif "spectral" in diagnosis.absent:
        rows.append(Row("spectrum", diagnosis.absent["spectral"], is_prose=True))
    told = [Row("because", reason, is_prose=True) for reason in health.reasons]
    told += [Row("advice", advice, is_prose=True) for advice in health.advice]
    return [tuple(rows), tuple(told)] if told else [tuple(rows)]


def worst_section(risk: ModelRisk, marks: list[Mark], *, ascii_only: bool) -> Section:
    """Return the worst tensors, one to a row."""
    return tuple(
        Row(
            f"{severity_mark(mark.severity, ascii_only=ascii_only)} {ratio_words(mark.sqnr_db)}",
            short_name(risk.tensors[mark.place].name, 17),
        )
        for mark in marks[:WORST]
    )
