"""The filters of a convolution as tiles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tensorpeek.analysis.diagnosis import UnmeasurableError
from tensorpeek.analysis.heatmap import scaling_of
from tensorpeek.analysis.kernels import (
    Filters,
    Kernel,
    KernelLayout,
    kernel_layout,
    possible_layouts,
    read_filters,
)
from tensorpeek.tui.figures.boxes import Box, axes_in, bar_axes, fitted, image_box, suited_size
from tensorpeek.tui.figures.coloring import (
    Coloring,
    color_map,
    draw_color_bar,
    draw_values,
)
from tensorpeek.tui.figures.errors import FigureError
from tensorpeek.tui.figures.page import Page, begin_page, unframe
from tensorpeek.tui.figures.tensor_words import tensor_facts
from tensorpeek.tui.figures.tiles import Tiles, lay_out

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from tensorpeek.loaders import Model, Tensor
    from tensorpeek.tui.figures.draft import Draft
    from tensorpeek.tui.figures.figure_options import FigureOptions

MODE_WORDS = {
    "mean": "the mean over its inputs",
    "peak": "the largest magnitude over its inputs",
    "each": "its inputs side by side",
}

RATIO, MOST_TILES = 1.5, 4096
"""Columns to a row of a page that may choose, and tiles that it makes room for."""

NUMBERED = 40
"""Rows of tiles up to which each is numbered."""


def layout_of(tensor: Tensor, model: Model | None) -> KernelLayout | None:
    """Return the order of a kernel's axes, None for a tensor that is no convolution's weight."""
    if model is not None:
        return kernel_layout(tensor, model)
    possible = possible_layouts(tensor.shape)
    return possible[0] if possible and tensor.params else None


def draw_kernels(tensor: Tensor, draft: Draft) -> Figure:
    """Read a kernel once and draw a tile for each filter.

    Raises FigureError for what is no kernel, LoadError and CancelledError.
    """
    layout = layout_of(tensor, draft.model)
    options = draft.options
    if layout is None:
        raise FigureError("is no convolution's kernel")
    colors = color_map(options.colormap, draft.theme)
    try:
        kernel = Kernel(tensor, options.view, layout)
        filters = read_filters(kernel, stop=draft.stop, progress=draft.progress)
    except UnmeasurableError as error:
        raise FigureError(error.reason) from error
    maps = filter_maps(filters, options)
    page, box = _page(tensor, filters, maps.shape, draft)
    most = box.columns * box.rows // ((maps.shape[1] + 1) * (maps.shape[2] + 1))
    tiles = lay_out(maps, RATIO if options.size is None else box.columns / box.rows, most)
    scaling = scaling_of(tiles.values[tiles.holds], options.scaling or "linear")
    coloring = Coloring(colors, scaling)
    box = fitted(box, *tiles.values.shape, most=100.0)
    axes = axes_in(page, box)
    axes.set_facecolor(draft.theme.faint)
    draw_values(axes, tiles.values, coloring, holds=tiles.holds)
    _number(axes, tiles)
    page.tell(_words(filters, tiles, options))
    draw_color_bar(bar_axes(page, box), coloring)
    return page.figure


def filter_maps(filters: Filters, options: FigureOptions) -> NDArray[np.float64]:
    """Return a map for each filter, (F, H, W); the depths of a volume lie beside each other."""
    if options.kernel_mode == "each":
        if filters.values is None:
            raise FigureError("too large to show every input")
        values = filters.values.astype(np.float64)
        count, inputs, depth, height, width = values.shape
        if (height, width) == (1, 1):
            return _wrapped(values.reshape(count, inputs * depth))
        turned = values.transpose(0, 3, 1, 2, 4)
        return turned.reshape(count, height, inputs * depth * width)
    maps = filters.mean if options.kernel_mode == "mean" else filters.peak
    count, depth, height, width = maps.shape
    return maps.transpose(0, 2, 1, 3).reshape(count, height, depth * width)


def _wrapped(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the inputs of pointwise filters in rows, as square as whole rows allow."""
    count, inputs = rows.shape
    height = next(side for side in range(int(np.sqrt(inputs)), 0, -1) if inputs % side == 0)
    return rows.reshape(count, height, inputs // height)


def _page(
    tensor: Tensor, filters: Filters, shape: tuple[int, ...], draft: Draft
) -> tuple[Page, Box]:
    depth, height, width = filters.sides
    sides = f"{height} × {width}" if depth == 1 else f"{depth} × {height} × {width}"
    told = f"{filters.count:,} filters of {filters.inputs:,} × {sides}, {filters.layout.name}"
    facts = [tensor_facts(tensor, draft.options.view, draft.model), told]
    rough = lay_out(np.zeros((min(shape[0], MOST_TILES), *shape[1:])), RATIO, MOST_TILES)
    tall, wide = rough.values.shape
    size = suited_size((tall, wide), draft.options.dpi, lines=len(facts), below=0.2)
    page = begin_page(draft, tensor.name, facts, size=size, notes=("",))
    return page, image_box(page, below=0.2)


def _number(axes: Axes, tiles: Tiles) -> None:
    """Write the number of the first filter beside each row of tiles."""
    unframe(axes)
    axes.tick_params(axis="y", length=0)
    rows = -(-tiles.count // tiles.across)
    every = -(-rows // NUMBERED)
    numbers = range(0, tiles.count, tiles.across * every)
    middle = (tiles.pitch[0] - 2) / 2
    axes.set_yticks([tiles.place(number)[0] + middle for number in numbers], [*map(str, numbers)])


def _words(filters: Filters, tiles: Tiles, options: FigureOptions) -> str:
    words = [f"a tile is a filter: {MODE_WORDS[options.kernel_mode]}"]
    if tiles.count < filters.count:
        words.append(f"the first {tiles.count:,} of {filters.count:,} filters")
    dead = int(np.count_nonzero(filters.dead))
    if dead:
        words.append(f"{dead:,} dead")
    broken = int(filters.not_finite.sum())
    if broken:
        words.append(f"{broken:,} values not finite")
    return "   ·   ".join(words)
