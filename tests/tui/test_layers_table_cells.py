"""The characters of the table: sparklines, fitted texts, columns that fit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tensorpeek.tui.layers.column_layout import (
    first_that_shows,
    fitted,
    last_first,
    lay_out,
)
from tensorpeek.tui.layers.columns import SCROLLED
from tensorpeek.tui.layers.sparkline import ASCII_BLOCKS, BLOCKS, sparkline

COUNTS = st.lists(st.integers(0, 1 << 62), max_size=20)


@given(counts=COUNTS, ascii_only=st.booleans())
def test_sparklines_are_counts_in_eighths_of_the_fullest(
    counts: list[int], ascii_only: bool
) -> None:
    levels = ASCII_BLOCKS if ascii_only else BLOCKS
    line = sparkline(counts, ascii_only=ascii_only)
    assert len(line) == len(counts)
    assert line.isascii() or not ascii_only
    for letter, count in zip(line, counts, strict=True):
        assert (levels.index(letter) == 0) == (count == 0)
        if count:
            height = levels.index(letter)
            assert (height - 1) * max(counts) < 8 * count <= height * max(counts)


def test_a_sparkline_of_nothing_is_blank() -> None:
    assert sparkline(()) == ""
    assert sparkline((0, 0)) == "  "


CLEAN = st.text(st.characters(exclude_categories=["C"]), max_size=30)
"""As texts leave a loader: without control characters."""


@given(text=CLEAN, width=st.integers(0, 20), right=st.booleans(), end=st.booleans())
def test_texts_fit_to_the_cell(text: str, width: int, right: bool, end: bool) -> None:
    found = fitted(text, width, at_right=right, keep_end=end)
    assert cell_len(found) == width
    if cell_len(text) <= width:
        assert found.strip(" ") == text.strip(" ")


WIDTHS = st.fixed_dictionaries(
    {
        "number": st.integers(2, 7),
        "name": st.integers(1, 300),
        "dtype": st.integers(1, 15),
        "shape": st.integers(1, 18),
        "params": st.integers(1, 20),
    }
)


@given(width=st.integers(20, 300), widths=WIDTHS, first=st.integers(0, len(SCROLLED) - 1))
def test_columns_lie_side_by_side_within_the_line(
    width: int, widths: dict[str, int], first: int
) -> None:
    layout = lay_out(width, widths, first)
    assert layout.before + len(layout.columns) + layout.after == len(SCROLLED)
    end = layout.name_start + layout.name
    for placed in layout.columns:
        assert placed.start == end + 1
        end = placed.start + placed.width
        assert layout.column_at(placed.start) is layout.column_at(end - 1) is placed.column
    assert end <= max(width, layout.name_start + layout.name)
    if not layout.after:
        assert first >= last_first(width, widths)


@given(width=st.integers(60, 300), widths=WIDTHS, first=st.integers(0, len(SCROLLED) - 1))
def test_every_column_can_be_brought_into_sight(
    width: int, widths: dict[str, int], first: int
) -> None:
    for column in SCROLLED:
        found = first_that_shows(column, width, widths, first)
        shown = [placed.column for placed in lay_out(width, widths, found).columns]
        assert column in shown


def test_a_wide_screen_has_all_columns_and_a_narrow_one_some() -> None:
    widths = {"number": 4, "name": 40, "dtype": 8, "shape": 12, "params": 9}
    assert not lay_out(250, widths, 0).after
    assert lay_out(250, widths, 0).name == 40
    narrow = [placed.column.name for placed in lay_out(79, widths, 0).columns]
    assert narrow[:3] == ["dtype", "shape", "params"]
    assert last_first(250, widths) == 0
    assert 0 < last_first(79, widths) < len(SCROLLED)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_wide_letters_are_not_cut_in_half(size: int) -> None:
    assert cell_len(fitted("名前・レイヤー", size)) == size
    assert cell_len(fitted("名前・レイヤー", size, keep_end=True)) == size
