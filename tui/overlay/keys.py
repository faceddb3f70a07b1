"""The keys of the screen of overlays."""

from __future__ import annotations

from tensorpeek.tui.keys import COMMON_KEYS, TAB_KEYS, bins_keys, screen_key, widget_key

_SHARED = frozenset({"copy", "copy.command", "picture", "help", "quit"})

OVERLAY_KEYS = [
    screen_key(
        "escape,o,backspace",
        "back",
        "Back to the table",
        name="overlay.back",
        footer="back",
        shown_as="Esc",
    ),
    *bins_keys("overlay."),
    screen_key("g", "log", "Logarithmic or linear shares", name="overlay.log", footer="log"),
    *TAB_KEYS,
    *(key for key in COMMON_KEYS if key.id in _SHARED),
]
"""Every key of the screen."""

CURSOR_KEYS = [
    widget_key("left,h", "move(-1)", "Bin to the left (the mouse does it too)", "overlay.left"),
    widget_key("right,l", "move(1)", "Bin to the right", "overlay.right"),
    widget_key("shift+left,H", "move(-10)", "Ten bins to the left", "overlay.far.left"),
    widget_key("shift+right,L", "move(10)", "Ten bins to the right", "overlay.far.right"),
    widget_key("home,0", "jump(0)", "First bin", "overlay.first"),
    widget_key("end,dollar_sign", "jump(1)", "Last bin", "overlay.last"),
    widget_key("m", "fullest", "Fullest bin", "overlay.fullest"),
]
"""The keys of the picture while it has the focus."""
