"""Draw one line of the table: its header, a tensor, a module."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tensorpeek.tui.layers.arrangement import Arrangement
from tensorpeek.tui.layers.cell_text import (
    ABSENT,
    ON_DEMAND,
    UNMEASURED,
    Cells,
    total_text,
)
from tensorpeek.tui.layers.column_layout import Layout, Placed, fitted
from tensorpeek.tui.layers.columns import NAME, NUMBER, Column
from tensorpeek.tui.layers.module_tree import Line

Styles = Mapping[str, Style]
"""By name: row, header, sorted, dim, spark, loud, mark, group, cursor."""

Piece = tuple[str, str]
"""A text and the name of its style."""


@dataclass(frozen=True)
class Signs:
    """The characters that say what a line is."""

    cursor: str = "▶"
    marked: str = "●"
    partly: str = "○"
    folded: str = "▸"
    unfolded: str = "▾"
    up: str = "▲"
    down: str = "▼"
    less: str = "‹"
    more: str = "›"

    @classmethod
    def of(cls, *, ascii_only: bool) -> Signs:
        """Return signs that the terminal has."""
        return cls(">", "*", "o", "+", "-", "^", "v", "<", ">") if ascii_only else cls()


@dataclass
class RowPainter:
    """Draws the lines of an arrangement."""

    arrangement: Arrangement
    cells: Cells
    signs: Signs
    styles: Styles = field(default_factory=dict)

    def header(self, layout: Layout, width: int) -> Strip:
        """Return the titles, the sorted one with an arrow, and signs for columns out of sight."""
        pieces = [("  ", "header"), self._title(NUMBER, layout.number), (" ", "header")]
        pieces.append(self._title(NAME, layout.name))
        cell = layout.name_start + layout.name
        for placed in layout.columns:
            is_first = placed is layout.columns[0]
            gap = self.signs.less if is_first and layout.before else " "
            pieces += [(gap, "header"), self._title(placed.column, placed.width)]
            cell = placed.start + placed.width
        more = self.signs.more if layout.after else ""
        pieces.append((more.rjust(max(width - cell, 0)), "header"))
        return self._strip(pieces, width, "header")

    def row(self, index: int, layout: Layout, width: int, *, is_cursor: bool) -> Strip:
        """Return the line of a tensor or of a module."""
        line = self.arrangement.line(index)
        pieces = [*self._start(line, layout, is_cursor=is_cursor)]
        if line.place is not None:
            pieces += self._tensor(line.place, layout, width)
        else:
            pieces += self._module(line, layout)
        return self._strip(pieces, width, "cursor" if is_cursor else "row")

    def _title(self, column: Column, width: int) -> Piece:
        known = self.arrangement
        if column is not known.column:
            return fitted(column.title, width, at_right=not column.is_text), "header"
        arrow = self.signs.down if known.descending else self.signs.up
        return fitted(column.title + arrow, width, at_right=not column.is_text), "sorted"

    def _start(self, line: Line, layout: Layout, *, is_cursor: bool) -> Iterator[Piece]:
        yield self.signs.cursor if is_cursor else " ", "mark"
        yield self._mark(line), "mark"
        number = "" if line.place is None else str(line.place + 1)
        yield fitted(number, layout.number, at_right=True) + " ", "dim"
        if not self.arrangement.is_grouped:
            yield fitted(line.label, layout.name, keep_end=True), "row"
            return
        indent = "  " * min(line.depth, layout.name // 5)
        fold = "  "
        if line.module is not None:
            folded = self.arrangement.is_folded(line)
            fold = (self.signs.folded if folded else self.signs.unfolded) + " "
        style = "row" if line.module is None else "group"
        yield fitted(indent + fold + line.label, layout.name), style

    def _mark(self, line: Line) -> str:
        count = self.arrangement.marked_in(line)
        if not count:
            return " "
        if line.place is not None or count >= self.arrangement.module_totals(line).tensors:
            return self.signs.marked
        return self.signs.partly

    def _tensor(self, place: int, layout: Layout, width: int) -> Iterator[Piece]:
        tensor = self.arrangement.inventory.tensors[place]
        figures = self.cells.ledger.figures[place]
        error = tensor.error if figures is None else figures.error
        for placed in layout.columns:
            if error is not None and placed.column.kind is not None:
                yield " " + fitted(f"not read: {error}", width - placed.start), "loud"
                return
            text = self.cells.text(placed.column, place, tensor)
            column = placed.column
            yield (
                " " + fitted(text, placed.width, at_right=not column.is_text),
                _style(text, column),
            )

    def _module(self, line: Line, layout: Layout) -> Iterator[Piece]:
        totals = self.arrangement.module_totals(line)
        placed_at = {placed.column.name: placed for placed in layout.columns}
        for placed in layout.columns:
            name, width = placed.column.name, placed.width
            if name == "shape" and "dtype" in placed_at:
                continue  # the count of tensors takes the room of both
            if name == "dtype":
                width += _room_beside(placed_at)
            text = total_text(placed.column, totals)
            yield " " + fitted(text, width, at_right=not placed.column.is_text), "group"

    def _strip(self, pieces: list[Piece], width: int, base: str) -> Strip:
        ground = self.styles[base]
        segments = [
            Segment(text, ground if style in {"row", base} else ground + self.styles[style])
            for text, style in pieces
        ]
        return Strip(segments).adjust_cell_length(width, ground)


def _room_beside(placed_at: Mapping[str, Placed]) -> int:
    shape = placed_at.get("shape")
    return 0 if shape is None else shape.width + 1


def _style(text: str, column: Column) -> str:
    if text in {UNMEASURED, ABSENT, ON_DEMAND}:
        return "dim"
    if column.name == "distribution":
        return "spark"
    return "loud" if column.name == "nan" and text != "0" else "row"
