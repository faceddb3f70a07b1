"""What quantizing the whole model in one way would do, in a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tensorpeek.tui.number_text import percent
from tensorpeek.tui.risk.names import ratio_words, short_name

if TYPE_CHECKING:
    from tensorpeek.analysis.risk import Scheme
    from tensorpeek.tui.risk.model_risk import ModelRisk

ROOMY = 100
"""Columns from which the line has all its words."""


def what_if_words(risk: ModelRisk, scheme: Scheme, width: int) -> str:
    """Return ``int4 per group 128, symmetric: 3 of 74 below 30 dB, worst 12.3 dB NAME``.

    With how many are known while that is not all of them; shorter where ``width`` columns are
    too few.
    """
    total, known = len(risk.places), risk.surveyed(scheme)
    limit, tally = risk.limits.sqnr_db[-1], risk.tally(scheme)
    counted = f"{tally.below:,} of {total:,} {risk.noun} below {limit:g} dB"
    if width < ROOMY:
        counted = f"{tally.below:,}/{total:,} below {limit:g} dB"
    words = f"{scheme.words}: {counted}"
    if known < total:
        words += f" … measured {known:,} of {total:,}"
    if tally.worst is not None:
        worst, place = tally.worst
        words += f", worst {ratio_words(worst)} "
        words += short_name(risk.tensors[place].name, max(width - len(words), 8))
    return words


def progress_words(risk: ModelRisk, scheme: Scheme, cursor: int | None, state: str) -> str:
    """Return what is to be said about the work and about the tensor under the cursor.

    ``state`` is empty when the work is done, else it is put behind how far that has come.
    """
    parts = []
    if cursor is not None:
        name = short_name(risk.tensors[cursor].name, 34)
        mark = risk.mark(cursor, scheme)
        if cursor in risk.failures:
            parts.append(f"{name}: {risk.failures[cursor]}")
        elif mark is None:
            parts.append(f"{name}: not measured yet")
        else:
            extreme = "–" if mark.extreme_percent is None else percent(mark.extreme_percent)
            parts.append(f"{name}: {ratio_words(mark.sqnr_db)}, outliers {extreme}")
    broken = len(risk.broken_elsewhere())
    if broken:
        parts.append(f"NaN or inf in {broken:,} other tensors (x)")
    examined, total = risk.examined(), len(risk.places)
    if examined < total and state:
        parts.append(f"spectra {examined:,} of {total:,} {state}")
    return "  ".join(parts)


def health_words(risk: ModelRisk, cursor: int | None, *, ascii_only: bool) -> str:
    """Return all that is wrong with the tensor under the cursor and what to do about it.

    Empty for one that was not measured in full, or is fine.
    """
    diagnosis = None if cursor is None else risk.diagnoses.get(cursor)
    if diagnosis is None or not diagnosis.health.reasons:
        return ""
    arrow = "->" if ascii_only else "→"
    reasons, advice = (
        "; ".join(words) for words in (diagnosis.health.reasons, diagnosis.health.advice)
    )
    return f"{reasons} {arrow} {advice}" if advice else reasons
