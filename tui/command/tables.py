"""The tables of the printed commands: a line under the heads, no frame."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from tensorpeek.tui.command.console import terminal_width

NARROWEST_NAMES = 20
"""Columns to which the names in the first column may be folded on a narrow terminal."""


def plain_table(*, texts: Sequence[str], numbers: Sequence[str]) -> Table:
    """Return a table with left-aligned columns ``texts``, then right-aligned ``numbers``.

    Cells are plain text: a console without markup takes nothing in them for markup.
    """
    table = Table(
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
        highlight=False,
        title_justify="left",
        title_style="bold",
    )
    for name in texts:
        table.add_column(name, overflow="fold", no_wrap=bool(table.columns))
    for name in numbers:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def print_table(console: Console, table: Table) -> None:
    """Print a table as wide as it is; only where that is enough for a terminal, names are folded.

    On a terminal still narrower the lines are longer than it: numbers are never cut.
    """
    natural = Measurement.get(console, console.options, table).maximum
    names = max(cell_len(str(cell)) for cell in table.columns[0].cells)
    least = natural - names + min(names, NARROWEST_NAMES)
    room = terminal_width() or natural
    console.print(table, width=room if least <= room < natural else natural)
