"""The heatmap screen of a driven app: what it draws, its colors; and weights to look at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from driven_app import DrivenApp
from numpy.typing import NDArray
from rich.style import Style

from tensorpeek.analysis.heatmap import Pooled
from tensorpeek.tui.heatmap.drawing import Drawing
from tensorpeek.tui.heatmap.plot import HeatmapPlot
from tensorpeek.tui.heatmap.screen import HeatmapScreen

Weights = tuple[Path, dict[str, NDArray[np.float32]]]


def screen_of(app: DrivenApp) -> HeatmapScreen:
    assert isinstance(app.main, HeatmapScreen), app.text()
    return app.main


def plot_of(app: DrivenApp) -> HeatmapPlot:
    return screen_of(app).plot


def drawing_of(app: DrivenApp) -> Drawing:
    drawing = plot_of(app).drawing
    assert drawing is not None, app.text()
    return drawing


def pooled_of(app: DrivenApp) -> Pooled:
    """What is shown, which must be exact."""
    pooled = drawing_of(app).pooled
    assert pooled.exact
    return pooled


def title(app: DrivenApp) -> str:
    """The words on the border over the picture."""
    return str(plot_of(app).border_title)


def styles(app: DrivenApp) -> list[list[tuple[str, Style]]]:
    """Every character of the widget with its style."""
    x, y, width, height = plot_of(app).content_region
    strips = app.app.screen._compositor.render_strips()[y : y + height]
    return [
        [(letter, s.style or Style()) for s in strip.crop(x, x + width) for letter in s.text]
        for strip in strips
    ]


def cell_colors(app: DrivenApp) -> NDArray[np.int64]:
    """The colors on the terminal of the first dot of each cell: shape (rows, columns, 3)."""
    drawing, lines = drawing_of(app), styles(app)
    rows, columns = drawing.pooled.shape
    colors = np.zeros((rows, columns, 3), np.int64)
    for row in range(rows):
        line, is_lower = divmod(drawing.tops[row], 2)
        for column in range(columns):
            letter, style = lines[line][drawing.room.gutter + drawing.lefts[column]]
            shown = style.bgcolor if letter == " " or is_lower != (letter == "▄") else style.color
            if letter == "▄" and is_lower:
                shown = style.color
            elif letter == "▀" and is_lower:
                shown = style.bgcolor
            assert shown is not None
            assert shown.triplet is not None
            colors[row, column] = shown.triplet
    return colors


def cell_line(app: DrivenApp) -> str:
    return app.line("#cell")


def settings(app: DrivenApp) -> str:
    return app.line("#settings")


def legend(app: DrivenApp) -> str:
    """The line of the color bar."""
    return app.region("#plot")[drawing_of(app).axis_line + 1]


def saved_weights(folder: Path) -> Weights:
    """A checkpoint by PyTorch with a matrix, a convolution, a bias and odd values."""
    torch.manual_seed(0)
    odd = torch.randn(40, 60)
    odd[7, 9], odd[11, 30], odd[22, 5] = float("nan"), float("inf"), float("-inf")
    state = {
        "matrix.weight": torch.randn(300, 500),
        "conv.weight": torch.randn(6, 5, 3, 4),
        "conv.bias": torch.randn(37),
        "odd.weight": odd,
    }
    state["matrix.weight"][123, 456] = -40.0
    path = folder / "weights.pt"
    torch.save(state, path)
    return path, {name: value.numpy() for name, value in state.items()}


def pooled_by_numpy(app: DrivenApp, values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The value of each block that is farthest from zero."""
    pooled = pooled_of(app)
    shown = np.empty(pooled.shape, np.float32)
    for row in range(shown.shape[0]):
        for column in range(shown.shape[1]):
            block = values[
                slice(*pooled.row_starts[row : row + 2]),
                slice(*pooled.column_starts[column : column + 2]),
            ].reshape(-1)
            shown[row, column] = block[np.abs(block).argmax()]
    return shown
