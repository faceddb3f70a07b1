"""The drawn histogram: every column and every label against the numbers behind them."""

from __future__ import annotations

import time
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tensorpeek.analysis import Histogram, uniform_edges
from tensorpeek.tui.histogram.drawing import EIGHTHS, HistogramDrawing, draw_histogram
from tensorpeek.tui.ticks import log_ticks, percent_ticks, value_ticks


def make_histogram(
    counts: list[int], selected: list[int] | None = None, low: float = -1.0, high: float = 1.0
) -> Histogram:
    return Histogram(
        edges=uniform_edges(low, high, len(counts)),
        counts=np.array(counts, np.int64),
        selected=None if selected is None else np.array(selected, np.int64),
        selection=None if selected is None else (low, high),
        below=0,
        above=0,
        total=sum(counts),
        nan=0,
        positive_infinity=0,
        negative_infinity=0,
        exact=True,
    )


def draw(
    histogram: Histogram, width: int = 60, height: int = 12, **how: object
) -> HistogramDrawing:
    drawing = draw_histogram(histogram, width=width, height=height, **how)
    assert drawing is not None
    return drawing


def height_at(drawing: HistogramDrawing, column: int) -> int:
    """Return the eighths of a line that are filled in a column, whatever their color."""
    rows = [line.plain.ljust(column + 1)[column] for line in drawing.lines[:-2]]
    return sum(EIGHTHS.index(cell) for cell in rows)


def cells_of(drawing: HistogramDrawing, color: tuple[int, int, int]) -> set[tuple[int, int]]:
    """Return (line, column) of the characters drawn in a color."""
    found = set()
    for row, line in enumerate(drawing.lines):
        for span in line.spans:
            style = span.style if not isinstance(span.style, str) else None
            if style and style.color and style.color.triplet == color:
                found |= {(row, column) for column in range(span.start, span.end)}
    return found


@given(
    counts=st.lists(st.integers(0, 10_000), min_size=1, max_size=120).filter(any),
    width=st.integers(20, 140),
    height=st.integers(5, 40),
)
@settings(max_examples=40, deadline=None)
def test_every_bar_is_as_high_as_its_share_to_an_eighth_of_a_line(
    counts: list[int], width: int, height: int
) -> None:
    drawing = draw(make_histogram(counts), width, height)
    group = drawing.bins_per_bar
    bars = np.add.reduceat(counts, np.arange(0, len(counts), group))
    assert len(drawing.lines) == height
    assert {line.cell_len for line in drawing.lines} == {width}
    for bar, count in enumerate(bars):
        wanted = max(round(count / bars.max() * (height - 2) * 8), 1) if count else 0
        for column in range(drawing.starts[bar], drawing.starts[bar + 1]):
            assert abs(height_at(drawing, column) - wanted) <= (0 if wanted <= 1 else 1)


@given(bins=st.integers(1, 300), width=st.integers(20, 200))
@settings(max_examples=60, deadline=None)
def test_columns_and_bins_lead_to_each_other(bins: int, width: int) -> None:
    drawing = draw(make_histogram([1] * bins), width, 6)
    assert drawing.left == drawing.starts[0]
    assert drawing.starts[-1] <= width
    for index in range(bins):
        first = drawing.bin_at_column(drawing.column_of_bin(index))
        assert first is not None
        assert first <= index < first + drawing.bins_per_bar
    assert drawing.bin_at_column(drawing.left - 1) is None
    assert drawing.bin_at_column(drawing.starts[-1]) is None


def test_bars_are_even_where_that_uses_the_width() -> None:
    starts = draw(make_histogram([1] * 20), 7 + 65, 8).starts
    assert set(np.diff(starts)) == {3}


def test_more_bins_than_columns_share_bars() -> None:
    drawing = draw(make_histogram([1] * 100), 7 + 50, 8)
    assert drawing.bins_per_bar == 2
    assert len(drawing.starts) == 51


def test_range_and_rest_have_their_colors() -> None:
    inside, outside = (1, 2, 3), (4, 5, 6)
    histogram = make_histogram([8, 8, 8], selected=[0, 4, 8])
    drawing = draw(histogram, 7 + 12, 10, in_color=inside, out_color=outside)
    oranges, grays = cells_of(drawing, inside), cells_of(drawing, outside)
    first, second, third = (drawing.column_of_bin(index) for index in range(3))
    rows = set(range(8))
    assert {row for row, column in grays if column == first} == rows
    assert {row for row, column in oranges if column == second} == {4, 5, 6, 7}
    assert {row for row, column in grays if column == second} == {0, 1, 2, 3}
    assert {row for row, column in oranges if column == third} == rows
    assert not {row for row, column in oranges if column == first}


