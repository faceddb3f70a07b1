"""What stands for each kind of dot: half blocks in two colors, or characters."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from rich.color import Color
from rich.segment import Segment
from rich.style import Style

if TYPE_CHECKING:
    from tensorpeek.analysis.heatmap.color_maps import ColorMap, Rgb

SHADES = " .:~=+*#%@"
"""Magnitudes from zero to the largest, without color; a minus sign stays free for the sign."""


BLACK, WHITE = (0, 0, 0), (255, 255, 255)


class Inks:
    """The looks of dots by their code: steps of a color map first, then the special ones."""

    def __init__(self, color_map: ColorMap, *, dark: bool, characters: bool, plain: bool) -> None:
        from tensorpeek.analysis.heatmap.color_maps import INFINITE_COLOR, NAN_COLOR

        colors = color_map.colors(dark=dark)
        self.steps = len(colors)
        self.nan, self.infinite, self.nothing = range(self.steps, self.steps + 3)
        self._dark_cursor, self._bright_cursor = self.steps + 3, self.steps + 4
        special = (NAN_COLOR, INFINITE_COLOR, BLACK, BLACK, WHITE)
        self.colors: tuple[Rgb, ...] = (*colors, *special)
        self.characters, self.plain = characters, plain
        self.is_unsigned = color_map.for_magnitudes

    def cursor_on(self, code: int) -> int:
        """Return the code of a cursor that is seen on a dot."""
        return self._dark_cursor if self._is_bright(code) else self._bright_cursor

    def _is_bright(self, code: int) -> bool:
        red, green, blue = self.colors[code]
        return 299 * red + 587 * green + 114 * blue > 128_000

    def run(self, upper: int, lower: int, count: int) -> Segment:
        """Return ``count`` characters of two dots, one above the other."""
        if upper == lower:
            if upper == self.nothing:
                return Segment(" " * count)
            if upper in {self.nan, self.infinite}:
                letter = "N" if upper == self.nan else "∞"
                return Segment(letter * count, _style(BLACK, self.colors[upper]))
            return Segment(" " * count, _style(None, self.colors[upper]))
        if upper == self.nothing:
            return Segment("▄" * count, _style(self.colors[lower], None))
        behind = None if lower == self.nothing else self.colors[lower]
        return Segment("▀" * count, _style(self.colors[upper], behind))

    def letters(self, code: int, count: int) -> Segment:
        """Return ``count`` dots as two characters each."""
        if code >= self._dark_cursor:
            return Segment("[]" * count, Style(bold=True, reverse=True))
        if code == self.nothing:
            return Segment("  " * count)
        style = None if self.plain else _style(self.colors[code], None)
        return Segment(self.glyph(code) * count, style)

    def glyph(self, code: int) -> str:
        """Return the two characters of a dot: its shade twice, or a minus sign and its shade."""
        if code in {self.nan, self.infinite}:
            return "NN" if code == self.nan else "II"
        middle = self.steps // 2
        distance = abs(code - middle)
        shade = SHADES[-(-distance * (len(SHADES) - 1) // middle)]
        is_negative = code < middle and not self.is_unsigned
        return f"-{shade}" if is_negative else shade * 2

    def words(self, words: str, code: int) -> Segment:
        """Return words on a cell."""
        if self.plain:
            return Segment(words)
        if self.characters:
            return Segment(words, _style(self.colors[code], None))
        ink = BLACK if self._is_bright(code) else WHITE
        return Segment(words, _style(ink, self.colors[code]))

    def bar(self, codes: Sequence[int]) -> list[Segment]:
        """Return a piece of the legend: two codes a column, or one dot each."""
        if self.characters:
            return [self.letters(code, 1) for code in codes[::4]]
        pairs = zip(codes[::2], codes[1::2], strict=False)
        return [Segment("▌", _style(self.colors[a], self.colors[b])) for a, b in pairs]


@lru_cache(1 << 14)
def _style(front: Rgb | None, behind: Rgb | None) -> Style:
    return Style(
        color=None if front is None else Color.from_rgb(*front),
        bgcolor=None if behind is None else Color.from_rgb(*behind),
    )
