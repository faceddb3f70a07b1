"""Where the tiles of filters lie, and a row of them in characters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.segment import Segment
from rich.style import Style

from tensorpeek.tui.color_maps import NOTHING, half_blocks, signs

LARGEST_AUTOMATIC = 8
"""Columns of a value, at most, unless more are asked for."""

GAP = 2
"""Columns between two tiles."""


@dataclass(frozen=True)
class TileGrid:
    """Tiles of pictures of ``height`` x ``width`` values, side by side in rows.

    A value takes ``zoom`` columns and as much height: half as many lines. A tile is ``columns``
    wide and ``lines`` high, with a line for its label above the picture.
    """

    count: int
    height: int
    width: int
    zoom: int
    columns: int
    lines: int
    per_row: int
    is_halved: bool

    @property
    def rows(self) -> int:
        """Rows of tiles."""
        return -(-self.count // self.per_row)

    def picture_lines(self, levels: NDArray[np.int16], *, dark: bool | None) -> list[list[Segment]]:
        """Return the lines of a row of pictures (n, H, W), without their labels."""
        steps = self.zoom if self.is_halved else max(1, (self.zoom + 1) // 2)
        large = levels.repeat(steps, axis=1).repeat(self.zoom, axis=2)
        high = (self.lines - 1) * (2 if self.is_halved else 1)
        page = np.full((high, self.per_row * self.columns), NOTHING, np.int16)
        for place, picture in enumerate(large):
            shown = picture[:high, : self.columns - GAP]
            left = place * self.columns
            page[: shown.shape[0], left : left + shown.shape[1]] = shown
        rows = page.tolist()
        if not self.is_halved:
            return [signs(row, dark=dark) for row in rows]
        is_dark = bool(dark)
        return [half_blocks(*rows[at : at + 2], dark=is_dark) for at in range(0, high, 2)]


def tile_grid(  # noqa: PLR0913 (all that the places depend on)
    count: int,
    sides: tuple[int, int],
    label: int,
    room: tuple[int, int],
    *,
    zoom: int | None,
    is_halved: bool,
) -> TileGrid:
    """Return the grid of ``count`` pictures of ``sides`` (height, width) on a screen.

    ``room`` are the columns and lines of the screen, ``label`` the columns of a label. Without a
    ``zoom`` it is the largest at which all tiles are in sight, up to :data:`LARGEST_AUTOMATIC`; if
    there is none, the smallest at which they can be told apart.
    """

    def grid(size: int) -> TileGrid:
        height, width = sides
        steps = -(-height * size // 2) if is_halved else height * max(1, (size + 1) // 2)
        columns = min(max(width * size, label) + GAP, room[0] + GAP)
        per_row = max(1, (room[0] + GAP) // columns)
        return TileGrid(count, height, width, size, columns, steps + 1, per_row, is_halved)

    if zoom is not None:
        return grid(zoom)
    for size in range(LARGEST_AUTOMATIC, 1, -1):
        found = grid(size)
        if found.rows * found.lines <= room[1] and sides[1] * size <= room[0]:
            return found
    return grid(2 if max(sides) <= 5 else 1)


def label_line(
    labels: Sequence[str], columns: int, cursor: int | None, style: Style, chosen: Style
) -> list[Segment]:
    """Return the line of labels above a row of pictures; that of ``cursor`` stands out."""
    segments = []
    for place, label in enumerate(labels):
        look = chosen if place == cursor else style
        shown = label[: columns - 1]
        segments += [Segment(shown, look), Segment(" " * (columns - len(shown)))]
    return segments
