"""The health of a model on one page: severities, five measures, the ten worst and why."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tensorpeek.analysis.diagnosis import SEVERITIES
from tensorpeek.analysis.risk import grade
from tensorpeek.tui.figures.errors import FigureError
from tensorpeek.tui.figures.health_point import HealthPoint
from tensorpeek.tui.figures.page import begin_page, note_instead, unframe
from tensorpeek.tui.figures.scales import log_axis
from tensorpeek.tui.figures.tensor_words import model_facts
from tensorpeek.tui.figures.worst_list import TOP, draw_worst, worst_points

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from tensorpeek.analysis.diagnosis import Thresholds
    from tensorpeek.loaders import Model
    from tensorpeek.tui.figures.draft import Draft
    from tensorpeek.tui.figures.theme import FigureTheme

WIDTH, HEIGHT, ROW = 12.0, 6.2, 0.4
"""Inches of a page with an empty list, and of a line in the list."""

BINS = 24


@dataclass(frozen=True)
class MeasurePanel:
    """A measure of all tensors: ``limits`` go from Excellent on, with ``falling`` more is better.

    The axis goes from ``low`` to ``high``; what lies beyond stands in the outer bins.
    """

    title: str
    values: tuple[float, ...]
    limits: tuple[float, ...]
    low: float
    high: float
    log: bool = False
    falling: bool = False


def draw_dashboard(points: Sequence[HealthPoint], model: Model, draft: Draft) -> Figure:
    """Draw six panels and the list of the worst. Raises FigureError without tensors."""
    if not points:
        raise FigureError("there are no tensors to judge")
    options, theme = draft.options, draft.theme
    unread = sum(point.error is not None for point in points)
    told = f"{len(points):,} tensor{'' if len(points) == 1 else 's'} measured"
    told += f", {unread:,} not read" if unread else ""
    facts = [model_facts(model), told]
    listed = len(worst_points(points)[:TOP])
    size = (WIDTH, HEIGHT + ROW * listed)
    page = begin_page(draft, model.name, facts, size=size)
    page.arrange()
    grid = page.figure.add_gridspec(3, 3, height_ratios=(1, 1, max(ROW * listed / 2.1, 0.05)))
    _draw_severities(page.figure.add_subplot(grid[0, 0]), points, theme)
    panels = measure_panels(points, options.thresholds)
    for place, panel in enumerate(panels, start=1):
        _draw_measure(page.figure.add_subplot(grid[place // 3, place % 3]), panel, theme)
    draw_worst(page.figure.add_subplot(grid[2, :]), points, theme, page.inches[0] - 0.7)
    return page.figure


def measure_panels(points: Sequence[HealthPoint], limits: Thresholds) -> list[MeasurePanel]:
    """Return the five measures with the ends of their axes."""
    ratios = _known(point.sqnr_db for point in points)
    finite = [ratio for ratio in ratios if math.isfinite(ratio)]
    low = math.floor(min([*finite, limits.sqnr_db[-1] - 5]) / 10) * 10.0
    high = math.ceil(max([*finite, limits.sqnr_db[0] + 5]) / 10) * 10.0
    conditions = _known(point.condition for point in points)
    return [
        MeasurePanel("SQNR in dB", ratios, limits.sqnr_db, low, high, falling=True),
        MeasurePanel(
            "Extreme outliers in %",
            _known(point.extreme_percent for point in points),
            limits.extreme_outliers_percent,
            1e-3,
            100.0,
            log=True,
        ),
        MeasurePanel("Condition number", conditions, limits.condition_number, 1.0, 1e8, log=True),
        MeasurePanel(
            "Stable rank / smaller side",
            _known(point.rank_ratio for point in points),
            limits.stable_rank_ratio,
            0.0,
            1.0,
            falling=True,
        ),
        MeasurePanel("Zeros in %", _known(point.zeros_percent for point in points), (), 0.0, 100.0),
    ]


def _known(values: Iterable[float | None]) -> tuple[float, ...]:
    return tuple(value for value in values if value is not None and not math.isnan(value))


def _draw_severities(axes: Axes, points: Sequence[HealthPoint], theme: FigureTheme) -> None:
    """Draw how many tensors have which severity, and their share."""
    counts = Counter(point.severity for point in points)
    numbers = [counts[severity] for severity in SEVERITIES]
    axes.set_title("Health")
    colors = [theme.severities[severity] for severity in SEVERITIES]
    axes.barh(range(len(SEVERITIES)), numbers, color=colors, height=0.62)
    unframe(axes)
    axes.invert_yaxis()
    axes.set_xlim(0, max([*numbers, 1]) * 1.35)
    axes.set_yticks(range(len(SEVERITIES)), SEVERITIES)
    axes.tick_params(axis="y", labelcolor=theme.ink, length=0)
    judged = max(sum(numbers), 1)
    for row, count in enumerate(numbers):
        axes.annotate(
            f"{count:,}  ({100 * count / judged:.0f} %)", (count, row), (5, 0),
            textcoords="offset points", va="center", fontsize=8.5,
        )  # fmt: skip


def _draw_measure(axes: Axes, panel: MeasurePanel, theme: FigureTheme) -> None:
    """Draw how a measure is distributed, in the colors of severities, and the limits between."""
    axes.set_title(panel.title)
    if not panel.values:
        note_instead(axes, "not measured", theme)
        return
    if panel.log:
        edges = np.geomspace(panel.low, panel.high, BINS + 1)
    else:
        edges = np.linspace(panel.low, panel.high, BINS + 1)
    counts, _ = np.histogram(np.clip(panel.values, panel.low, panel.high), edges)
    middles = np.sqrt(edges[:-1] * edges[1:]) if panel.log else (edges[:-1] + edges[1:]) / 2
    grades = [grade(float(value), panel.limits, falling=panel.falling) for value in middles]
    colors = [
        theme.outside if not panel.limits or severity is None else theme.severities[severity]
        for severity in grades
    ]
    axes.bar(
        edges[:-1], counts, np.diff(edges), align="edge", color=colors, edgecolor=theme.ground,
        linewidth=0.6,
    )  # fmt: skip
    for limit in panel.limits:
        if panel.low < limit < panel.high:
            axes.axvline(limit, color=theme.muted, linewidth=0.8, linestyle=(0, (3, 3)))
    if panel.log:
        log_axis(axes, "x")
    axes.set_xlim(panel.low, panel.high)
    axes.set_ylim(0, max(int(counts.max()), 1) * 1.1)
    _whole_counts(axes)


def _whole_counts(axes: Axes) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.set_ylabel("tensors", fontsize=8)
