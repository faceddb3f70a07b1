"""The keys of the screen of kernels, and of its tiles."""

from __future__ import annotations

from textual.binding import Binding

from tensorpeek.tui.keys import (
    COMMON_KEYS,
    CURSOR_CHOOSING_KEYS,
    FOCUS_KEYS,
    TAB_KEYS,
    screen_key,
    widget_key,
)

_INPUT = Binding.Group("input", compact=True)
_ZOOM = Binding.Group("zoom", compact=True)

KERNEL_KEYS = [
    *CURSOR_CHOOSING_KEYS,
    screen_key(
        "c", "convolution(1)", "Next convolution", name="kernels.next", footer="convolution"
    ),
    screen_key("C", "convolution(-1)", "Previous convolution", name="kernels.previous"),
    screen_key(
        "i",
        "mode",
        "Mean over inputs, largest magnitude, one input",
        name="kernels.mode",
        footer="show",
    ),
    screen_key(
        "less_than_sign,comma",
        "input(-1)",
        "Previous input",
        name="kernels.input.previous",
        footer="previous",
        shown_as="<",
        group=_INPUT,
    ),
    screen_key(
        "greater_than_sign,full_stop",
        "input(1)",
        "Next input",
        name="kernels.input.next",
        footer="next",
        shown_as=">",
        group=_INPUT,
    ),
    screen_key(
        "o",
        "order",
        "Filters in file order, by L2 norm, by similarity",
        name="kernels.order",
        footer="order",
    ),
    screen_key(
        "s", "scaling", "One scale for all tiles, or one each", name="kernels.scale", footer="scale"
    ),
    screen_key(
        "plus,equals_sign",
        "zoom(1)",
        "Larger tiles",
        name="kernels.larger",
        footer="larger",
        shown_as="+",
        group=_ZOOM,
    ),
    screen_key(
        "minus,underscore",
        "zoom(-1)",
        "Smaller tiles",
        name="kernels.smaller",
        footer="smaller",
        shown_as="-",
        group=_ZOOM,
    ),
    screen_key("z", "depth(1)", "Next slice of 3-D filters", name="kernels.slice", footer="slice"),
    screen_key("Z", "depth(-1)", "Previous slice", name="kernels.slice.previous"),
    screen_key("x", "axes", "Read the axes in another order", name="kernels.axes"),
    *TAB_KEYS,
    *COMMON_KEYS,
    *FOCUS_KEYS,
]
"""Every key of the screen."""


TILE_KEYS = [
    widget_key("left,h", "move(-1, 0)", "Tile to the left", "tile.left"),
    widget_key("right,l", "move(1, 0)", "Tile to the right", "tile.right"),
    widget_key("up,k", "move(0, -1)", "Tile above", "tile.up"),
    widget_key("down,j", "move(0, 1)", "Tile below", "tile.down"),
    widget_key("pageup", "page(-1)", "Page up", "tile.page.up"),
    widget_key("pagedown,space", "page(1)", "Page down", "tile.page.down"),
    widget_key("home", "jump(0)", "First tile", "tile.first"),
    widget_key("end", "jump(1)", "Last tile", "tile.last"),
    widget_key("enter", "enlarge", "The values of one filter", "tile.enlarge"),
    widget_key("escape,backspace", "tiles", "Back to all filters", "tile.back"),
]
"""The keys of the tiles while they have the focus."""
