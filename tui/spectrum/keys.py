"""The keys of the screen of singular values."""

from __future__ import annotations

from tensorpeek.tui.keys import CHOOSING_KEYS, COMMON_KEYS, TAB_KEYS, screen_key

SPECTRUM_KEYS = [
    *CHOOSING_KEYS,
    screen_key(
        "m",
        "picture_kind(1)",
        "Next picture: values, energy, tail, noise",
        name="spectrum.picture",
        footer="picture",
    ),
    screen_key("M", "picture_kind(-1)", "Previous picture", name="spectrum.picture.previous"),
    screen_key(
        "g", "log", "Logarithmic or linear singular values", name="spectrum.log", footer="log"
    ),
    screen_key(
        "u",
        "noise",
        "Noise of the same standard deviation, or of the same median singular value",
        name="spectrum.noise",
        footer="noise",
    ),
    screen_key(
        "s",
        "statistics",
        "Measures or picture (narrow screens)",
        name="spectrum.statistics",
        footer="table",
    ),
    screen_key(
        "enter",
        "compute",
        "Compute a spectrum that takes long",
        name="spectrum.compute",
        footer="compute",
        shown_as="Enter",
    ),
    screen_key(
        "escape",
        "give_up",
        "Stop computing",
        name="spectrum.stop",
        footer="stop",
        shown_as="Esc",
    ),
    *TAB_KEYS,
    *COMMON_KEYS,
]
"""Every key of the screen, beside those of the picture's cursor."""
