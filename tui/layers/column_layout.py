"""Which columns fit beside the name, and how wide they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from tensorpeek.tui.layers.cell_text import shape_text
from tensorpeek.tui.layers.columns import NUMBER, SCROLLED, Column
from tensorpeek.tui.layers.inventory import Inventory

SIGNS = 2
"""Cells before the number: the cursor, the mark."""

LEAST_NAME, NAME_SHARE = 16, 0.3
"""Width of the name: at least so many cells, and such a part of the line unless there is room."""

MOST_SHAPES = 2000
"""Shapes that are written to learn their width; files with more of them get the widest column."""

WIDEST_SHAPE, WIDEST_PARAMS = 18, 17


@dataclass(frozen=True)
class Placed:
    """A column and the cells ``[start, start + width)`` of the line that it has."""

    column: Column
    start: int
    width: int


@dataclass(frozen=True)
class Layout:
    """Where things stand in a line; ``before`` and ``after`` columns lie beyond the edges."""

    number: int
    name: int
    columns: tuple[Placed, ...]
    before: int
    after: int

    @property
    def name_start(self) -> int:
        """Cell at which names begin."""
        return SIGNS + self.number + 1

    def column_at(self, cell: int) -> Column | None:
        """Return the scrolled column that has a cell of the line."""
        return next((p.column for p in self.columns if p.start <= cell < p.start + p.width), None)


def column_widths(inventory: Inventory) -> dict[str, int]:
    """Return the widths of those columns that follow the model: types, shapes, params, names."""
    shapes = {tensor.shape for tensor in inventory.tensors}
    texts = map(shape_text, shapes) if len(shapes) < MOST_SHAPES else ["x" * WIDEST_SHAPE]
    return {
        "number": max(NUMBER.width, len(str(len(inventory)))),
        "name": max((_cells(name) for name in inventory.names), default=0),
        "dtype": min(max((len(tensor.dtype) for tensor in inventory.tensors), default=0), 15),
        "shape": min(max(map(len, texts), default=0), WIDEST_SHAPE),
        "params": min(len(f"{max(inventory.params, default=0):,}"), WIDEST_PARAMS),
    }


def lay_out(width: int, widths: Mapping[str, int], first: int) -> Layout:
    """Place the number, the name and as many whole columns as fit from column ``first`` on.

    The name takes the room that is left over when all columns fit.
    """
    number = widths["number"]
    room = width - SIGNS - number - 1
    name = min(widths["name"], max(LEAST_NAME, int(width * NAME_SHARE)))
    wanted = [max(column.width, widths.get(column.name, 0)) for column in SCROLLED]
    if sum(wanted) + len(wanted) + name < room:
        name = min(widths["name"], room - sum(wanted) - len(wanted))
    name = max(name, min(LEAST_NAME, room))
    placed: list[Placed] = []
    start = SIGNS + number + 1 + name + 1
    for column, cells in list(zip(SCROLLED, wanted, strict=True))[first:]:
        if start + cells > width:
            break
        placed.append(Placed(column, start, cells))
        start += cells + 1
    after = len(SCROLLED) - first - len(placed)
    return Layout(number, name, tuple(placed), first, after)


def last_first(width: int, widths: Mapping[str, int]) -> int:
    """Return the largest sensible ``first``: the last column is in sight from there on."""
    return next(
        (at for at in range(len(SCROLLED)) if not lay_out(width, widths, at).after),
        len(SCROLLED) - 1,
    )


def first_that_shows(column: Column, width: int, widths: Mapping[str, int], first: int) -> int:
    """Return the ``first`` nearest to the present one from which a column is in sight."""
    if column not in SCROLLED:
        return first
    place = SCROLLED.index(column)
    if place < first:
        return place
    return next(
        (
            at
            for at in range(first, place)
            if any(placed.column == column for placed in lay_out(width, widths, at).columns)
        ),
        place,
    )


def fitted(text: str, width: int, *, at_right: bool = False, keep_end: bool = False) -> str:
    """Return a text of exactly ``width`` cells: padded, or cut with an ellipsis."""
    cells = _cells(text)
    if cells > width:
        text = _cut(text, width, keep_end=keep_end)
        cells = _cells(text)
    padding = " " * (width - cells)
    return padding + text if at_right else text + padding


def _cut(text: str, width: int, *, keep_end: bool) -> str:
    """Return at most ``width`` cells of a text, with an ellipsis where it is cut."""
    if width < 1:
        return ""
    letters: Sequence[str] = text[-width:] if keep_end else text[:width]
    letters = list(reversed(letters)) if keep_end else list(letters)
    while letters and _cells("".join(letters)) > width - 1:
        letters.pop()
    kept = "".join(reversed(letters)) if keep_end else "".join(letters)
    return f"…{kept}" if keep_end else f"{kept}…"


def _cells(text: str) -> int:
    return len(text) if text.isascii() else cell_len(text)
