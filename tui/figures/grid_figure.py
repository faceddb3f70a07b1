"""A whole model as one image, laid out by a grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tensorpeek.analysis.grids import (
    FoundGrid,
    GridError,
    GridLook,
    GridPainter,
    GridPicture,
    checked,
    find_grids,
    tensors_in_grid,
)
from tensorpeek.tui.figures.boxes import Box, cells_in, fitted, image_box, suited_size
from tensorpeek.tui.figures.coloring import color_map
from tensorpeek.tui.figures.errors import FigureError
from tensorpeek.tui.figures.page import begin_page, unframe
from tensorpeek.tui.figures.pooled_image import draw_pooled, pooled_words
from tensorpeek.tui.figures.tensor_words import model_facts

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from tensorpeek.loaders import Model, Tensor
    from tensorpeek.tui.figures.draft import Draft
    from tensorpeek.tui.figures.figure_options import FigureOptions

ASPECT = 1.25
"""How many times wider than high a grid is made that may choose."""


@dataclass(frozen=True)
class ShapedLook(GridLook):
    """A look at a grid that was told to be ``wanted`` times wider than high, whatever the cells."""

    wanted: float = ASPECT

    @property
    def aspect(self) -> float:
        """How many times wider than high the space is."""
        return self.wanted


def draw_grid(model: Model, tensors: Sequence[Tensor], draft: Draft) -> Figure:
    """Read the parameters among ``tensors`` once and draw them in one grid.

    Raises FigureError for an unknown grid and without parameters, and CancelledError.
    """
    shown = set(tensors_in_grid(model))
    kept = [tensor for tensor in tensors if tensor in shown]
    if not kept:
        raise FigureError("no parameters to draw")
    options, theme = draft.options, draft.theme
    found = _grid(options)
    color_map(options.colormap, theme)  # a wrong name is told before anything is read
    size = _size(kept, found, options.dpi)
    layers = f"{len(kept):,} layer{'' if len(kept) == 1 else 's'}, {found.name}: "
    facts = [model_facts(model), layers + found.description]
    page = begin_page(draft, model.name, facts, size=size, notes=("",))
    room = image_box(page, left=0.0, below=0.25)
    aspect = ASPECT if options.size is None else room.columns / room.rows
    box = _box(room, kept, found, aspect)
    look = ShapedLook(*cells_in(box), with_sums=options.mode == "mean", wanted=aspect)
    picture = _paint(kept, found, look, draft)
    axes = draw_pooled(picture.pooled, draft, (page, box), "percentile")
    axes.set_facecolor(theme.faint)
    unframe(axes)
    words = pooled_words(picture.pooled, picture.canvas, options.mode, "place")
    if picture.failures:
        words.append(f"{len(picture.failures):,} not read")
    page.tell("   ·   ".join(words))
    return page.figure


def _size(tensors: Sequence[Tensor], found: FoundGrid, dpi: int) -> tuple[float, float]:
    canvas = checked(found, tuple(tensor.params for tensor in tensors), ASPECT)
    return suited_size((canvas.rows, canvas.columns), dpi, lines=2, left=0.0, below=0.25)


def _box(room: Box, tensors: Sequence[Tensor], found: FoundGrid, aspect: float) -> Box:
    """Return the part of a box that a grid of an aspect fills."""
    canvas = checked(found, tuple(tensor.params for tensor in tensors), aspect)
    return fitted(room, canvas.rows, canvas.columns)


def _grid(options: FigureOptions) -> FoundGrid:
    grids, problems = find_grids(options.plugins)
    for found in grids:
        if found.name == options.grid:
            return found
    known = ", ".join(one.name for one in grids)
    told = "".join(f"; {problem}" for problem in problems)
    raise FigureError(f"no grid '{options.grid}'; there are: {known}{told}")


def _paint(
    tensors: Sequence[Tensor], found: FoundGrid, look: GridLook, draft: Draft
) -> GridPicture:
    """Pool all tensors."""
    try:
        painter = GridPainter(tensors, draft.options.view, found, look)
        for share in painter.steps(draft.stop):
            draft.progress(share)
    except GridError as error:
        raise FigureError(str(error)) from error
    return painter.picture(exact=True)
