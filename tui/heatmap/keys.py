"""The keys of the heatmap screen and of its cursor."""

from __future__ import annotations

from textual.binding import Binding, BindingType

from tensorpeek.tui.keys import COMMON_KEYS, CURSOR_CHOOSING_KEYS, TAB_KEYS, screen_key, widget_key

_ZOOM = Binding.Group("zoom", compact=True)

HEATMAP_KEYS: list[Binding] = [
    *CURSOR_CHOOSING_KEYS,
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


CURSOR_KEYS: list[BindingType] = [
    widget_key("left,h", "move(0, -1)", "Cursor to the left (the mouse puts it too)", "cell.left"),
    widget_key("right,l", "move(0, 1)", "Cursor to the right", "cell.right"),
    widget_key("up,k", "move(-1, 0)", "Cursor up", "cell.up"),
    widget_key("down,j", "move(1, 0)", "Cursor down", "cell.down"),
    widget_key("shift+left,H", "pan(0, -1)", "Half a window to the left", "pan.left"),
    widget_key("shift+right,L", "pan(0, 1)", "Half a window to the right", "pan.right"),
    widget_key("shift+up,K,pageup", "pan(-1, 0)", "Half a window up", "pan.up"),
    widget_key("shift+down,J,pagedown", "pan(1, 0)", "Half a window down", "pan.down"),
    widget_key("home,0", "jump(-1)", "First cell of the row", "cell.first"),
    widget_key("end,dollar_sign", "jump(1)", "Last cell of the row", "cell.last"),
]
"""The keys of the widget."""
