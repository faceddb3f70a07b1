"""Draw histograms over each other: an outline each, with signs on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tensorpeek.tui.bar_columns import LEFT, bar_starts
from tensorpeek.tui.charts.axes import draw_axes
from tensorpeek.tui.charts.cells import BRAILLE, DOTS, Cells
from tensorpeek.tui.charts.look import Look
from tensorpeek.tui.overlay.marks import Marks
from tensorpeek.tui.overlay.overlaid import Overlaid
from tensorpeek.tui.ticks import Tick, log_ticks, percent_ticks, value_ticks

APART, APART_PLAIN = 16, 4
"""Columns between two signs of an outline, with color and without."""

BITS = np.array(DOTS, np.int64).T
"""The bits of a braille letter by line and column."""


@dataclass(frozen=True)
class Bars:
    """Where bins lie: ``starts`` are the first columns of bars of ``group`` bins, and one end."""

    starts: tuple[int, ...]
    group: int
    bins: int

    def columns(self, index: int) -> tuple[int, int]:
        """Return the first column of a bin's bar and the one after its last."""
        bar = index // self.group
        return LEFT + self.starts[bar], LEFT + self.starts[bar + 1]

    def bin_at(self, column: int) -> int | None:
        """Return the first bin of the bar in a column, None beside the bars."""
        bar = int(np.searchsorted(self.starts, column - LEFT, side="right")) - 1
        return bar * self.group if 0 <= bar < len(self.starts) - 1 else None


@dataclass(frozen=True)
class Scale:
    """From percent to a height in ``steps``; a ``floor`` above 0 makes it logarithmic."""

    floor: float
    top: float

    @classmethod
    def of(cls, shares: Sequence[NDArray[np.float64]], total: int, *, log: bool) -> Scale:
        """Return the scale of all shares; one value of ``total`` is above its floor."""
        top = max(float(share.max(initial=0.0)) for share in shares) or 100.0
        return cls(50.0 / max(total, 1) if log else 0.0, top)

    def ticks(self, rows: int) -> list[Tick]:
        """Return the ticks of the axis."""
        if self.floor:
            return log_ticks(self.floor, self.top, rows)
        return percent_ticks(self.top, rows)

    def heights(self, share: NDArray[np.float64], steps: int) -> NDArray[np.int64]:
        """Return heights from 0 to ``steps``, 0 only where there is nothing."""
        if self.floor:
            ratio = np.log10(np.maximum(share, self.floor) / self.floor)
            ratio /= np.log10(self.top / self.floor)
        else:
            ratio = share / self.top
        heights = np.rint(ratio * steps).astype(np.int64)
        return np.where(share > 0, np.clip(heights, 1, steps), 0)


