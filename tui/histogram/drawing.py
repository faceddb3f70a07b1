"""Draw a histogram in characters: plotext in whole columns, eighth blocks high, colors by range."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby, pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from plotext._figure import _figure_class
from rich.color import Color as RichColor
from rich.style import Style
from rich.text import Text

from tensorpeek.tui.bar_columns import EIGHTHS, LABELS, LEFT, bar_starts
from tensorpeek.tui.ticks import Tick, log_ticks, percent_ticks, value_ticks

if TYPE_CHECKING:
    from tensorpeek.analysis import Histogram

Color = tuple[int, int, int]
_CellColor = Color | str

IN_COLOR: Color = (255, 140, 0)
OUT_COLOR: Color = (128, 128, 128)
SMALLEST = (LABELS + 11, 5)
"""Columns and lines below which there is only a note."""

_TO_ASCII = str.maketrans("│┤┼└┘─┬┴", "|++++-++")


@dataclass(frozen=True, eq=False)
class HistogramDrawing:
    """A drawn histogram and where its bins lie, in columns from the left edge of the text.

    ``starts`` are the first columns of the drawn bars, and one end. Each bar stands for
    ``bins_per_bar`` neighboring bins (1 unless there are more bins than columns).
    """

    lines: tuple[Text, ...]
    starts: tuple[int, ...]
    bins: int
    bins_per_bar: int
    ascii_only: bool

    @property
    def text(self) -> Text:
        """The whole drawing."""
        return Text("\n").join(self.lines)

    @property
    def left(self) -> int:
        """Columns taken by the labels and the axis on the left."""
        return self.starts[0]

    def column_of_bin(self, index: int) -> int:
        """Return the middle column of the bar that shows bin ``index``."""
        bar = index // self.bins_per_bar
        return (self.starts[bar] + self.starts[bar + 1] - 1) // 2

    def bin_at_column(self, column: int) -> int | None:
        """Return the (first) bin of the bar at ``column``, None beside the bars."""
        if not self.starts[0] <= column < self.starts[-1]:
            return None
        return (bisect_right(self.starts, column) - 1) * self.bins_per_bar

    def marked(self, index: int, style: str = "bold") -> Text:
        """Return the drawing with a mark on the axis under bin ``index``."""
        axis = self.lines[-2].copy()
        column = self.column_of_bin(index)
        mark = Text("^" if self.ascii_only else "▲", style)
        line = axis[:column] + mark + axis[column + 1 :]
        return Text("\n").join((*self.lines[:-2], line, self.lines[-1]))


def draw_histogram(  # noqa: PLR0913 (how to draw, all by keyword)
    histogram: Histogram,
    *,
    width: int,
    height: int,
    ascii_only: bool = False,
    color: bool = True,
    log: bool = False,
    in_color: Color = IN_COLOR,
    out_color: Color = OUT_COLOR,
    axis_color: Color | None = None,
) -> HistogramDrawing | None:
    """Draw the percent of parameters in each bin, what is in the selected range in ``in_color``.

    A bar that the range cuts has its share in range at the bottom and the rest above. A bin that
    holds anything shows at least an eighth of a line. Without a selection everything is in range.
    With ``log`` the y axis is logarithmic and starts at half of one parameter. Where color or
    Unicode is missing, range and rest differ in their characters. Returns None when ``width``
    (columns) and ``height`` (lines) leave no room.
    """
    if width < SMALLEST[0] or height < SMALLEST[1]:
        return None
    rows = height - 2
    bars = _Bars.of(histogram, width - LEFT)
    scale = _Scale.of(bars, histogram.total, rows, log=log)
    plot = _Plot(bars, scale.eighths(bars.percent), scale.eighths(bars.inside), rows)
    figure = _figure(width, height, axis_color if color else None)
    figure.xlim(0, width - LEFT - 1)
    figure.ylim(0, rows - 1)
    if color and not ascii_only:
        plot.draw_blocks(figure, in_color, out_color)
    else:
        colors = (in_color, out_color) if color else (None, None)
        plot.draw_symbols(figure, colors, ascii_only=ascii_only)
    _set_ticks(figure, scale.ticks, bars.ticks(histogram.edges.values, width - LEFT))
    lines = _lines(figure, ascii_only=ascii_only)
    starts = tuple(LEFT + start for start in bars.starts)
    return HistogramDrawing(lines, starts, histogram.counts.size, bars.group, ascii_only)


def _figure(width: int, height: int, axis_color: Color | None) -> _figure_class:
    figure = _figure_class()
    figure._limit_size(width=False, height=False)  # noqa: SLF001 (or it is cut to the terminal)
    figure.plotsize(width, height)
    figure.theme("clear")
    figure.xaxes(lower=True, upper=False)
    figure.yaxes(left=True, right=False)
    if axis_color is not None:
        figure.ticks_color(axis_color)
    return figure


def _set_ticks(figure: _figure_class, vertical: list[Tick], horizontal: list[Tick]) -> None:
    figure.yticks(
        [tick.place for tick in vertical], [tick.label.rjust(LABELS) for tick in vertical]
    )
    figure.xticks([tick.place for tick in horizontal], [tick.label for tick in horizontal])


def _lines(figure: _figure_class, *, ascii_only: bool) -> tuple[Text, ...]:
    """Return what plotext drew, read from its cells: as one text of escapes it takes twice as long.

    Its rows begin at the bottom; a color is a triple, or a word where there is none.
    """
    figure._set_sizes()  # noqa: SLF001 (the first two steps of ``build``)
    figure._build_matrix()  # noqa: SLF001
    cells = figure.monitor.matrix
    rows = zip(cells.marker, cells.fullground, cells.background, strict=True)
    return tuple(_line(*row, ascii_only=ascii_only) for row in reversed(list(rows)))


def _line(
    marks: list[str], fronts: list[_CellColor], backs: list[_CellColor], *, ascii_only: bool
) -> Text:
    text = "".join(marks)
    line = Text(text.translate(_TO_ASCII) if ascii_only else text, no_wrap=True)
    start = 0
    for colors, cells in groupby(zip(fronts, backs, strict=True)):
        end = start + len(list(cells))
        style = _style(*colors)
        if style is not None:
            line.stylize(style, start, end)
        start = end
    return line


@lru_cache(maxsize=64)
def _style(front: _CellColor, back: _CellColor) -> Style | None:
    color, background = (None if isinstance(each, str) else each for each in (front, back))
    if color is None and background is None:
        return None
    return Style(
        color=None if color is None else RichColor.from_rgb(*color),
        bgcolor=None if background is None else RichColor.from_rgb(*background),
    )


@dataclass(frozen=True, eq=False)
class _Bars:
    """Bins gathered to bars of whole columns: percent of all, percent in range."""

    percent: NDArray[np.float64]
    inside: NDArray[np.float64]
    starts: tuple[int, ...]
    group: int

    @classmethod
    def of(cls, histogram: Histogram, columns: int) -> _Bars:
        bins = histogram.counts.size
        group = -(-bins // columns)
        firsts = np.arange(0, bins, group)
        counts = np.add.reduceat(histogram.counts, firsts)
        chosen = histogram.counts if histogram.selected is None else histogram.selected
        share = 100.0 / max(histogram.total, 1)
        inside = np.add.reduceat(chosen, firsts) * share
        return cls(counts * share, inside, bar_starts(firsts.size, columns), group)

    def ticks(self, edges: NDArray[np.float64], columns: int) -> list[Tick]:
        """Place round values under the edges of the bars."""
        borders = np.append(edges[:-1][:: self.group], edges[-1])
        return value_ticks(borders, np.asarray(self.starts), columns)


@dataclass(frozen=True)
class _Scale:
    """From percent to a height in eighths of a line."""

    floor: float
    top: float
    rows: int
    ticks: list[Tick]

    @classmethod
    def of(cls, bars: _Bars, total: int, rows: int, *, log: bool) -> _Scale:
        top = float(bars.percent.max(initial=0.0)) or 100.0
        if not log:
            return cls(0.0, top, rows, percent_ticks(top, rows))
        floor = 50.0 / max(total, 1)
        return cls(floor, top, rows, log_ticks(floor, top, rows))

    def eighths(self, percent: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return heights, 0 only where there is nothing."""
        if self.floor:
            ratio = np.log10(np.maximum(percent, self.floor) / self.floor)
            ratio /= np.log10(self.top / self.floor)
        else:
            ratio = percent / self.top
        heights = np.rint(ratio * self.rows * 8).astype(np.int64)
        return np.where(percent > 0, np.maximum(heights, 1), 0)


