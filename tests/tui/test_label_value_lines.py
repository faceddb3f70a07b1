"""Labels and values look as in the table that Rich makes of them."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console, RenderableType
from rich.style import Style
from rich.table import Table
from rich.text import Text

from tensorpeek.tui.label_value_lines import LabelValueLines

LABEL = Style.parse("#aabbcc")
STYLES = (Style(), Style(bold=True), Style.parse("bold #ff0000"))

LABELS = st.sampled_from(["min", "mean |x|", "1 % … 99 %", "", "1,024 scales", "量 x"])
VALUES = st.sampled_from(
    [
        "0.1",
        "-1.23456e-12",
        "1,000 at -128, 20 at 127",
        "a_long_name_with more_words_and_more.of.it.to_be_folded somewhere",
        "",
        "per-channel affine, axis 0",
        "量子化",
    ]
)
ROWS = st.lists(st.tuples(LABELS, VALUES, st.sampled_from(STYLES)), min_size=1, max_size=8)


def cells(console: Console, shown: RenderableType, width: int) -> list[list[tuple[str, str]]]:
    """The characters of each line that are no blanks, with the color and weight of each."""
    lines = console.render_lines(shown, console.options.update(width=width))
    return [
        [
            (letter, str(part.style or Style()))
            for part in line
            for letter in part.text
            if letter != " "
        ]
        for line in lines
    ]


def plain(console: Console, shown: RenderableType, width: int) -> list[str]:
    lines = console.render_lines(shown, console.options.update(width=width))
    return ["".join(part.text for part in line) for line in lines]


@given(rows=ROWS, width=st.integers(20, 70))
@settings(max_examples=60, deadline=None)
def test_they_look_as_the_table_of_rich(rows: list[tuple[str, str, Style]], width: int) -> None:
    console = Console(width=200, force_terminal=True, color_system="truecolor")
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(style=LABEL, no_wrap=True)
    table.add_column(justify="right", overflow="fold")
    for label, value, style in rows:
        table.add_row(Text(label, style), Text(value, style))
    lines = LabelValueLines(tuple(rows), LABEL)
    assert plain(console, lines, width) == plain(console, table, width)
    assert cells(console, lines, width) == cells(console, table, width)


def test_on_too_few_columns_nothing_fails() -> None:
    console = Console(width=200)
    lines = LabelValueLines((("a long label", "a value", Style()), ("", "", Style())), LABEL)
    for width in range(1, 12):
        assert plain(console, lines, width)
