"""What the histogram screen asks of the analysis: records that are compared by value."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tensorpeek.loaders import View

MIN_BINS, MAX_BINS, BINS_STEP, DEFAULT_BINS = 10, 200, 5, 50
"""Limits of the number of bins, its step and its default."""


@dataclass(frozen=True)
class Subject:
    """One tensor of one model in one view."""

    path: Path
    name: str
    view: View


@dataclass(frozen=True)
class Question:
    """How to count a subject: number of bins, and the closed range that is selected.

    ``selection`` is None until the subject's own default (mean - std to mean + std) is known.
    """

    subject: Subject
    bins: int = DEFAULT_BINS
    selection: tuple[float, float] | None = None
