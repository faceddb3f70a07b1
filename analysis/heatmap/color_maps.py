"""Color maps from published control points: diverging ones around zero, one for magnitudes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

Rgb = tuple[int, int, int]

STEPS = 32
"""Colors on each side of zero."""

NAN_COLOR: Rgb = (255, 0, 255)
INFINITE_COLOR: Rgb = (57, 255, 20)
"""Colors that no map has."""


@dataclass(frozen=True)
class ColorMap:
    """Colors for the places -1 to 1, the middle one for zero.

    ``points`` are the control points from -1 to 1, evenly spaced, sRGB. A map for magnitudes has
    them from 0 to 1 and looks away from the sign. ``light_points`` are used in light themes.
    """

    name: str
    points: tuple[str, ...]
    light_points: tuple[str, ...] = ()
    for_magnitudes: bool = False

    def colors(self, *, dark: bool = True) -> tuple[Rgb, ...]:
        """Return the 2 * :data:`STEPS` + 1 colors from -1 to 1."""
        return _table(self, dark)

    def color_at(self, place: float, *, dark: bool = True) -> Rgb:
        """Return the color of a place from -1 to 1, NaN's own for NaN."""
        if np.isnan(place):
            return NAN_COLOR
        return self.colors(dark=dark)[int(steps_of(np.array(place)))]


def steps_of(places: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the index of each place's color; zero alone and what is next to it is the middle."""
    return np.rint((np.nan_to_num(places) + 1.0) * STEPS).astype(np.int64)


@cache
def _table(of: ColorMap, dark: bool) -> tuple[Rgb, ...]:  # noqa: FBT001 (cached by position)
    texts = of.points if dark or not of.light_points else of.light_points
    points = np.array([[int(text[at : at + 2], 16) for at in (0, 2, 4)] for text in texts], float)
    places = np.linspace(-1.0, 1.0, 2 * STEPS + 1)
    ends = np.linspace(0.0 if of.for_magnitudes else -1.0, 1.0, len(points))
    if of.for_magnitudes:
        places = np.abs(places)
    channels = [np.interp(places, ends, points[:, channel]) for channel in range(3)]
    return tuple((int(r), int(g), int(b)) for r, g, b in np.rint(np.stack(channels, axis=1)))


BLUE_ORANGE = ColorMap(
    "blue-orange",
    ("b5e3ff", "56b4e9", "0072b2", "14161a", "d55e00", "e69f00", "ffe08a"),
    ("00456c", "0072b2", "56b4e9", "fafafa", "e69f00", "d55e00", "803800"),
)
"""Around the colors of Okabe and Ito (Color Universal Design, 2008), safe for the color-blind."""

COOLWARM = ColorMap(
    "coolwarm",
    ("3b4cc0", "6282ea", "8db0fe", "b8d0f9", "dddddd", "f5c4ad", "f49a7b", "de604d", "b40426"),
)
"""The cool to warm map of Moreland (Diverging Color Maps for Scientific Visualization, 2009)."""

PURPLE_GREEN = ColorMap(
    "purple-green",
    (
        "40004b",
        "762a83",
        "9970ab",
        "c2a5cf",
        "e7d4e8",
        "f7f7f7",
        "d9f0d3",
        "a6dba0",
        "5aae61",
        "1b7837",
        "00441b",
    ),
)
"""PRGn of ColorBrewer (Harrower and Brewer, 2003), safe for the color-blind."""

PURPLE_ORANGE = ColorMap(
    "purple-orange",
    (
        "2d004b",
        "542788",
        "8073ac",
        "b2abd2",
        "d8daeb",
        "f7f7f7",
        "fee0b6",
        "fdb863",
        "e08214",
        "b35806",
        "7f3b08",
    ),
)
"""PuOr of ColorBrewer, turned around, safe for the color-blind."""

MAGNITUDE = ColorMap(
    "viridis |w|",
    (
        "440154",
        "482475",
        "414487",
        "355f8d",
        "2a788e",
        "21918c",
        "22a884",
        "44bf70",
        "7ad151",
        "bddf26",
        "fde725",
    ),
    for_magnitudes=True,
)
"""Viridis (van der Walt and Smith, 2015) for magnitudes, safe for the color-blind."""

COLOR_MAPS = (BLUE_ORANGE, COOLWARM, PURPLE_GREEN, PURPLE_ORANGE, MAGNITUDE)
