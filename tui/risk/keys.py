"""The keys of the screen of risk."""

from __future__ import annotations

from dataclasses import replace

from tensorpeek.tui.keys import CHOOSING_KEYS, COMMON_KEYS, TAB_KEYS, screen_key

RISK_KEYS = [
    *(replace(key, show=False) for key in CHOOSING_KEYS if key.id != "view"),
    screen_key(
        "g",
        "page(1)",
        "Next page: scatter, condition, rank, health",
        name="risk.page",
        footer="page",
    ),
    screen_key("G", "page(-1)", "Previous page", name="risk.page.previous"),
    screen_key("b", "grid(1)", "Next coarser grid", name="risk.grid", footer="grid"),
    screen_key("B", "grid(-1)", "Next finer grid", name="risk.grid.previous"),
    screen_key(
        "c", "unit(1)", "What shares a scale: next finer", name="risk.scale", footer="scale"
    ),
    screen_key("C", "unit(-1)", "What shares a scale: coarser", name="risk.scale.previous"),
    screen_key("a", "symmetry", "Symmetric or asymmetric integers", name="risk.symmetry"),
    screen_key("x", "everything", "Matrices only, or all tensors", name="risk.everything"),
    screen_key(
        "enter",
        "open",
        "Open this tensor in the histogram",
        name="risk.open",
        footer="open",
        shown_as="Enter",
    ),
    screen_key(
        "s",
        "statistics",
        "Details or picture (narrow screens)",
        name="risk.details",
        footer="details",
    ),
    screen_key(
        "escape", "give_up", "Stop measuring", name="risk.stop", footer="stop", shown_as="Esc"
    ),
    screen_key("r", "go_on", "Go on measuring", name="risk.resume", footer="go on"),
    *TAB_KEYS,
    *COMMON_KEYS,
]
"""Every key of the screen, beside those of the picture's cursor."""
