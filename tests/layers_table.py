"""What stands in the table of tensors on the screen, and the arrays of the sample model in it."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import onnx
from driven_app import DrivenApp
from onnx import numpy_helper

from tensorpeek.tui.layers.layer_table import LayerTable

FLOAT, CODES = "resnet8.onnx", "resnet8_int8.pt"


def row(app: DrivenApp, line: int | None = None) -> str:
    """A line of the table as drawn, the header as line 0; that of the cursor by default."""
    widget = app.main.query_one(LayerTable)
    place = widget.cursor_offset + 1 if line is None else line
    return app.region("#table")[place]


def table(app: DrivenApp) -> list[str]:
    """The lines under the header that are drawn."""
    return [line for line in app.region("#table")[1:] if line.strip()]


def names(app: DrivenApp) -> list[str]:
    """The names that are drawn; only for names that are not cut."""
    start = row(app, 0).index("Tensor")
    return [line[start:].split()[0] for line in table(app)]


def cell(app: DrivenApp, title: str) -> str:
    """What stands under a title on the line of the cursor; for numbers and names."""
    header = row(app, 0)
    end = header.index(title) + len(title)
    return row(app)[:end].split()[-1] if title != "#" else row(app)[2:].split()[0]


def check_screen(app: DrivenApp) -> None:
    """Nothing on the screen steers a terminal, and nothing in the table or under it is a link."""
    for line in app.lines():
        odd = [letter for letter in line if unicodedata.category(letter)[0] == "C"]
        assert not odd, (odd, line)
    strips = app.app.screen._compositor.render_strips()
    own = [app.main.query_one(each).region for each in ("#tabs", "#keys")]
    for y, strip in enumerate(strips):
        if not any(region.contains(region.x, y) for region in own):
            styles = [segment.style for segment in strip if segment.style is not None]
            assert not [style for style in styles if "@click" in style.meta]


def weights(samples: Path) -> dict[str, np.ndarray]:
    """The arrays of the float model as the onnx library reads them, in file order."""
    graph = onnx.load(samples / FLOAT).graph
    return {entry.name: numpy_helper.to_array(entry) for entry in graph.initializer}
