"""Colors and characters for signed values around zero, and cells that hold two of them.

A value has a *level*, a whole number from 0 to ``LEVELS - 1`` with zero in the middle: the index
of its color in a diverging map from blue to orange, which any color vision tells apart.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import groupby
from typing import TYPE_CHECKING, Any

from rich.color import Color
from rich.segment import Segment
from rich.style import Style

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray

RGB = tuple[int, int, int]

LEVELS = 65
"""Levels of a map: an odd number, so that zero has one of its own."""

MIDDLE = LEVELS // 2
"""The level of zero."""

NOT_FINITE = -1
"""Stands for a value that is NaN or infinite."""

NOTHING = -2
"""Stands for a place without a value."""

SIGNS = "%=-.+*#"
"""What stands for levels without colors, from the lowest to the highest."""

ODD_SIGN = "!"
"""What stands there for a value that is not finite."""


@lru_cache(2)
def diverging(*, dark: bool) -> tuple[RGB, ...]:
    """Return the colors of the levels, and at the end (index -1) that of what is not finite."""
    from tensorpeek.analysis.heatmap.color_maps import BLUE_ORANGE, NAN_COLOR

    return (*BLUE_ORANGE.colors(dark=dark), NAN_COLOR)


def levels_of(values: NDArray[Any], limit: NDArray[Any] | float) -> NDArray[np.int16]:
    """Return the level of each value: ``-limit`` is the lowest, ``limit`` the highest.

    ``limit`` broadcasts with ``values``; where it is 0 every value is in the middle. Values beyond
    it have the level at the end, NaN and infinities are :data:`NOT_FINITE`. Only 0 itself and what
    is nearer to it than half a level are in the middle.
    """
    import numpy as np

    finite = np.isfinite(values)
    safe = np.where(np.asarray(limit) > 0, limit, 1.0)
    with np.errstate(all="ignore"):
        shares = np.clip(np.where(finite, values, 0.0) / safe, -1.0, 1.0)
    levels = np.rint(shares * MIDDLE).astype(np.int16) + np.int16(MIDDLE)
    return np.where(finite, levels, np.int16(NOT_FINITE))


def half_blocks(upper: Sequence[int], lower: Sequence[int], *, dark: bool) -> list[Segment]:
    """Return a line of cells whose upper and lower halves have these levels, in runs."""
    pairs = zip(upper, lower, strict=True)
    return [_half_block(*pair, sum(1 for _ in run), dark) for pair, run in groupby(pairs)]


def signs(levels: Iterable[int], *, dark: bool | None) -> list[Segment]:
    """Return a line of one character for each level, colored unless ``dark`` is None."""
    return [_sign(level, sum(1 for _ in run), dark) for level, run in groupby(levels)]


def sign_of(level: int) -> str:
    """Return the character that stands for a level without colors."""
    if level < 0:
        return ODD_SIGN if level == NOT_FINITE else " "
    if level == MIDDLE:
        return SIGNS[len(SIGNS) // 2]
    steps = len(SIGNS) // 2
    size = -(-abs(level - MIDDLE) * steps // MIDDLE)
    return SIGNS[steps + size] if level > MIDDLE else SIGNS[steps - size]


@lru_cache(1 << 14)
def _half_block(upper: int, lower: int, count: int, dark: bool) -> Segment:  # noqa: FBT001
    if upper == lower:
        return Segment(" " * count, Style(bgcolor=_color(upper, dark)))
    if upper == NOTHING:
        return Segment("▄" * count, Style(color=_color(lower, dark)))
    return Segment("▀" * count, Style(color=_color(upper, dark), bgcolor=_color(lower, dark)))


@lru_cache(1 << 12)
def _sign(level: int, count: int, dark: bool | None) -> Segment:  # noqa: FBT001
    if dark is None or level == NOTHING:
        return Segment(sign_of(level) * count)
    return Segment(sign_of(level) * count, _ink(level, dark))


@lru_cache(2 * (LEVELS + 2))
def _color(level: int, dark: bool) -> Color | None:  # noqa: FBT001
    return None if level == NOTHING else Color.from_rgb(*diverging(dark=dark)[level])


def number_cell(text: str, level: int, *, dark: bool | None) -> Segment:
    """Return a text on the color of a level, in an ink that stands out; plain for None."""
    if dark is None or level == NOTHING:
        return Segment(text)
    return Segment(text, _ink(level, dark))


@lru_cache(2 * (LEVELS + 2))
def _ink(level: int, dark: bool) -> Style:  # noqa: FBT001
    red, green, blue = diverging(dark=dark)[level]
    is_bright = 299 * red + 587 * green + 114 * blue > 128_000
    ink = Color.from_rgb(0, 0, 0) if is_bright else Color.from_rgb(255, 255, 255)
    return Style(color=ink, bgcolor=_color(level, dark))
