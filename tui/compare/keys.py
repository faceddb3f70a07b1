"""The keys of the screen of comparisons."""

from __future__ import annotations

from tensorpeek.tui.keys import (
    COMMON_KEYS,
    CURSOR_CHOOSING_KEYS,
    FOCUS_KEYS,
    TAB_KEYS,
    bins_keys,
    screen_key,
)

COMPARE_KEYS = [
    *(key for key in CURSOR_CHOOSING_KEYS if key.id != "view"),
    screen_key("b", "other", "Choose the other model (b)", name="compare.other", footer="other"),
    screen_key("x", "exchange", "Exchange a and b", name="compare.exchange", footer="exchange"),
    screen_key(
        "o",
        "order",
        "Rank by SQNR, error, largest difference",
        name="compare.order",
        footer="order",
    ),
    screen_key(
        "u", "unmatched", "Tensors without a partner", name="compare.unmatched", footer="unmatched"
    ),
    screen_key("m", "mark", "Mark this tensor", name="compare.mark", footer="mark"),
    screen_key("M", "marked", "Compare the last two marked tensors", name="compare.marked"),
    *bins_keys("compare."),
    screen_key(
        "s",
        "numbers",
        "Numbers or pictures (narrow screens)",
        name="compare.numbers",
        footer="numbers",
    ),
    *TAB_KEYS,
    *COMMON_KEYS,
    *FOCUS_KEYS,
]
"""Every key of the screen. Both models are compared dequantized: there is no view to choose."""
