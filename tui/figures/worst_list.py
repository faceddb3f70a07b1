"""The worst tensors with reasons and advice, as lines of text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tensorpeek.analysis.diagnosis import SEVERITIES
from tensorpeek.tui.figures.lettering import lettered
from tensorpeek.tui.figures.page import fit_text, unframe

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from tensorpeek.tui.figures.health_point import HealthPoint
    from tensorpeek.tui.figures.theme import FigureTheme

TOP = 10
"""Tensors that are listed."""

NAME_SHARE = 0.29
"""Share of the width that names take; reasons, and advice beneath them, have the rest."""


def worst_points(points: Sequence[HealthPoint]) -> list[HealthPoint]:
    """Return what needs care, worst first: unreadable tensors, then Critical, then Warning."""
    bad = [p for p in points if p.error is not None or p.severity in SEVERITIES[2:]]
    return sorted(bad, key=lambda point: (point.error is None, *point.badness))


def draw_worst(
    axes: Axes, points: Sequence[HealthPoint], theme: FigureTheme, inches: float
) -> None:
    """Write the worst tensors into axes of about ``inches`` width, each with what to do."""
    unframe(axes)
    axes.set_xlim(0, 1)
    bad = worst_points(points)
    axes.set_ylim(max(min(len(bad), TOP), 1), 0)
    title = "Tensors that need care" if bad else "Nothing to do: all is Excellent or Good"
    if len(bad) > TOP:
        title = f"The worst {TOP} of {len(bad):,} tensors that need care"
    axes.set_title(title)
    for row, point in enumerate(bad[:TOP]):
        severity = point.severity or "Critical"
        axes.plot(
            [0.006], [row + 0.3], marker="o", markersize=6, color=theme.severities[severity],
            clip_on=False,
        )  # fmt: skip
        reasons = point.error or "; ".join(point.reasons)
        told = (
            (0.017, row + 0.3, NAME_SHARE - 0.03, point.name, theme.ink, "bold"),
            (NAME_SHARE, row + 0.3, 1 - NAME_SHARE, reasons, theme.ink, "normal"),
            (NAME_SHARE, row + 0.7, 1 - NAME_SHARE, _arrow(point.advice), theme.muted, "normal"),
        )
        for left, upright, share, words, color, weight in told:
            text = axes.text(left, upright, "", fontsize=8, color=color, fontweight=weight)
            text.set_verticalalignment("center")
            text.set_in_layout(False)
            fit_text(text, lettered(words), share * inches, cut_end=words is not point.name)


def _arrow(advice: Sequence[str]) -> str:
    return f"→ {'; '.join(advice)}" if advice else ""
