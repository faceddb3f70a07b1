"""The distributions of several tensors over each other as a figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tensorpeek.analysis import Distribution, Edges, Histogram, measure, uniform_edges
from tensorpeek.analysis.comparison import common_edges
from tensorpeek.tui.command.measured import absence
from tensorpeek.tui.figures.binned import bins_words
from tensorpeek.tui.figures.errors import FigureError
from tensorpeek.tui.figures.lettering import lettered, shortened
from tensorpeek.tui.figures.page import begin_page
from tensorpeek.tui.figures.scales import RAISED, drawn, drawn_power, percent_axis
from tensorpeek.tui.file_names import shown_name
from tensorpeek.tui.overlay.marks import ON_DARK, ON_LIGHT
from tensorpeek.tui.overlay.overlaid import MOST, Marked, labeled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from tensorpeek.loaders import Tensor
    from tensorpeek.tui.figures.draft import Draft

DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1, 1.2)), (0, (6, 2, 1, 2)), (0, (9, 3)), "-")
"""Lines that differ where colors do not print; the last one is thinner."""

SHORT, LONGEST = 36, 80
"""Letters of names up to which there are two columns of them, and letters that are shown."""


@dataclass(frozen=True, eq=False)
class Together:
    """The histograms of tensors over the same bins."""

    marked: Sequence[Marked]
    histograms: Sequence[Histogram]


def counted_together(tensors: Sequence[Tensor], draft: Draft) -> Together:
    """Count 2 to 6 tensors, dequantized, in the same bins.

    Raises FigureError for other numbers of tensors, for options that an overlay has no use for and
    without finite values, LoadError and CancelledError.
    """
    options = draft.options
    if not 2 <= len(tensors) <= MOST:
        raise FigureError(f"an overlay shows 2 to {MOST} tensors, these are {len(tensors):,}")
    if options.both or options.selection is not None or options.view == "raw":
        raise FigureError("an overlay shows dequantized values, without a range")
    marked = labeled([(Path(tensor.source), tensor) for tensor in tensors])
    distributions: list[Distribution] = []
    for one in marked:
        found = measure(one.tensor, stop=draft.stop, progress=draft.progress, quantiles=False)
        reason = absence(found.summary)
        if reason is not None:
            raise FigureError(f"{one.label}: {reason}")
        distributions.append(found)
    edges = _edges(tensors, distributions, draft)
    return Together(marked, [each.histogram(edges, stop=draft.stop) for each in distributions])


def _edges(tensors: Sequence[Tensor], distributions: Sequence[Distribution], draft: Draft) -> Edges:
    options = draft.options
    if options.limits is not None:
        return uniform_edges(*options.limits, options.bins)
    return common_edges(tensors, distributions, options.bins)


def draw_overlay(together: Together, draft: Draft) -> Figure:
    """Draw an outline for each tensor."""
    name = ", ".join(dict.fromkeys(shown_name(one.path) for one in together.marked))
    words = bins_words(together.histograms[0]).partition(", not drawn")[0]
    facts = [f"{len(together.marked)} tensors over the same {words}, dequantized"]
    page = begin_page(draft, name, facts, size=(8.0, 4.8))
    page.arrange()
    axes = page.figure.subplots()
    power = _draw_outlines(axes, together, draft)
    unit = f" in 10{str(power).translate(RAISED)}" if power else ""
    axes.set_xlabel(f"value{unit}")
    axes.set_ylabel("percent of each tensor's parameters")
    columns = 2 if max(len(one.label) for one in together.marked) <= SHORT else 1
    page.figure.legend(
        loc="outside lower center", ncols=columns, labelcolor=draft.theme.ink, handlelength=3.0
    )
    return page.figure


def _draw_outlines(axes: Axes, together: Together, draft: Draft) -> int:
    """Draw the lines and the legend; return the power of ten that is the unit of the x axis."""
    edges = together.histograms[0].edges.values
    power = drawn_power(edges)
    shown = drawn(edges, power)
    colors = ON_DARK if draft.theme.is_dark else ON_LIGHT
    for place, (one, histogram) in enumerate(
        zip(together.marked, together.histograms, strict=True)
    ):
        beyond = histogram.below + histogram.above
        rest = f", {beyond:,} not drawn" if beyond else ""
        label = f"{shortened(one.label, LONGEST)}  {one.tensor.dtype}, {one.tensor.params:,}{rest}"
        axes.stairs(
            histogram.percent,
            shown,
            color=colors[place],
            linestyle=DASHES[place],
            linewidth=0.9 if place == MOST - 1 else 1.5,
            label=lettered(label),
        )
    axes.set_xlim(shown[0], shown[-1])
    _scale_percent(axes, together.histograms, log=draft.options.log)
    return power


def _scale_percent(axes: Axes, histograms: Sequence[Histogram], *, log: bool) -> None:
    percent_axis(axes, log=log)
    shares = np.concatenate([histogram.percent for histogram in histograms])
    highest = float(shares.max(initial=0.0))
    if not highest:
        axes.set_ylim(0.5 if log else 0.0, 1.0)
    elif log:
        axes.set_ylim(float(shares[shares > 0].min()) / 2, highest * 4.0)
    else:
        axes.set_ylim(0.0, highest * 1.06)
