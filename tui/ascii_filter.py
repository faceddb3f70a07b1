"""Draw everything in ASCII, whatever widget or file a character comes from."""

from __future__ import annotations

from functools import lru_cache

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

_ALIKE = {
    "~": "…",
    "x": "×",
    "*": "•",
    "s": "σ",
    "v": "▼",
    "^": "▲",
    "<": "←",
    ">": "→▸",
    "|": "│┃▌▐▊▎·",
    "-": "–−─━═▔▁",
    "+": "╭╮╰╯┌┐└┘├┤┬┴┼",
    "#": "▂▃▄▅▆▇█▀░▒▓",
}

SIGNS = {ord(each): stand_in for stand_in, letters in _ALIKE.items() for each in letters}
"""What stands for the characters that the app draws itself; others become question marks."""


class AsciiFilter(LineFilter):
    """Replaces every character that is not ASCII, cell by cell, so that nothing moves."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        """Return the segments of a line in ASCII."""
        return [Segment(to_ascii(text), style, control) for text, style, control in segments]


@lru_cache(4096)
def to_ascii(text: str) -> str:
    """Return a text of as many cells in ASCII."""
    if text.isascii():
        return text
    letters = text.translate(SIGNS)
    return "".join(each if each.isascii() else "?" * cell_len(each) for each in letters)
