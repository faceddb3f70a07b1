"""Which columns of a picture show which singular values."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from tensorpeek.tui.bar_columns import LEFT, bar_starts
from tensorpeek.tui.ticks import Tick, value_ticks


@dataclass(frozen=True)
class ValueColumns:
    """Bars of ``count`` values: the first value of each, from 0, and one end.

    ``starts`` are the bars' first columns, and one end, from the left edge of the picture. Where
    there are more values than columns a bar is one column and stands for several.
    """

    count: int
    firsts: tuple[int, ...]
    starts: tuple[int, ...]

    @classmethod
    def of(cls, count: int, width: int) -> ValueColumns:
        """Spread ``count`` values over a picture of ``width`` columns."""
        columns = width - LEFT
        bars = min(count, columns)
        firsts = tuple(bar * count // bars for bar in range(bars + 1))
        return cls(count, firsts, tuple(LEFT + start for start in bar_starts(bars, columns)))

    @property
    def most(self) -> int:
        """The largest number of values that a bar stands for."""
        return max(end - start for start, end in pairwise(self.firsts))

    @property
    def bars(self) -> list[tuple[int, int, int]]:
        """The first value of each bar, its first column and the one after its last.

        Wide bars leave a column free between them.
        """
        return [
            (first, start, end - (1 if end - start > 2 else 0))
            for first, (start, end) in zip(self.firsts, pairwise(self.starts), strict=False)
        ]

    def bar_of(self, index: int) -> int:
        """Return the bar that shows a value."""
        return bisect_right(self.firsts, min(max(index, 0), self.count - 1)) - 1

    def column_of(self, index: int) -> int:
        """Return the middle column of the bar that shows a value."""
        bar = self.bar_of(index)
        return (self.starts[bar] + self.starts[bar + 1] - 1) // 2

    def index_at(self, column: int) -> int | None:
        """Return the first value of the bar at a column, None beside the bars."""
        if not self.starts[0] <= column < self.starts[-1]:
            return None
        return self.firsts[bisect_right(self.starts, column) - 1]

    def index_after(self, index: int, bars: int) -> int:
        """Return the first value of the bar so many bars on, within the picture."""
        bar = min(max(self.bar_of(index) + bars, 0), len(self.firsts) - 2)
        return self.firsts[bar]

    def ticks(self) -> list[Tick]:
        """Return ticks at round numbers of values, counted from 1."""
        ends = np.asarray(self.starts) - LEFT
        ticks = value_ticks(np.asarray(self.firsts) + 0.5, ends, int(ends[-1]))
        whole = [(t.place, float(t.label)) for t in ticks if float(t.label) % 1 == 0]
        return [Tick(place, f"{value:.0f}") for place, value in whole if value]