def draw_overlay(
    cells: Cells, look: Look, shown: Overlaid, *, log: bool, marks: Marks
) -> Bars | None:
    """Draw the outlines and both axes; return where the bins lie, None without any."""
    if shown.edges is None:
        return None
    columns, rows = cells.width - LEFT, cells.height - 2
    group = -(-shown.edges.bins // columns)
    places = np.arange(0, shown.edges.bins, group)
    bars = Bars(bar_starts(places.size, columns), group, shown.edges.bins)
    shares = [np.add.reduceat(histogram.percent, places) for _, histogram in shown.drawn]
    total = max(histogram.total for _, histogram in shown.drawn)
    scale = Scale.of(shares, total, log=log)
    canvas = _Canvas(cells, rows, bars, look)
    for (place, _), share in zip(shown.drawn, shares, strict=True):
        style, sign = marks.styles[place], marks.signs[place]
        if look.ascii_only:
            canvas.letters(scale.heights(share, rows), sign, style, turn=(place, len(shares)))
        else:
            canvas.outline(scale.heights(share, 4 * rows), style)
    if not look.ascii_only:
        for turn, ((place, _), share) in enumerate(zip(shown.drawn, shares, strict=True)):
            style, sign = marks.styles[place], marks.signs[place]
            canvas.signs(scale.heights(share, 8 * rows), turn, style, sign)
    borders = np.append(shown.edges.values[:-1][::group], shown.edges.values[-1])
    ticks = value_ticks(borders, np.asarray(bars.starts), columns)
    draw_axes(cells, look, top=0, rows=rows, vertical=scale.ticks(rows), horizontal=ticks)
    return bars


class _Canvas:
    """The cells above the lower axis."""

    def __init__(self, cells: Cells, rows: int, bars: Bars, look: Look) -> None:
        self._cells = cells
        self._rows = rows
        self._bars = bars
        self._look = look
        self._codes = np.zeros((rows, cells.width - LEFT), np.int64)
        self._signed: set[tuple[int, int]] = set()

    def letters(
        self, heights: NDArray[np.int64], letter: str, style: str, *, turn: tuple[int, int]
    ) -> None:
        """Draw the outline of bars, in lines, with a letter; those of others take turns with it."""
        which, count = turn
        for line, column in np.argwhere(
            step_line(heights, np.asarray(self._bars.starts), self._rows)
        ):
            place = (LEFT + int(column), int(line))
            if self._cells.letter(*place) == " " or column % count == which % count:
                self._cells.put(*place, letter, style)

    def outline(self, heights: NDArray[np.int64], style: str) -> None:
        """Draw the outline of bars, in dots."""
        dots = step_line(heights, 2 * np.asarray(self._bars.starts), 4 * self._rows)
        dots = np.pad(dots, ((0, 0), (0, 2 * self._codes.shape[1] - dots.shape[1])))
        parts = dots.reshape(self._rows, 4, -1, 2)
        codes = np.einsum("rycx,yx->rc", parts.astype(np.int64), BITS)
        self._codes |= codes
        for line, column in np.argwhere(codes):
            letter = chr(BRAILLE | int(self._codes[line, column]))
            self._cells.put(LEFT + int(column), int(line), letter, style)

    def signs(self, heights: NDArray[np.int64], turn: int, style: str, sign: str) -> None:
        """Put signs on an outline: on its highest bar, and at regular distances.

        On the highest bar it stands beside those that stand there, or below on the bar's upright.
        """
        starts = self._bars.starts
        apart = APART_PLAIN if self._look.plain else APART
        highest = int(heights.argmax())
        bold = f"bold {style}".strip()
        for bar in np.flatnonzero(heights).tolist():
            start, end = starts[bar], starts[bar + 1]
            middle = (start + end - 1) // 2
            due = any((column + 3 * turn) % apart == 0 for column in range(start, end))
            if due or bar == highest:
                line = self._line(int(heights[bar]))
                places = [(LEFT + middle, line)]
                if bar == highest:
                    lowest = self._line(int(heights[bar - 1]) if bar else 0)
                    places += [(LEFT + column, line) for column in range(start, end)]
                    places += [(LEFT + start, below) for below in range(line + 1, lowest)]
                place = next((each for each in places if each not in self._signed), places[0])
                self._signed.add(place)
                self._cells.put(*place, sign, bold)

    def _line(self, height: int) -> int:
        """Return the line of a height in eighths, the one under the picture for 0."""
        return self._rows - 1 - (height - 1) // 8


def step_line(
    heights: NDArray[np.int64], starts: NDArray[np.int64], steps: int
) -> NDArray[np.bool_]:
    """Return the dots of a line over bars, (steps, columns), the first row on top.

    ``heights`` are from 0 to ``steps``; where they are 0 there is no dot. Uprights stand in the
    columns of the higher one of two neighbors.
    """
    levels = np.repeat(heights, np.diff(starts))
    left = np.append(0, levels[:-1])
    right = np.append(levels[1:], 0)
    lowest = np.minimum(np.minimum(left, right) + 1, levels)
    lowest = np.where((left < levels) | (right < levels), lowest, levels)
    row = np.arange(steps, 0, -1)[:, None]
    return np.asarray((row <= levels) & (row >= np.maximum(lowest, 1)))