class _Plot:
    """The cells of all bars, one entry for each column that is not empty."""

    def __init__(
        self, bars: _Bars, total: NDArray[np.int64], inside: NDArray[np.int64], rows: int
    ) -> None:
        mixed = (bars.inside > 0) & (bars.inside < bars.percent) & (inside >= total)
        inside = np.where(mixed & (total > 1), total - 1, inside)
        widths = [end - start for start, end in pairwise(bars.starts)]
        self.total = np.repeat(np.minimum(total, rows * 8), widths).tolist()
        self.inside = np.repeat(np.minimum(inside, rows * 8), widths).tolist()

    def draw_blocks(self, figure: _figure_class, in_color: Color, out_color: Color) -> None:
        """Draw with eighth blocks: the rest first, the share in range over it."""
        _fill(figure, self.total, "█", out_color)
        _tops(figure, self.total, out_color)
        _fill(figure, self.inside, "█", in_color)
        for column, (total, inside) in enumerate(zip(self.total, self.inside, strict=True)):
            row, part = divmod(inside, 8)
            if not part:
                continue
            if total >= 8 * (row + 1):
                figure.text(EIGHTHS[part], column, row, color=in_color, background=out_color)
            else:  # three colors in one cell are impossible: the larger share has it
                color = in_color if 2 * part >= total % 8 else out_color
                figure.text(EIGHTHS[total % 8], column, row, color=color)

    def draw_symbols(
        self,
        figure: _figure_class,
        colors: tuple[Color | None, Color | None],
        *,
        ascii_only: bool,
    ) -> None:
        """Draw with one character for the range and another for the rest, half a line exact.

        Bars that lie whole in the range keep their eighths, if there is Unicode.
        """
        inside_mark, outside_mark = ("#", ":") if ascii_only else ("█", "░")
        pairs = list(zip(self.total, self.inside, strict=True))
        whole = [total if total == inside and not ascii_only else 0 for total, inside in pairs]
        _fill(figure, whole, inside_mark, colors[0])
        _tops(figure, whole, colors[0])
        rest = [pair if not whole[column] else (0, 0) for column, pair in enumerate(pairs)]
        _fill(figure, [8 * _lines_of(total) for total, _ in rest], outside_mark, colors[1])
        _fill(figure, [8 * _lines_of(inside) for _, inside in rest], inside_mark, colors[0])
        for column, (total, inside) in enumerate(rest):
            if total and not _lines_of(total):
                within = 2 * inside >= total
                low = ("_" if ascii_only else "▁") if within else "."
                figure.text(low, column, 0, color=colors[0 if within else 1])


def _lines_of(eighths: int) -> int:
    return (eighths + 4) // 8


def _fill(figure: _figure_class, eighths: list[int], marker: str, color: Color | None) -> None:
    columns = [column for column, height in enumerate(eighths) if height >= 8]
    if columns:
        tops = [eighths[column] // 8 - 1 for column in columns]
        figure.scatter(columns, tops, marker=marker, color=color or "default", fillx=True)


def _tops(figure: _figure_class, eighths: list[int], color: Color | None) -> None:
    columns = [column for column, height in enumerate(eighths) if height % 8]
    if columns:
        markers = [EIGHTHS[eighths[column] % 8] for column in columns]
        rows = [eighths[column] // 8 for column in columns]
        figure.scatter(columns, rows, marker=markers, color=color or "default")
