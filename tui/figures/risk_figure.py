"""What quantizing a model would cost: extreme outliers against SQNR, a dot for each tensor."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from tensorpeek.analysis.diagnosis import SEVERITIES
from tensorpeek.tui.figures.errors import FigureError
from tensorpeek.tui.figures.health_point import HealthPoint
from tensorpeek.tui.figures.labels import PointLabels
from tensorpeek.tui.figures.page import begin_page
from tensorpeek.tui.figures.scales import percent_text
from tensorpeek.tui.figures.tensor_words import model_facts

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from tensorpeek.loaders import Model
    from tensorpeek.tui.figures.draft import Draft
    from tensorpeek.tui.figures.theme import FigureTheme

SIZE = (9.5, 6.2)

LABELED = 10
"""Worst tensors that are named."""

LINEAR = 0.01
"""Percent of outliers up to which the axis is linear, so that it has a place for none."""


def draw_risk(points: Sequence[HealthPoint], model: Model, draft: Draft) -> Figure:
    """Draw the tensors that have both measures; the notes say what else there is.

    Raises FigureError when there is none.
    """
    shown = [point for point in points if _is_shown(point)]
    if not shown:
        raise FigureError("no tensor has both an SQNR and extreme outliers")
    options, theme = draft.options, draft.theme
    facts = [model_facts(model), f"{options.scheme.words}   ·   {_counts(shown)}"]
    page = begin_page(draft, model.name, facts, size=SIZE, notes=_left_out(points, len(shown)))
    page.arrange()
    axes = page.figure.subplots()
    limits = options.thresholds
    _set_axes(axes, shown, limits.sqnr_db)
    _draw_limits(axes, limits.sqnr_db, limits.extreme_outliers_percent, theme)
    for severity in SEVERITIES:
        group = [point for point in shown if point.severity == severity]
        if group:
            axes.scatter(
                [point.sqnr_db or 0.0 for point in group],
                [point.extreme_percent or 0.0 for point in group],
                s=34, color=theme.severities[severity], edgecolor=theme.ground, linewidth=0.6,
                label=f"{severity} ({len(group):,})", zorder=3 + SEVERITIES.index(severity),
            )  # fmt: skip
    axes.legend(loc="upper right", labelcolor=theme.ink, handletextpad=0.2)
    worst = sorted((p for p in shown if p.severity in SEVERITIES[2:]), key=lambda p: p.badness)
    page.figure.draw_without_rendering()
    dots = np.array([[p.sqnr_db or 0.0, p.extreme_percent or 0.0] for p in shown])
    PointLabels(axes, dots, theme).add(worst[:LABELED])
    return page.figure


def _is_shown(point: HealthPoint) -> bool:
    values = (point.sqnr_db, point.extreme_percent)
    return all(value is not None and math.isfinite(value) for value in values)


def _counts(points: Sequence[HealthPoint]) -> str:
    counts = Counter(point.severity for point in points)
    worst = [f"{counts[name]:,} {name}" for name in reversed(SEVERITIES) if counts[name]]
    return f"{len(points):,} tensor{'' if len(points) == 1 else 's'}: {', '.join(worst)}"


def _left_out(points: Sequence[HealthPoint], shown: int) -> list[str]:
    unread = sum(point.error is not None for point in points)
    without = len(points) - shown - unread
    words = []
    if without:
        words.append(f"{without:,} without a finite SQNR or without a share of outliers")
    if unread:
        words.append(f"{unread:,} not read")
    return [f"not drawn: {', '.join(words)}"] if words else []


def _set_axes(axes: Axes, points: Sequence[HealthPoint], limits: Sequence[float]) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

    ratios = [point.sqnr_db for point in points if point.sqnr_db is not None]
    ends = [*ratios, *limits]
    air = max((max(ends) - min(ends)) * 0.06, 2.0)
    axes.set_xlim(min(ends) - air, max(ends) + air)
    axes.xaxis.set_major_locator(MaxNLocator(10, steps=[1, 2, 5, 10]))
    axes.set_xlabel("SQNR in dB: more is better")
    axes.set_yscale("symlog", linthresh=LINEAR, linscale=0.4)
    axes.set_ylim(-0.15 * LINEAR, 140.0)
    axes.yaxis.set_major_locator(FixedLocator([0, 0.01, 0.1, 1, 10, 100]))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: percent_text(value)))
    axes.set_ylabel("extreme outliers: less is better")


def _draw_limits(
    axes: Axes, ratios: Sequence[float], shares: Sequence[float], theme: FigureTheme
) -> None:
    """Draw the thresholds, each in the color of what lies on its bad side."""
    for index, limit in enumerate(ratios):
        color = theme.severities[SEVERITIES[index + 1]]
        axes.axvline(limit, color=color, linewidth=1.0, linestyle=(0, (5, 3)), zorder=1)
        axes.annotate(
            f" {limit:g} dB", (limit, 1.0), (0, 3), xycoords=("data", "axes fraction"),
            textcoords="offset points", ha="center", fontsize=8, color=theme.muted,
        )  # fmt: skip
    for index, limit in enumerate(shares):
        color = theme.severities[SEVERITIES[index + 1]]
        axes.axhline(limit, color=color, linewidth=1.0, linestyle=(0, (5, 3)), zorder=1)
    ratios_end = float(np.min(ratios)) if len(ratios) else -np.inf
    low, high = axes.get_xlim()
    if ratios_end > low:
        color = theme.severities[SEVERITIES[len(ratios)]]
        axes.axvspan(low, min(ratios_end, high), color=color, alpha=0.06, linewidth=0, zorder=0)
    axes.set_xlim(low, high)
