"""How much room a picture has in a widget, and where its cells lie."""

from __future__ import annotations

from dataclasses import dataclass

BARS = 8
"""Columns of the bars at the right: mean magnitudes of rows."""

WIDEST, TALLEST = 8, 4
"""Times that a cell may be wider than high, or higher than wide."""


@dataclass(frozen=True)
class Room:
    """Where a picture lies in ``width`` x ``height`` characters.

    ``gutter`` columns at the left are for labels, ``lines`` lines for the picture, under it as the
    case may be two for bars, then one for the axis and one for the legend. ``per_line`` dots lie
    one above the other in a line, each ``dot_width`` columns wide.
    """

    width: int
    height: int
    gutter: int
    profiles: bool
    characters: bool

    @property
    def per_line(self) -> int:
        """Dots one above the other in a line: half blocks have two."""
        return 1 if self.characters else 2

    @property
    def dot_width(self) -> int:
        """Columns of a dot: characters are twice as high as wide."""
        return 2 if self.characters else 1

    @property
    def lines(self) -> int:
        """Lines of the picture."""
        return max(self.height - 2 - (2 if self.profiles else 0), 0)

    @property
    def rows(self) -> int:
        """Rows of dots."""
        return self.lines * self.per_line

    @property
    def columns(self) -> int:
        """Columns of dots."""
        right = BARS + 1 if self.profiles else 0
        return max((self.width - self.gutter - right) // self.dot_width, 0)


@dataclass(frozen=True)
class CellSize:
    """Dots that each cell takes, all the same: ``height`` one above the other, ``width`` across."""

    height: int
    width: int


def cell_size(rows: int, columns: int, room: Room) -> CellSize:
    """Return how large the cells of a picture are: as large as the room allows, and no strips.

    A cell that is large enough for its value takes whole lines, so that all values stand alike.
    """
    height, width = room.rows // max(rows, 1), room.columns // max(columns, 1)
    height = max(min(height, TALLEST * width), 1)
    width = max(min(width, WIDEST * height), 1)
    if height >= 2 * room.per_line:
        height -= height % room.per_line
    return CellSize(height, width)


def label_step(cell: int, room: int) -> int:
    """Return the step, such as 1, 2, 5 or 10, between labels that take ``room`` among cells."""
    power = 1
    while True:
        for step in (power, 2 * power, 5 * power):
            if step * cell >= room:
                return step
        power *= 10


def room_in(width: int, height: int, last_row: int, *, profiles: bool, characters: bool) -> Room:
    """Return the room in a widget whose largest label is ``last_row``; negative: no labels."""
    gutter = len(str(last_row)) + 1 if last_row >= 0 else 1
    return Room(width, height, gutter, profiles, characters)
