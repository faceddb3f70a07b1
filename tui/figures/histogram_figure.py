"""The histogram of a tensor as a figure; of both views side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tensorpeek.tui.figures.binned import Binned, bins_words, range_words
from tensorpeek.tui.figures.page import begin_page
from tensorpeek.tui.figures.scales import RAISED, drawn, drawn_power, percent_axis
from tensorpeek.tui.figures.tensor_words import summary_words, tensor_facts

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from tensorpeek.analysis import Histogram
    from tensorpeek.tui.figures.draft import Draft
    from tensorpeek.tui.figures.theme import FigureTheme

SEPARATE = 130
"""Bars up to which there is a gap between them."""

NO_RANGE = "the range has no one place among codes of several scales"
"""What is said beside stored integers whose scales differ."""

AXIS_NAMES = {"raw": "stored integer", "dequantized": "value"}


def draw_histogram(parts: Sequence[Binned], draft: Draft) -> Figure:
    """Draw one view of a tensor, or two beside each other."""
    first, options = parts[0], draft.options
    view = first.view if len(parts) == 1 else None
    facts = [tensor_facts(first.tensor, view, draft.model)]
    if view is not None:
        facts.append(summary_words(first.summary))
    size = (8.0, 4.8) if view is not None else (12.5, 4.8)
    page = begin_page(draft, first.tensor.name, facts, size=size)
    page.arrange()
    for axes, part in zip(
        page.figure.subplots(1, len(parts), squeeze=False)[0], parts, strict=True
    ):
        power = draw_bars(axes, part.histogram, draft.theme, log=options.log)
        name = AXIS_NAMES[part.view] if part.tensor.quantization is not None else "value"
        unit = f" in 10{str(power).translate(RAISED)}" if power else ""
        axes.set_xlabel(f"{name}{unit}   ({bins_words(part.histogram)})")
        if view is None:
            words = f"{name}s:  {summary_words(part.summary)}"
            axes.set_title(words, fontweight="normal", fontsize=8.5, pad=10)
        if part.in_range is not None:
            _tell_range(axes, part, draft.theme, power)
        elif options.selection is not None:
            _tell_no_range(axes, draft.theme)
    page.figure.axes[0].set_ylabel("percent of parameters")
    return page.figure


def draw_bars(
    axes: Axes, histogram: Histogram, theme: FigureTheme, *, log: bool, gap: float = 0.5
) -> int:
    """Draw a bar for each bin; what is in the selected range is orange, the rest gray above it.

    Returns the power of ten that is the unit of the x axis: 0 unless it would overflow.
    """
    edges, percent = histogram.edges.values, histogram.percent
    power = drawn_power(edges)
    edges = drawn(edges, power)
    chosen: NDArray[np.float64] = percent
    if histogram.selected is not None:
        chosen = np.asarray(histogram.selected * (100.0 / max(histogram.total, 1)))
    look: dict[str, Any] = {
        "align": "edge",
        "linewidth": gap if percent.size <= SEPARATE else 0.0,
        "edgecolor": theme.ground,
    }
    widths = np.diff(edges)
    axes.bar(edges[:-1], chosen, widths, color=theme.inside, **look)
    if histogram.selected is not None:
        axes.bar(edges[:-1], percent - chosen, widths, chosen, color=theme.outside, **look)
    axes.set_xlim(edges[0], edges[-1])
    axes.margins(x=0.01)
    percent_axis(axes, log=log)
    highest = float(percent.max(initial=0.0))
    if not highest:
        axes.set_ylim(0.5 if log else 0.0, 1.0)
    elif log:
        air = 1.6 if histogram.selected is None else 4.0
        axes.set_ylim(float(percent[percent > 0].min()) / 2, highest * air)
    else:
        axes.set_ylim(0.0, highest * (1.06 if histogram.selected is None else 1.16))
    return power


def _tell_no_range(axes: Axes, theme: FigureTheme) -> None:
    """Say why the range of the values is none of their codes."""
    axes.annotate(
        NO_RANGE, (0.0, 1.0), (6, -6), xycoords="axes fraction", textcoords="offset points",
        va="top", fontsize=8, color=theme.muted,
    )  # fmt: skip


def _tell_range(axes: Axes, part: Binned, theme: FigureTheme, power: int) -> None:
    """Say what the orange bars are, and mark the ends of the range."""
    if part.in_range is None:
        return
    axes.legend(
        axes.containers[:1], [range_words(part.in_range)], loc="upper left",
        borderaxespad=0.2, handlelength=1.0, labelcolor=theme.ink,
    )  # fmt: skip
    for bound in drawn(np.array([part.in_range.low, part.in_range.high]), power).tolist():
        if axes.get_xlim()[0] < bound < axes.get_xlim()[1]:
            axes.axvline(bound, color=theme.muted, linewidth=0.8, linestyle=(0, (4, 3)))
