"""The keys of the screen of comparisons."""

from __future__ import annotations

from textual.binding import Binding

from tensorpeek.tui.keys import CHOOSING_KEYS, COMMON_KEYS, FOCUS_KEYS, TAB_KEYS, screen_key

_LAYER = Binding.Group("layer", compact=True)
_BINS = Binding.Group("bins", compact=True)

_UNUSED = frozenset({"layer.next", "layer.previous", "view"})
"""Keys of which j and k move in the list here; both models are compared dequantized."""

COMPARE_KEYS = [
    CHOOSING_KEYS[0],
    screen_key("n", "layer(1)", "Next layer", name="layer.next", footer="next", group=_LAYER),
    screen_key(
        "p", "layer(-1)", "Previous layer", name="layer.previous", footer="prev", group=_LAYER
    ),
    *(key for key in CHOOSING_KEYS[1:] if key.id not in _UNUSED),
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
    screen_key(
        "plus,equals_sign",
        "bins(1)",
        "More bins",
        name="compare.bins.more",
        footer="more",
        shown_as="+",
        group=_BINS,
    ),
    screen_key(
        "minus,underscore",
        "bins(-1)",
        "Fewer bins",
        name="compare.bins.fewer",
        footer="fewer",
        shown_as="-",
        group=_BINS,
    ),
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
"""Every key of the screen."""
