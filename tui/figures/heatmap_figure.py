"""The values of a tensor as an image, pooled exactly to the pixels that there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tensorpeek.analysis.heatmap import Look, Plane, plane_of, pooled_picture, whole
from tensorpeek.tui.figures.boxes import Box, cells_in, fitted, image_box, suited_size
from tensorpeek.tui.figures.coloring import color_map
from tensorpeek.tui.figures.errors import FigureError
from tensorpeek.tui.figures.page import Page, begin_page
from tensorpeek.tui.figures.pooled_image import draw_pooled, pooled_words
from tensorpeek.tui.figures.tensor_words import tensor_facts

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from tensorpeek.loaders import Tensor
    from tensorpeek.tui.figures.draft import Draft


@dataclass(frozen=True, eq=False)
class HeatmapPlan:
    """A tensor to draw: its picture, the page for it, and the box of pixels that it fills."""

    tensor: Tensor
    plane: Plane
    page: Page
    box: Box


def draw_heatmap(tensor: Tensor, draft: Draft) -> Figure:
    """Read a tensor once and draw it: a matrix as it is, of more axes the first one by the rest.

    Raises FigureError for an empty tensor, LoadError and CancelledError.
    """
    if not tensor.params:
        raise FigureError("empty: no values")
    options = draft.options
    color_map(options.colormap, draft.theme)  # a wrong name is told before anything is read
    plane = plane_of(tensor.shape)
    plan = _plan(tensor, plane, draft)
    look = Look(plane, whole(plane), *cells_in(plan.box), options.mode == "mean")
    pooled = pooled_picture(tensor, options.view, look, stop=draft.stop, progress=draft.progress)
    extent = (-0.5, plane.columns - 0.5, plane.rows - 0.5, -0.5)
    _label(draw_pooled(pooled, draft, (plan.page, plan.box), "linear", extent), plane)
    words = pooled_words(pooled, (plane.rows, plane.columns), options.mode, "value")
    plan.page.tell("   ·   ".join(words))
    return plan.page.figure


def _plan(tensor: Tensor, plane: Plane, draft: Draft) -> HeatmapPlan:
    size = suited_size((plane.rows, plane.columns), draft.options.dpi, lines=1)
    facts = [tensor_facts(tensor, draft.options.view, draft.model)]
    page = begin_page(draft, tensor.name, facts, size=size, notes=("",))
    box = fitted(image_box(page), plane.rows, plane.columns)
    return HeatmapPlan(tensor, plane, page, box)


def _label(axes: Axes, plane: Plane) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.tick_params(length=3, width=0.8, axis="both")
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.set_ylabel(_axis_name(plane, plane.axes.rows, "row"))
    axes.set_xlabel(_axis_name(plane, plane.axes.columns, "column"))


def _axis_name(plane: Plane, axes: tuple[int, ...], otherwise: str) -> str:
    if not axes or len(plane.shape) < 3:
        return otherwise
    if len(axes) == 1:
        return f"axis {axes[0]}"
    return f"axes {', '.join(map(str, axes))}"
