"""The keys of the heatmap screen and of its cursor."""

from __future__ import annotations

from textual.binding import Binding, BindingType

from tensorpeek.tui.keys import CHOOSING_KEYS, COMMON_KEYS, TAB_KEYS, screen_key

_LAYER = Binding.Group("layer", compact=True)
_ZOOM = Binding.Group("zoom", compact=True)

_STEPS = [
    screen_key("n", "layer(1)", "Next layer", name="layer.next", footer="next", group=_LAYER),
    screen_key(
        "p", "layer(-1)", "Previous layer", name="layer.previous", footer="prev", group=_LAYER
    ),
]
"""Here j and k belong to the cursor."""

HEATMAP_KEYS: list[Binding] = [
    *(key for key in CHOOSING_KEYS if key.id == "find"),
    *_STEPS,
    *(key for key in CHOOSING_KEYS if key.id not in {"find", "layer.next", "layer.previous"}),
    screen_key(
        "z,plus,equals_sign", "zoom(1)", "Zoom in", name="zoom.in", footer="in", group=_ZOOM
    ),
    screen_key(
        "Z,minus,underscore", "zoom(-1)", "Zoom out", name="zoom.out", footer="out", group=_ZOOM
    ),
    screen_key("f", "fit", "Show the whole picture", name="zoom.fit"),
    screen_key("m", "mode", "Pooled value: absmax, mean, max, min", name="heatmap.mode"),
    screen_key("s", "curve", "Scaling: linear, log, percentile", name="heatmap.scaling"),
    screen_key("c", "colors", "Next color map", name="heatmap.colors"),
    screen_key(
        "r", "own_range", "Colors over the whole picture or this part", name="heatmap.range"
    ),
    screen_key("a", "axes(1)", "Next choice of axes", name="heatmap.axes"),
    screen_key("A", "axes(-1)", "Previous choice of axes", name="heatmap.axes.previous"),
    screen_key("i", "index(1)", "Next index on the other axes", name="heatmap.index"),
    screen_key("I", "index(-1)", "Previous index on the other axes", name="heatmap.index.previous"),
    screen_key("P", "profiles", "Mean magnitude of rows and columns", name="heatmap.profiles"),
    screen_key("x", "extreme", "Cursor to what stands out most", name="heatmap.extreme"),
    screen_key(
        "G", "grid", "The whole model in the next grid", name="heatmap.grid", footer="grids"
    ),
    screen_key("g", "tensor_again", "From the grid back to the tensor", name="heatmap.tensor"),
    screen_key("o", "alone", "Grid of this tensor alone or of the model", name="heatmap.alone"),
    screen_key("enter", "open_layer", "The tensor under the cursor of a grid", name="heatmap.open"),
    screen_key("escape", "give_up", "Stop reading", name="heatmap.stop", shown_as="Esc"),
    *TAB_KEYS,
    *COMMON_KEYS,
]
"""Every key of the screen, beside those of the cursor."""


def _key(keys: str, action: str, tooltip: str, name: str) -> Binding:
    description = name.replace(".", " ")
    return Binding(keys, action, description, show=False, priority=True, tooltip=tooltip, id=name)


CURSOR_KEYS: list[BindingType] = [
    _key("left,h", "move(0, -1)", "Cursor to the left (the mouse puts it too)", "cell.left"),
    _key("right,l", "move(0, 1)", "Cursor to the right", "cell.right"),
    _key("up,k", "move(-1, 0)", "Cursor up", "cell.up"),
    _key("down,j", "move(1, 0)", "Cursor down", "cell.down"),
    _key("shift+left,H", "pan(0, -1)", "Half a window to the left", "pan.left"),
    _key("shift+right,L", "pan(0, 1)", "Half a window to the right", "pan.right"),
    _key("shift+up,K,pageup", "pan(-1, 0)", "Half a window up", "pan.up"),
    _key("shift+down,J,pagedown", "pan(1, 0)", "Half a window down", "pan.down"),
    _key("home,0", "jump(-1)", "First cell of the row", "cell.first"),
    _key("end,dollar_sign", "jump(1)", "Last cell of the row", "cell.last"),
]
"""The keys of the widget."""
