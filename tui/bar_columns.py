"""Which columns of characters the bars of a picture take."""

from __future__ import annotations

EIGHTHS = " ▁▂▃▄▅▆▇█"
"""A cell that is filled from below by so many eighths."""

LABELS = 6
"""Width of the labels on a y axis: the same for every drawing, so that redraws do not jump."""

LEFT = LABELS + 1
"""Columns taken by those labels and the axis."""

MIN_USE = 0.8
"""Share of the width that bars of equal columns must fill; below, bars get unequal columns."""


def bar_starts(bars: int, columns: int) -> tuple[int, ...]:
    """Return the first column of each of ``bars`` bars side by side, and one end."""
    each = columns // bars
    if each * bars >= MIN_USE * columns:
        return tuple(range(0, each * bars + 1, each))
    return tuple(bar * columns // bars for bar in range(bars + 1))
