"""The range that is selected at first, as the texts that stand in its fields."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tensorpeek.tui.number_text import number

if TYPE_CHECKING:
    from tensorpeek.analysis import Summary

DIGITS = 6
"""Significant digits where the spread is as large as the mean."""


def default_range(summary: Summary) -> tuple[str, str] | None:
    """Return mean - std and mean + std as texts, None where there are no finite values.

    Six significant digits, or as many more as it takes to tell the two apart when the spread is
    small against the mean.
    """
    mean, std = summary.mean, summary.std
    if mean is None or std is None or not math.isfinite(mean) or not math.isfinite(std):
        return None
    ratio = abs(mean) / std if std > 0 else math.inf
    extra = math.ceil(math.log10(min(max(ratio, 1.0), 1e11)))
    return number(mean - std, DIGITS + extra), number(mean + std, DIGITS + extra)
