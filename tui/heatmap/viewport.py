"""Which part of a picture is looked at, and where its cursor is; whole numbers and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field

SMALLEST = 2
"""Rows or columns below which zooming in ends."""


@dataclass
class Viewport:
    """A window of a picture of ``rows`` x ``columns`` places, with a cursor on one of them."""

    rows: int
    columns: int
    top: int = 0
    left: int = 0
    row: int = 0
    column: int = 0
    sizes: list[tuple[int, int]] = field(default_factory=list)
    """The sizes of the windows from the whole picture in; the last one is the current one."""

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of the window."""
        return self.sizes[-1] if self.sizes else (self.rows, self.columns)

    @property
    def is_whole(self) -> bool:
        """Whether the whole picture is looked at."""
        return self.size == (self.rows, self.columns)

    @property
    def bounds(self) -> tuple[int, int, int, int]:
        """First row, last row, first column, last column of the window; the last ones excluded."""
        height, width = self.size
        return self.top, self.top + height, self.left, self.left + width

    def zoom_in(self, room: tuple[int, int]) -> bool:
        """Halve the window around the cursor; tell whether that was possible.

        As long as rows or columns are pooled, because there are more than ``room``, only those
        are halved.
        """
        sides = self.size
        pooled = tuple(side > most for side, most in zip(sides, room, strict=True))
        halved = pooled if any(pooled) else (True, True)
        height, width = (
            max(-(-side // 2), min(SMALLEST, side)) if is_halved else side
            for side, is_halved in zip(sides, halved, strict=True)
        )
        if (height, width) == sides:
            return False
        self.sizes.append((height, width))
        self._place(self.row - height // 2, self.column - width // 2)
        return True

    def zoom_out(self) -> bool:
        """Go back to the window before, around the cursor; tell whether there is one."""
        if not self.sizes:
            return False
        self.sizes.pop()
        height, width = self.size
        self._place(self.row - height // 2, self.column - width // 2)
        return True

    def fit(self) -> bool:
        """Show the whole picture; tell whether that changed anything."""
        changed = bool(self.sizes)
        self.sizes.clear()
        self._place(0, 0)
        return changed

    def pan(self, down: float, across: float) -> bool:
        """Move the window by shares of itself, the cursor with it; tell whether that moved it."""
        height, width = self.size
        before = self.top, self.left
        self._place(self.top + round(down * height), self.left + round(across * width))
        self.row += self.top - before[0]
        self.column += self.left - before[1]
        return (self.top, self.left) != before

    def move_to(self, row: int, column: int) -> bool:
        """Put the cursor on a place; tell whether the window had to follow."""
        self.row = min(max(row, 0), max(self.rows - 1, 0))
        self.column = min(max(column, 0), max(self.columns - 1, 0))
        before = self.top, self.left
        height, width = self.size
        top, left = self.top, self.left
        if not top <= self.row < top + height:
            top = self.row - height // 2
        if not left <= self.column < left + width:
            left = self.column - width // 2
        self._place(top, left)
        return (self.top, self.left) != before

    def _place(self, top: int, left: int) -> None:
        height, width = self.size
        self.top = min(max(top, 0), self.rows - height)
        self.left = min(max(left, 0), self.columns - width)
