"""The keys of the screen of the histogram, and of its bins."""

from __future__ import annotations

from tensorpeek.tui.keys import (
    CHOOSING_KEYS,
    COMMON_KEYS,
    TAB_KEYS,
    bins_keys,
    screen_key,
    widget_key,
)

HISTOGRAM_KEYS = [
    *CHOOSING_KEYS,
    *bins_keys(),
    screen_key("g", "log", "Logarithmic or linear counts", name="log", footer="log"),
    screen_key(
        "c",
        "scales",
        "Scales of channels or blocks, under the histogram",
        name="scales",
        footer="scales",
    ),
    screen_key("r", "range", "Enter a range", name="range", footer="range"),
    screen_key("d", "default_range", "Range from mean - std to mean + std", name="range.default"),
    screen_key(
        "s",
        "statistics",
        "Statistics or histogram (narrow screens)",
        name="statistics",
        footer="statistics",
    ),
    *TAB_KEYS,
    *COMMON_KEYS,
]
"""Every key of the screen."""

BIN_KEYS = [
    widget_key("left,h", "move(-1)", "Bin cursor to the left (the mouse moves it too)", "bin.left"),
    widget_key("right,l", "move(1)", "Bin cursor to the right", "bin.right"),
    widget_key("shift+left,H", "move(-10)", "Ten bins to the left", "bin.far.left"),
    widget_key("shift+right,L", "move(10)", "Ten bins to the right", "bin.far.right"),
    widget_key("home,0", "jump(0)", "First bin", "bin.first"),
    widget_key("end,dollar_sign", "jump(1)", "Last bin", "bin.last"),
    widget_key("m", "mode", "Fullest bin", "bin.fullest"),
]
"""The keys of the bars while they have the focus."""
