"""Draw figures in memory, and read back what they show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from tensorpeek.loaders import Model, Tensor
from tensorpeek.tui.figures import FigureOptions, Kind, Subject
from tensorpeek.tui.figures.draft import Draft
from tensorpeek.tui.figures.drawing import drawing
from tensorpeek.tui.figures.save_figure import make_figure


def model_of(*tensors: Tensor, name: str = "model.pt") -> Model:
    return Model(path=Path(name), format="PyTorch", tensors=tensors)


def figure_of(kind: Kind, *tensors: Tensor, model: Model | None = None, **options: Any) -> Figure:  # noqa: ANN401
    """Return the figure of tensors, by default as if they were all of a model."""
    whole = model or model_of(*tensors)
    draft = Draft(FigureOptions(**options), whole)
    with drawing(draft.theme):
        figure = make_figure(kind, Subject(tensors or None, whole), draft)
        figure.draw_without_rendering()
        return figure


def bars(axes: Axes, index: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return the heights of bars, and the edges between them."""
    found = axes.containers[index]
    assert isinstance(found, BarContainer)
    lefts = [patch.get_x() for patch in found.patches]
    last = found.patches[-1]
    edges = np.array([*lefts, last.get_x() + last.get_width()])
    return np.array([patch.get_height() for patch in found.patches]), edges


def image(axes: Axes, index: int = 0) -> np.ndarray:
    """Return the values of an image as plain floats."""
    found = axes.images[index]
    assert isinstance(found, AxesImage)
    return np.ma.filled(np.ma.asarray(found.get_array(), np.float64), np.nan)


def texts(figure: Figure) -> list[str]:
    """Return all texts but those of ticks."""
    parts = [*figure.texts, *(text for axes in figure.axes for text in axes.texts)]
    parts += [axes.title for axes in figure.axes] + [axes._left_title for axes in figure.axes]
    return [part.get_text() for part in parts if part.get_text()]
