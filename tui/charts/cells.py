"""A rectangle of characters with styles, and braille dots on it."""

from __future__ import annotations

from itertools import groupby

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

BRAILLE = 0x2800

DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
"""The bits of the two columns of a braille letter, from the top."""


class Cells:
    """Letters in ``height`` lines of ``width`` columns; what lies outside is not drawn.

    Columns are counted from the left, lines from the top. Each letter has a style as Rich writes
    it and, for what is drawn over it later, the name of the part that fills its cell.
    """

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self._letters = [[" "] * width for _ in range(height)]
        self._styles = [[""] * width for _ in range(height)]
        self._grounds = [[""] * width for _ in range(height)]
        self._dots: dict[tuple[int, int], int] = {}

    def put(self, column: int, line: int, letter: str, style: str = "", ground: str = "") -> None:
        """Put a letter of one cell."""
        if 0 <= column < self.width and 0 <= line < self.height:
            self._letters[line][column] = letter
            self._styles[line][column] = style
            self._grounds[line][column] = ground

    def letter(self, column: int, line: int) -> str:
        """Return the letter of a cell, a space outside."""
        inside = 0 <= column < self.width and 0 <= line < self.height
        return self._letters[line][column] if inside else " "

    def ground(self, column: int, line: int) -> str:
        """Return the part that fills a cell, empty for none."""
        inside = 0 <= column < self.width and 0 <= line < self.height
        return self._grounds[line][column] if inside else ""

    def words(self, column: int, line: int, words: str, style: str = "") -> int:
        """Write words, cut at the right edge; return the column after them.

        Letters without a width are left out: what they would join cannot be told cell by cell.
        """
        for letter in words:
            wide = cell_len(letter)
            if not wide:
                continue
            if column + wide > self.width:
                break
            self.put(column, line, letter, style)
            if wide == 2:
                self.put(column + 1, line, "", style)
            column += wide
        return column

    def is_free(self, column: int, line: int, width: int) -> bool:
        """Whether there is nothing but space in some cells that all lie inside."""
        if not (0 <= line < self.height and column >= 0 and column + width <= self.width):
            return False
        return not "".join(self._letters[line][column : column + width]).strip()

    def dot(self, x: int, y: int, style: str) -> None:
        """Set a braille dot; there are two in the width and four in the height of a cell."""
        place = (x // 2, y // 4)
        if not (0 <= place[0] < self.width and 0 <= place[1] < self.height):
            return
        self._dots[place] = self._dots.get(place, 0) | DOTS[x % 2][y % 4]
        letter = chr(BRAILLE | self._dots[place])
        self.put(*place, letter, style, self.ground(*place))

    def strips(self) -> list[Strip]:
        """Return the lines as strips, one segment for each run of a style."""
        return [
            Strip(_segments(letters, styles), self.width)
            for letters, styles in zip(self._letters, self._styles, strict=True)
        ]

    def text(self) -> str:
        """Return the letters alone, without spaces at the ends of lines."""
        return "\n".join("".join(letters).rstrip() for letters in self._letters)


def _segments(letters: list[str], styles: list[str]) -> list[Segment]:
    segments = []
    place = 0
    for style, run in groupby(styles):
        count = len(list(run))
        text = "".join(letters[place : place + count])
        segments.append(Segment(text, Style.parse(style) if style else None))
        place += count
    return segments
