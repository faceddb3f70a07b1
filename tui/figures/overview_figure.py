"""The histograms of many tensors as one figure of small panels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from tensorpeek.loaders import LoadError
from tensorpeek.tui.figures.binned import Binned, binned
from tensorpeek.tui.figures.errors import FigureError
from tensorpeek.tui.figures.figure_options import PANELS
from tensorpeek.tui.figures.histogram_figure import draw_bars
from tensorpeek.tui.figures.lettering import lettered
from tensorpeek.tui.figures.page import MARGIN, Page, begin_page, fit_text, note_instead

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from tensorpeek.loaders import Tensor
    from tensorpeek.tui.figures.draft import Draft

PANEL_SIZE = (2.6, 1.75)
"""Inches of a panel."""

BESIDE, ABOVE, BELOW = 0.45, 0.24, 0.2
"""Inches of labels at the left of a panel, of its name, of labels beneath it."""


@dataclass(frozen=True, eq=False)
class Panel:
    """A tensor and its histogram, or the reason why there is none."""

    tensor: Tensor
    binned: Binned | None
    reason: str = ""


def panel_of(tensor: Tensor, draft: Draft) -> Panel:
    """Count the values of a tensor. Raises CancelledError."""
    view = draft.options.view if draft.options.view in tensor.views else "dequantized"
    try:
        return Panel(tensor, binned(tensor, view, draft))
    except FigureError as error:
        return Panel(tensor, None, error.reason)
    except LoadError as error:
        return Panel(tensor, None, tensor.error or error.reason)


def page_of(tensors: Sequence[Tensor], page: int) -> Sequence[Tensor]:
    """Return the tensors of a page, which counts from 1. Raises FigureError beyond the last one."""
    last = max(math.ceil(len(tensors) / PANELS), 1)
    if not 1 <= page <= last:
        raise FigureError(f"there are pages 1 to {last}" if last > 1 else "there is one page only")
    return tensors[(page - 1) * PANELS : page * PANELS]


def page_words(count: int, page: int) -> str:
    """Return which of ``count`` tensors a page shows."""
    first = (page - 1) * PANELS + 1
    last = min(page * PANELS, count)
    if count <= PANELS:
        return f"{count:,} tensor{'' if count == 1 else 's'}"
    pages = math.ceil(count / PANELS)
    return f"{first:,} to {last:,} of {count:,} tensors: page {page} of {pages}, {PANELS} on each"


def draw_overview(
    panels: Sequence[Panel], title: str, facts: Sequence[str], draft: Draft
) -> Figure:
    """Draw a panel for each tensor, in file order."""
    columns = min(max(math.ceil(math.sqrt(len(panels))), 1), 8)
    rows = max(math.ceil(len(panels) / columns), 1)
    size = (max(columns * PANEL_SIZE[0], 5.5) + 0.4, rows * PANEL_SIZE[1] + 1.0)
    page = begin_page(draft, title, facts, size=size)
    grid = _panels(page, rows, columns)
    width = (page.inches[0] - 0.6) / columns - 0.45
    for axes, panel in zip(grid.flat, panels, strict=False):
        _draw_panel(axes, panel, draft, width)
    for axes in grid.flat[len(panels) :]:
        axes.set_axis_off()
    return page.figure


def _panels(page: Page, rows: int, columns: int) -> NDArray[Any]:
    """Return axes with room for their labels, placed by hand: many of them take long otherwise."""
    width, height = page.inches
    top, bottom = page.top - ABOVE / height, page.bottom + BELOW / height
    each = (width - 2 * MARGIN + BESIDE) / columns - BESIDE
    high = ((top - bottom) * height + ABOVE + BELOW) / rows - ABOVE - BELOW
    found: NDArray[Any] = page.figure.subplots(
        rows,
        columns,
        squeeze=False,
        gridspec_kw={
            "left": (MARGIN + BESIDE - 0.1) / width,
            "right": 1 - (MARGIN - 0.1) / width,
            "top": top,
            "bottom": bottom,
            "wspace": BESIDE / max(each, 0.1),
            "hspace": (ABOVE + BELOW) / max(high, 0.1),
        },
    )
    return found


def _draw_panel(axes: Axes, panel: Panel, draft: Draft, width: float) -> None:
    from matplotlib.ticker import MaxNLocator

    name = axes.set_title("", fontsize=7.5, pad=3)
    if panel.binned is None:
        note_instead(axes, panel.reason, draft.theme)
    else:
        draw_bars(axes, panel.binned.histogram, draft.theme, log=draft.options.log, gap=0.25)
        axes.tick_params(labelsize=6.5, pad=1.5, length=2)
        axes.xaxis.set_major_locator(MaxNLocator(4))
        if not draft.options.log:
            axes.yaxis.set_major_locator(MaxNLocator(3))
    fit_text(name, lettered(panel.tensor.name), width)
