"""Words in the place of a picture."""

from __future__ import annotations

from rich.console import Console
from rich.segment import Segment
from rich.text import Text
from textual.geometry import Size
from textual.strip import Strip


def note_strips(note: Text, size: Size, console: Console) -> list[Strip]:
    """Return a text as lines in the middle of a widget of a size, in cells."""
    lines = list(note.wrap(console, max(size.width - 4, 10)))
    above = max((size.height - len(lines)) // 2, 0)
    strips = [Strip([Segment("  "), *line.render(console, end="")]) for line in lines]
    return [Strip([])] * above + strips
