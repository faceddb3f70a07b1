"""Short names and marks of tensors and severities."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tensorpeek.analysis.diagnosis import Severity

SHAPES = {"Excellent": "•", "Good": "●", "Warning": "▲", "Critical": "◆"}
"""The mark of each severity: shapes tell them apart without color."""

LETTERS = {"Excellent": "e", "Good": "g", "Warning": "w", "Critical": "C"}
"""The marks in ASCII."""

UNKNOWN = "?"
"""The mark of a tensor that could not be judged."""


def severity_mark(severity: Severity | None, *, ascii_only: bool) -> str:
    """Return the letter of one cell that stands for a severity."""
    return UNKNOWN if severity is None else (LETTERS if ascii_only else SHAPES)[severity]


def short_name(name: str, width: int) -> str:
    """Return the end of a tensor's name, from a dot on if it is cut, without ``.weight``."""
    bare = name.removesuffix(".weight")
    if len(bare) <= width:
        return bare
    end = bare[-(width - 1) :]
    place = end.find(".")
    return "…" + (end[place + 1 :] if 0 <= place < len(end) // 2 else end)


def ratio_words(ratio: float | None) -> str:
    """Return an SQNR in words; ``exact`` where rounding changes nothing."""
    if ratio is None:
        return "–"
    return "exact" if ratio == float("inf") else f"{ratio:.1f} dB"
