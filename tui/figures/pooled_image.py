"""An image of pooled values on a page, with its color bar, and what is to be said about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tensorpeek.analysis.heatmap import Curve, Pooled, scaling_of
from tensorpeek.tui.figures.boxes import Box, axes_in, bar_axes
from tensorpeek.tui.figures.coloring import (
    Coloring,
    color_map,
    draw_color_bar,
    draw_values,
    marks_words,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from tensorpeek.tui.figures.draft import Draft
    from tensorpeek.tui.figures.page import Page

MODE_WORDS = {
    "absmax": "the value farthest from zero",
    "mean": "the mean",
    "max": "the largest value",
    "min": "the smallest value",
}


def draw_pooled(
    pooled: Pooled,
    draft: Draft,
    where: tuple[Page, Box],
    curve: Curve,
    extent: tuple[float, float, float, float] | None = None,
) -> Axes:
    """Draw cells in a box of a page, and a color bar beside it; return the axes of the cells.

    ``curve`` scales the colors unless the options do. Raises FigureError for an unknown color map.
    """
    page, box = where
    options = draft.options
    values = pooled.shown(options.mode)
    scaling = scaling_of(values, options.scaling or curve)
    coloring = Coloring(color_map(options.colormap, draft.theme), scaling)
    axes = axes_in(page, box)
    draw_values(axes, values, coloring, extent=extent, holds=pooled.holds)
    draw_color_bar(bar_axes(page, box), coloring)
    return axes


def pooled_words(pooled: Pooled, canvas: tuple[int, int], mode: str, unit: str) -> list[str]:
    """Say what a pixel stands for where it is more than one ``unit``, and what is not finite."""
    words, what = [], "place"
    if pooled.shape != canvas:
        rows, columns = (all_of / own for all_of, own in zip(canvas, pooled.shape, strict=True))
        words.append(f"a pixel is {MODE_WORDS[mode]} of {rows:.3g} × {columns:.3g} {unit}s")
        what = "pixel"
    infinite = np.count_nonzero((pooled.above + pooled.below > 0) & (pooled.nan == 0))
    return words + marks_words(int(np.count_nonzero(pooled.nan)), int(infinite), what)
