"""Bars of characters: heights in eighths of a line, lines across them."""

from __future__ import annotations

from tensorpeek.tui.charts.cells import Cells
from tensorpeek.tui.charts.look import Look


def draw_bar(  # noqa: PLR0913 (a bar is made of these)
    cells: Cells, look: Look, column: int, *, bottom: int, eighths: int, part: str
) -> None:
    """Draw a bar of one column that stands on line ``bottom``."""
    rows, rest = divmod(eighths, 8)
    for row in range(rows):
        cells.put(column, bottom - row, *look.cell(part, 8, is_lowest=not row), part)
    if rest:
        letter, style = look.cell(part, rest, is_lowest=not rows)
        cells.put(column, bottom - rows, letter, style)


def draw_level(  # noqa: PLR0913 (a line is made of these)
    cells: Cells, look: Look, *, line: int, start: int, end: int, part: str
) -> None:
    """Draw a dashed line across a chart, also over full cells of bars; the ends of bars stay."""
    letter = "-" if look.ascii_only else "╌"
    for column in range(start, end):
        ground = cells.ground(column, line)
        if ground == "" and cells.letter(column, line) != " ":
            continue
        if look.plain and ground and column % 2:
            continue
        cells.put(column, line, letter, look.on(part, ground), ground)


def draw_upright(  # noqa: PLR0913 (a line is made of these)
    cells: Cells, look: Look, *, column: int, top: int, bottom: int, part: str
) -> None:
    """Draw a dotted line from top to bottom where nothing is drawn yet."""
    letter = ":" if look.ascii_only else "┊"
    for line in range(top, bottom + 1):
        if cells.letter(column, line) == " ":
            cells.put(column, line, letter, look.style(part))
