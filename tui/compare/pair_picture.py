"""Draw a pair: both histograms over each other, that of the difference, the error by channel."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tensorpeek.tui.bar_columns import LEFT, bar_starts
from tensorpeek.tui.charts.axes import draw_axes, tick_label
from tensorpeek.tui.charts.bars import draw_bar
from tensorpeek.tui.charts.cells import Cells
from tensorpeek.tui.charts.look import Look
from tensorpeek.tui.compare.messages import PairView
from tensorpeek.tui.number_text import number
from tensorpeek.tui.ticks import Tick, percent_label, percent_ticks, value_ticks

if TYPE_CHECKING:
    from tensorpeek.analysis.comparison import ChannelErrors
    from tensorpeek.analysis.comparison.detail import Detail

SMALLEST = (LEFT + 20, 5)
"""Columns and lines below which nothing is drawn."""

STRIP_ROWS = 2

BELOW_FROM, STRIP_FROM = 10, 14
"""Lines from which there is room for the differences too, and for the channels."""


def draw_pair(cells: Cells, look: Look, view: PairView) -> bool:
    """Draw a pair from top to bottom; False where there is no room."""
    if cells.width < SMALLEST[0] or cells.height < SMALLEST[1]:
        return False
    found = view.detail
    channels = found.channels if found is not None and cells.height >= STRIP_FROM else None
    strip = 0 if channels is None else STRIP_ROWS + 3
    below = 0
    if found is not None and cells.height >= BELOW_FROM:
        below = max((cells.height - strip - 6) // 3, 2)
    rows = cells.height - strip - 3 - (below + 3 if below else 0)
    _draw_overlay(cells, look, view, rows)
    if found is not None and below:
        _draw_differences(cells, look, view, found, rows + 3, below)
    if channels is not None:
        _draw_channels(cells, look, channels, cells.height - strip)
    return True


def _draw_overlay(cells: Cells, look: Look, view: PairView, rows: int) -> None:
    """Draw the first tensor as bars and the second one as a line over them."""
    edges = view.histograms[0].edges.values
    bars = [_gathered(each.percent, cells.width - LEFT) for each in view.histograms]
    top = max(float(bars[0].max(initial=0.0)), float(bars[1].max(initial=0.0))) or 100.0
    starts = bar_starts(bars[0].size, cells.width - LEFT)
    heights = [_eighths(each, top, rows) for each in bars]
    for place, (start, end) in enumerate(pairwise(starts)):
        for column in range(LEFT + start, LEFT + end):
            draw_bar(cells, look, column, bottom=rows, eighths=heights[0][place], part="signal")
            _draw_mark(cells, look, column, rows, heights[1][place], heights[0][place])
    _legend(cells, look, view)
    across = _ticks(edges, starts, cells.width - LEFT)
    draw_axes(cells, look, top=1, rows=rows, vertical=_shares(top, rows), horizontal=across)


def _legend(cells: Cells, look: Look, view: PairView) -> None:
    pair = view.comparison.pair
    bar, line = ("#", "o") if look.ascii_only else ("░" if look.plain else "█", "━")
    column = cells.words(LEFT, 0, bar * 2, look.style("signal"))
    column = cells.words(column, 0, f" a {pair.first.dtype}   ", look.style("axis"))
    column = cells.words(column, 0, line * 2, look.style("curve", bold=True))
    bins = f"{view.histograms[0].edges.bins} bins"
    cells.words(column, 0, f" b {pair.second.dtype}   {bins}, percent", look.style("axis"))


def _draw_mark(  # noqa: PLR0913, PLR0917 (a place, and both heights)
    cells: Cells, look: Look, column: int, bottom: int, height: int, bar: int
) -> None:
    """Draw a piece of a line at a height in eighths, over a bar of another height."""
    if not height:
        return
    row, part = divmod(height - 1, 8)
    letter = "o" if look.ascii_only else "▁" if part < 3 else "━" if part < 6 else "▔"
    # Three colors in one cell are impossible: the ground is the bar's where it fills half of it.
    ground = "signal" if bar - 8 * row >= 4 else ""
    cells.put(column, bottom - row, letter, look.on("curve", ground))


def _draw_differences(  # noqa: PLR0913, PLR0917 (a place, and what to draw there)
    cells: Cells, look: Look, view: PairView, found: Detail, top: int, rows: int
) -> None:
    total = max(int(found.counts.sum()), 1)
    percent = _gathered(np.asarray(found.counts * (100.0 / total), np.float64), cells.width - LEFT)
    highest = float(percent.max(initial=0.0)) or 100.0
    starts = bar_starts(percent.size, cells.width - LEFT)
    heights = _eighths(percent, highest, rows)
    for place, (start, end) in enumerate(pairwise(starts)):
        for column in range(LEFT + start, LEFT + end):
            draw_bar(cells, look, column, bottom=top + rows, eighths=heights[place], part="noise")
    reach = view.comparison.difference.max_delta if view.comparison.difference else None
    words = "no difference" if reach == 0 else f"b − a, up to {number(reach, 4)}"
    cells.words(
        LEFT, top, words.replace("−", "-") if look.ascii_only else words, look.style("axis")
    )
    across = _ticks(found.edges.values, starts, cells.width - LEFT)
    vertical = _shares(highest, rows)
    draw_axes(cells, look, top=top + 1, rows=rows, vertical=vertical, horizontal=across)


def _draw_channels(cells: Cells, look: Look, channels: ChannelErrors, top: int) -> None:
    """Draw the largest relative error of the channels in each column, the worst one apart."""
    values = np.where(np.isfinite(channels.relative), channels.relative, np.nan)
    finite = np.nan_to_num(values, nan=0.0)
    shown = _gathered(finite, cells.width - LEFT, by_largest=True)
    highest = float(shown.max(initial=0.0))
    starts = bar_starts(shown.size, cells.width - LEFT)
    heights = _eighths(shown, highest or 1.0, STRIP_ROWS)
    worst = int(np.argmax(channels.relative))
    group = -(-finite.size // (cells.width - LEFT))
    for place, (start, end) in enumerate(pairwise(starts)):
        part = "signal" if highest and place == worst // group else "noise"
        stop = end - 1 if end - start >= 3 else end
        for column in range(LEFT + start, LEFT + stop):
            draw_bar(
                cells, look, column, bottom=top + STRIP_ROWS, eighths=heights[place], part=part
            )
    each = f", {group:,} a column" if group > 1 else ""
    words = "relative error by channel"
    if highest or not np.isfinite(channels.relative[worst]):
        words += f", worst {worst:,}: {number(float(channels.relative[worst]), 3)}"
    axis = f" (axis {channels.axis}{each})"
    words += axis if LEFT + len(words + axis) <= cells.width else ""
    cells.words(LEFT, top, words, look.style("axis"))
    vertical = [Tick(STRIP_ROWS - 1, tick_label(highest))]
    last = Tick(starts[-1] - 1, f"{finite.size - 1:,}")
    draw_axes(
        cells,
        look,
        top=top + 1,
        rows=STRIP_ROWS,
        vertical=vertical,
        horizontal=[Tick(0, "0"), last],
    )


def _gathered(
    values: NDArray[np.float64], columns: int, *, by_largest: bool = False
) -> NDArray[np.float64]:
    """Gather neighbors until there is a column for each: their sum, or the largest."""
    group = -(-values.size // columns)
    places = np.arange(0, values.size, group)
    if by_largest:
        return np.maximum.reduceat(values, places)
    return np.add.reduceat(values, places)


def _eighths(values: NDArray[np.float64], top: float, rows: int) -> list[int]:
    """Return heights in eighths of a line, 0 only where there is nothing."""
    heights = np.rint(values / top * rows * 8)
    filled = np.where(values > 0, np.clip(heights, 1, rows * 8), 0)
    return [int(height) for height in filled]


def _shares(top: float, rows: int) -> list[Tick]:
    """Return round percentages; where there is room for none but 0, what the top stands for."""
    ticks = percent_ticks(top, rows)
    if len(ticks) > 1:
        return ticks
    return [*ticks[: rows - 2], Tick(rows - 1, percent_label(top))]


def _ticks(edges: NDArray[np.float64], starts: tuple[int, ...], columns: int) -> list[Tick]:
    group = -(-(edges.size - 1) // columns)
    borders = np.append(edges[:-1][::group], edges[-1])
    return value_ticks(borders, np.asarray(starts), columns)
