"""Draw the cells of a picture line by line: labels, dots, bars, axis, legend."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from rich.segment import Segment
from rich.style import Style

from tensorpeek.analysis.heatmap.color_maps import STEPS, steps_of
from tensorpeek.tui.heatmap.geometry import BARS, Room, cell_size, label_step
from tensorpeek.tui.heatmap.inks import Inks
from tensorpeek.tui.number_text import number

if TYPE_CHECKING:
    from tensorpeek.analysis.heatmap import Mode, Pooled, Scaling

Codes = NDArray[np.int64]

EIGHTHS = " ▁▂▃▄▅▆▇█"
SIXTH_SIGNS = " ..::-==#"
"""Bars under the picture, by eighths of a line."""

NUMBER_WIDTH = 7
"""Columns of a cell from which its value is written into it."""


@dataclass(frozen=True)
class Looks:
    """The styles of what is not a dot."""

    axis: Style
    mark: Style
    bars: Style


class Drawing:
    """The lines of a picture; a cursor is drawn over the cell that a line is asked for with."""

    def __init__(
        self, pooled: Pooled, mode: Mode, scaling: Scaling, inks: Inks, room: Room
    ) -> None:
        self.pooled, self.room = pooled, room
        self._inks, self._scaling = inks, scaling
        self._values = pooled.shown(mode)
        self._codes = _codes(pooled, self._values, scaling, inks)
        rows, columns = pooled.shape
        self._size = size = cell_size(rows, columns, room)
        self.tops = [size.height * row for row in range(rows + 1)]
        self.lefts = [size.width * column for column in range(columns + 1)]
        self._row_at = np.arange(rows).repeat(size.height).tolist()
        self._column_at = np.arange(columns).repeat(size.width)
        self._dots = self._codes[:, self._column_at]
        self._row_labels = self._place_row_labels()
        self._profiles = _profiles(pooled) if room.profiles else None

    @property
    def codes(self) -> Codes:
        """The code of each cell: its step on the color map, or what else it is."""
        return self._codes

    @property
    def used(self) -> int:
        """Columns of characters that the cells take."""
        return int(self._dots.shape[1]) * self.room.dot_width

    @property
    def used_lines(self) -> int:
        """Lines that the cells take."""
        return -(-self.tops[-1] // self.room.per_line)

    @property
    def axis_line(self) -> int:
        """The line of the axis: under the cells, and the bars of columns if there are any."""
        return self.used_lines + (2 if self.room.profiles else 0)

    def cell_at(self, x: int, y: int, *, upper: bool = True) -> tuple[int, int] | None:
        """Return the cell at a character of the widget, None beside the picture."""
        down = y * self.room.per_line + (0 if upper else self.room.per_line - 1)
        across = (x - self.room.gutter) // self.room.dot_width
        if not (0 <= down < self.tops[-1] and 0 <= across < self.lefts[-1]):
            return None
        return self._row_at[down], int(self._column_at[across])

    def lines_of(self, row: int) -> range:
        """Return the lines that show a row of cells, none for a row that is not in the picture."""
        per = self.room.per_line
        if row >= self.pooled.shape[0]:
            return range(0)
        return range(self.tops[row] // per, (self.tops[row + 1] - 1) // per + 1)

    def _place_row_labels(self) -> dict[int, int]:
        """Return the row of cells that is named on each line that names one."""
        is_roomy = self._size.height >= 2 * self.room.per_line
        step = 1 if is_roomy else label_step(self._size.height, LABEL_EVERY * self.room.per_line)
        return {self._middle_line(row): row for row in _labeled(self.pooled.row_starts, step)}

    def _middle_line(self, row: int) -> int:
        """Return the line that names a row of cells."""
        lines = self.lines_of(row)
        return lines[(len(lines) - 1) // 2]

    def line(self, y: int, cursor: tuple[int, int], looks: Looks) -> list[Segment]:
        """Return one line of the widget; ``cursor`` is the row and the column of a cell."""
        room = self.room
        below = y - self.used_lines
        if below < 0:
            return [
                *self._gutter(y, cursor[0], looks),
                *self._dots_of_line(y, cursor),
                *self._row_bars(y, looks),
            ]
        if room.profiles and below < 2:
            return self._column_bars(below, looks)
        below = y - self.axis_line
        if below == 0:
            return self._axis(cursor[1], looks)
        return self._legend(looks) if below == 1 else []

    def _gutter(self, y: int, cursor_row: int, looks: Looks) -> Iterator[Segment]:
        gutter = self.room.gutter
        if y == self._middle_line(cursor_row):
            label = str(self.pooled.row_starts[cursor_row]) if gutter > 1 else ""
            mark = ">" if self._inks.characters else "▶"
            yield Segment(f"{label:>{gutter - 1}}{mark}", looks.mark)
            return
        row = self._row_labels.get(y)
        label = "" if row is None or gutter == 1 else str(self.pooled.row_starts[row])
        end = "┤" if label else "│"
        yield Segment(f"{label:>{gutter - 1}}{end}", looks.axis)

    def _row_codes(self, dot_row: int, cursor: tuple[int, int]) -> Codes:
        """Return the codes of a row of dots, the cursor over them."""
        if dot_row >= self.tops[-1]:
            return np.full(self._dots.shape[1], self._inks.nothing)
        row = self._row_at[dot_row]
        codes: Codes = self._dots[row]
        if row != cursor[0]:
            return codes
        codes = codes.copy()
        start, end = self.lefts[cursor[1] : cursor[1] + 2]
        ink = self._inks.cursor_on(int(codes[start]))
        top, bottom = self.tops[row : row + 2]
        is_small = min(bottom - top, end - start) < FRAME_FROM
        if is_small or dot_row in {top, bottom - 1}:
            codes[start:end] = ink
        else:
            codes[[start, end - 1]] = ink
        return codes

    def _dots_of_line(self, y: int, cursor: tuple[int, int]) -> list[Segment]:
        per = self.room.per_line
        upper = self._row_codes(y * per, cursor)
        lower = upper if per == 1 else self._row_codes(y * per + 1, cursor)
        row = self._row_at[y * per]
        if self._has_numbers and y == self._middle_line(row):
            return self._numbers(row, upper, lower)
        return self._runs(upper, lower)

    def _runs(self, upper: Codes, lower: Codes) -> list[Segment]:
        if not upper.size:
            return []
        inks = self._inks
        keys = upper * 256 + lower
        starts = np.flatnonzero(np.diff(keys, prepend=-1))
        ends = np.append(starts[1:], keys.size)
        if inks.characters:
            pairs = zip(upper[starts].tolist(), (ends - starts).tolist(), strict=True)
            return [inks.letters(code, count) for code, count in pairs]
        triples = zip(
            upper[starts].tolist(), lower[starts].tolist(), (ends - starts).tolist(), strict=True
        )
        return [inks.run(*triple) for triple in triples]

    @property
    def _has_numbers(self) -> bool:
        """Whether cells are large enough for their values to be written into them."""
        rows, columns = self.pooled.shape
        if not rows or not columns:
            return False
        has_lines = self._size.height >= 2 * self.room.per_line
        return has_lines and self._size.width * self.room.dot_width >= NUMBER_WIDTH

    def _numbers(self, row: int, upper: Codes, lower: Codes) -> list[Segment]:
        segments: list[Segment] = []
        for column in range(self.pooled.shape[1]):
            start, end = self.lefts[column : column + 2]
            code = int(self._codes[row, column])
            text = self._number(row, column)
            width = (end - start - 2) * self.room.dot_width
            if code == self._inks.nothing or len(text) > width:
                segments += self._runs(upper[start:end], lower[start:end])
                continue
            segments += self._runs(upper[start : start + 1], lower[start : start + 1])
            segments.append(self._inks.words(text.center(width), code))
            segments += self._runs(upper[end - 1 : end], lower[end - 1 : end])
        return segments

    def _number(self, row: int, column: int) -> str:
        value = float(self._values[row, column])
        return number(int(value) if value.is_integer() and abs(value) < 1e6 else value, 3)

    def _row_bars(self, y: int, looks: Looks) -> Iterator[Segment]:
        """Bars of the mean magnitudes of rows, each row of dots with one of its own."""
        room = self.room
        if self._profiles is None:
            return
        yield Segment(" ")
        halves = [self._bar_length(y * room.per_line + each) for each in range(room.per_line)]
        upper, lower = halves[0], halves[-1]
        full, only_upper, only_lower = ("=", "=", "=") if room.characters else ("█", "▀", "▄")
        both, more = min(upper, lower), max(upper, lower)
        rest = only_upper if upper > lower else only_lower
        yield from _solid(full * both + rest * (more - both), looks.bars)

    def _bar_length(self, dot_row: int) -> int:
        if self._profiles is None or dot_row >= self.tops[-1]:
            return 0
        share = float(self._profiles[1][self._row_at[dot_row]])
        return max(round(share * BARS), 1) if np.isfinite(share) and share else 0

    def _column_bars(self, line: int, looks: Looks) -> list[Segment]:
        """Bars of the mean magnitudes of columns in two lines, the upper one is line 0."""
        columns = self._profiles[0] if self._profiles is not None else np.empty(0)
        eighths = np.where(columns > 0, np.maximum(np.rint(np.nan_to_num(columns) * 16), 1), 0)
        within = np.clip(eighths - (8 if line == 0 else 0), 0, 8).astype(int)
        letters = SIXTH_SIGNS if self.room.characters else EIGHTHS
        within = within[self._column_at]
        name = "|w|" if self.room.gutter > 3 and line == 1 else ""
        text = "".join(letters[height] * self.room.dot_width for height in within.tolist())
        return [
            Segment(f"{name:>{self.room.gutter - 1}} ", looks.axis),
            *_solid(text, looks.bars),
        ]

    def _axis(self, cursor_column: int, looks: Looks) -> list[Segment]:
        """Return the axis under the picture: columns by their numbers, the cursor's place."""
        room, each = self.room, self._size.width * self.room.dot_width
        letters = ["─"] * self.used
        place = cursor_column * each + (each - 1) // 2
        starts = self.pooled.column_starts
        longest = len(str(starts[-2])) if starts.size > 1 else 1
        step = 1 if each > longest else label_step(each, longest + LABEL_GAP)
        for column in _labeled(starts, step) if room.gutter > 1 else ():
            label = str(starts[column])
            start = column * each + max((each - len(label)) // 2, 0)
            end = start + len(label)
            if end <= self.used and not start <= place < end:
                letters[start:end] = label
        text = "".join(letters)
        mark = "^" if room.characters else "▲"
        return [
            Segment(" " * (room.gutter - 1) + "└", looks.axis),
            Segment(text[:place], looks.axis),
            Segment(mark, looks.mark),
            Segment(text[place + 1 :], looks.axis),
        ]

    def _legend(self, looks: Looks) -> list[Segment]:
        """Return the color bar with values at its ends and between, and the marks that occur."""
        room, inks, per = self.room, self._inks, 4
        first = STEPS if inks.is_unsigned else 0
        codes = np.linspace(first, 2 * STEPS, 2 * STEPS + 1).round().astype(int).tolist()
        places = [(code - STEPS) / STEPS for code in np.linspace(first, 2 * STEPS, per + 1)]
        texts = [number(self._scaling.value_at(place), 3) for place in places]
        marks = self._marks()
        room_left = room.width - sum(len(text) + 2 for text in texts)
        room_left -= sum(segment.cell_length for segment in marks)
        each = min(max(room_left // per, 2), 2 * STEPS // per // 2)
        segments = [Segment(f" {texts[0]} ", looks.axis)]
        for piece in range(per):
            start, end = piece * len(codes) // per, (piece + 1) * len(codes) // per
            picked = np.linspace(start, end - 1, 2 * each).round().astype(int)
            segments += inks.bar([codes[at] for at in picked])
            segments.append(Segment(f" {texts[piece + 1]} ", looks.axis))
        return [*segments, *marks]

    def _marks(self) -> list[Segment]:
        """Return the colors of what is not finite, each with how many values are."""
        pooled, segments = self.pooled, list[Segment]()
        infinite = int(pooled.above.sum() + pooled.below.sum())
        for name, code, count in (
            ("NaN", self._inks.nan, int(pooled.nan.sum())),
            ("inf", self._inks.infinite, infinite),
        ):
            if count:
                dots = [self._inks.letters(code, 1)]
                dots = dots if self._inks.characters else [self._inks.run(code, code, 2)]
                segments += [Segment(" "), *dots, Segment(f" {name} {count:,} ")]
        return segments


LABEL_EVERY = 3
"""Lines from one label at the left to the next, at least, where cells are low."""

LABEL_GAP = 4
"""Columns between labels under narrow cells, at least."""

FRAME_FROM = 3
"""Dots from which a cell has a frame around it where the cursor is; others are filled."""


def _labeled(starts: NDArray[np.int64], step: int) -> list[int]:
    """Return the cells that are named: those of round places or, if they are pooled, each n-th."""
    cells = np.arange(starts.size - 1)
    is_single = bool((np.diff(starts) == 1).all())
    labeled: list[int] = cells[(starts[:-1] if is_single else cells) % step == 0].tolist()
    return labeled


def _codes(pooled: Pooled, values: Any, scaling: Scaling, inks: Inks) -> Codes:  # noqa: ANN401
    """Return what each cell is drawn with."""
    codes = steps_of(scaling.place(np.where(np.isfinite(values), values, 0.0)))
    codes = np.where(np.isinf(values), inks.infinite, codes)
    codes = np.where(np.isnan(values), inks.nan, codes)
    return np.where(pooled.holds, codes, inks.nothing)


def _solid(text: str, style: Style) -> Iterator[Segment]:
    """Give full blocks a background of their own color: no font leaves gaps between those."""
    for is_full, letters in groupby(text, key="█".__eq__):
        solid = style + Style(bgcolor=style.color) if is_full else style
        yield Segment("".join(letters), solid)


def _profiles(pooled: Pooled) -> tuple[Any, Any]:
    """Return the mean magnitudes of columns and of rows, as shares of the largest one."""
    shares = []
    for axis in (0, 1):
        means = pooled.mean_magnitudes(0 if axis == 0 else 1)
        top = float(np.nan_to_num(means, posinf=0.0).max(initial=0.0))
        shares.append(np.minimum(np.nan_to_num(means) / (top or 1.0), 1.0))
    return shares[0], shares[1]
