"""Printed tables against what Rich prints of the same table."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.table import Table

from tensorpeek.tui.command.tables import plain_table, print_table

CELL = st.text("ab Ω日é%[]\\—", max_size=12).map(str.strip)
ROWS = st.lists(st.tuples(CELL, CELL, CELL, CELL), min_size=1, max_size=5)


def console(*, terminal: bool) -> Console:
    """Return a console on a text, as wide as that of the commands."""
    color = "truecolor" if terminal else None
    return Console(
        file=io.StringIO(),
        width=10_000,
        highlight=False,
        markup=False,
        emoji=False,
        force_terminal=terminal,
        color_system=color,
    )


def table_of(rows: list[tuple[str, ...]], title: str | None) -> Table:
    """Return a table with two texts, a number and a loud column."""
    table = plain_table(texts=("Layer", "Tensor"), numbers=("Params",))
    table.add_column("Error", style="bold red")
    table.title = title
    for row in rows:
        table.add_row(*row)
    return table


def printed(output: Console) -> str:
    """Return what was printed."""
    assert isinstance(output.file, io.StringIO)
    return output.file.getvalue()


@pytest.mark.parametrize("title", [None, "Tensors"], ids=["no title", "a title"])
@given(rows=ROWS)
def test_a_table_is_what_rich_prints(title: str | None, rows: list[tuple[str, ...]]) -> None:
    own, rich = console(terminal=False), console(terminal=False)
    print_table(own, table_of(rows, title))
    rich.print(table_of(rows, title))
    assert printed(own) == printed(rich)


def test_loud_cells_are_loud_on_a_terminal_only() -> None:
    rows = [("layer", "weight", "3", ""), ("layer", "bias", "3", "is damaged")]
    loud, plain = console(terminal=True), console(terminal=False)
    for output in (loud, plain):
        print_table(output, table_of(rows, None))
    sound, damaged = printed(loud).splitlines()[2:]
    assert "\x1b[" not in sound
    assert "\x1b[1;31mis damaged\x1b[0m" in damaged
    assert "\x1b" not in printed(plain)