def test_a_share_of_a_line_has_the_rest_behind_it() -> None:
    inside, outside = (1, 2, 3), (4, 5, 6)
    histogram = make_histogram([64, 64], selected=[20, 64])
    drawing = draw(histogram, 7 + 12, 10, in_color=inside, out_color=outside)
    column = drawing.column_of_bin(0)
    cell = drawing.lines[5][column]
    assert cell.plain == "▄"
    (span,) = cell.spans
    assert span.style.color.triplet == inside
    assert span.style.bgcolor.triplet == outside


def test_without_color_range_and_rest_differ_in_characters() -> None:
    histogram = make_histogram([80, 80, 1], selected=[0, 80, 0])
    plain = draw(histogram, 7 + 12, 10, color=False).text
    assert not plain.spans
    assert {"░", "█", "."} <= set(plain.plain)
    text = draw(histogram, 7 + 12, 10, ascii_only=True).text.plain
    assert text.isascii()
    assert {"#", ":", "."} <= set(text)


def test_without_a_selection_everything_is_in_range() -> None:
    outside = (4, 5, 6)
    assert not cells_of(draw(make_histogram([3, 1, 2]), out_color=outside), outside)


@pytest.mark.parametrize("log", [False, True], ids=["linear", "logarithmic"])
@pytest.mark.parametrize("counts", [[0, 0], [1], [10**12, 1]], ids=["none", "one", "extremes"])
def test_any_counts_can_be_drawn_twice(counts: list[int], log: bool) -> None:
    histogram = make_histogram(counts)
    assert draw(histogram, log=log).text == draw(histogram, log=log).text


def test_logarithmic_heights_are_proportional_to_the_logarithm() -> None:
    drawing = draw(make_histogram([1, 1000, 1_000_000]), 7 + 30, 22, log=True)
    floor = np.log10(0.5)
    for index, count in enumerate((1, 1000, 1_000_000)):
        wanted = (np.log10(count) - floor) / (6 - floor) * 20 * 8
        assert height_at(drawing, drawing.column_of_bin(index)) == pytest.approx(wanted, abs=1)


def test_the_mark_changes_the_axis_only() -> None:
    drawing = draw(make_histogram([1, 2, 3]))
    plain, marked = drawing.text.plain.splitlines(), drawing.marked(1).plain.splitlines()
    assert [row for row, line in enumerate(marked) if line != plain[row]] == [len(plain) - 2]
    assert marked[-2][drawing.column_of_bin(1)] == "▲"


@pytest.mark.parametrize(("width", "height"), [(10, 20), (80, 4), (0, 0)])
def test_nothing_is_drawn_without_room(width: int, height: int) -> None:
    assert draw_histogram(make_histogram([1]), width=width, height=height) is None


@given(
    low=st.floats(-1e300, 1e300),
    span=st.floats(1e-300, 1e300),
    columns=st.integers(10, 200),
)
@settings(max_examples=200, deadline=None)
def test_value_ticks_stand_where_they_say_and_apart(low: float, span: float, columns: int) -> None:
    borders = np.array([low, low + span])
    ticks = value_ticks(borders, np.array([0, columns]), columns)
    for tick in ticks:
        share = (float(tick.label) - low) / (borders[1] - low)
        assert share * columns == pytest.approx(tick.place, abs=1.6)
    for earlier, later in pairwise(ticks):
        assert later.place - earlier.place > len(later.label)


@given(top=st.floats(1e-7, 100), rows=st.integers(3, 80))
@settings(max_examples=100, deadline=None)
def test_percent_ticks_stand_where_they_say(top: float, rows: int) -> None:
    for tick in percent_ticks(top, rows):
        assert len(tick.label) <= 6
        assert float(tick.label[:-1]) / top * rows == pytest.approx(tick.place, abs=1.01)


def test_log_ticks_are_powers_of_ten() -> None:
    labels = [tick.label for tick in log_ticks(0.0004, 30, 40)]
    assert labels == ["0.001%", "0.01%", "0.1%", "1%", "10%"]


def test_fifty_bins_draw_quickly() -> None:
    rng = np.random.default_rng(1)
    counts = np.histogram(rng.normal(size=20_000), 50)[0]
    histogram = make_histogram(counts.tolist(), selected=(counts // 2).tolist())
    durations = []
    for _ in range(7):
        start = time.perf_counter()
        draw(histogram, 100, 24)
        durations.append(time.perf_counter() - start)
    assert min(durations) < 0.5, "0.02 s on an idle machine"
