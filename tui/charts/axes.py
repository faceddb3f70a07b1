"""Axes of charts: where a value lies, ticks at round values, lines and labels."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tensorpeek.tui.bar_columns import LABELS, LEFT
from tensorpeek.tui.charts.cells import Cells
from tensorpeek.tui.charts.look import Look
from tensorpeek.tui.ticks import STEPS, Tick

BELOW = 2
"""Lines under a chart: the axis and its labels."""


@dataclass(frozen=True)
class Axis:
    """Values from ``low`` to ``high`` on ``length`` cells, linear or by ``log``.

    ``low`` is less than ``high``; with ``log`` both are positive.
    """

    low: float
    high: float
    length: int
    log: bool = False

    def share(self, value: float) -> float:
        """Return where a value lies, 0 at ``low`` and 1 at ``high``; below ``low`` it is 0."""
        if self.log:
            if value <= self.low:
                return 0.0
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def cell(self, value: float) -> int:
        """Return the cell in which a value lies, within the axis."""
        return min(max(int(self.share(value) * self.length), 0), self.length - 1)

    def ticks(self, apart: int) -> list[Tick]:
        """Return ticks at round values, at least ``apart`` cells from one another."""
        return _log_ticks(self, apart) if self.log else _linear_ticks(self, apart)


def _linear_ticks(axis: Axis, apart: int) -> list[Tick]:
    span = axis.high - axis.low
    if not (math.isfinite(span) and span > 0):
        return []
    least = span * apart / max(axis.length, 1)
    if least < 1e-300:
        return []
    power = 10.0 ** math.floor(math.log10(least))
    step = next((power * each for each in STEPS if power * each >= least * 0.999), 10 * power)
    first, last = math.ceil(axis.low / step - 1e-9), math.floor(axis.high / step + 1e-9)
    values = [step * index for index in range(first, min(last, first + 500) + 1)]
    return [Tick(axis.cell(value), tick_label(value)) for value in values]


def _log_ticks(axis: Axis, apart: int) -> list[Tick]:
    low, high = math.log10(axis.low), math.log10(axis.high)
    decades = max(high - low, 1e-9)
    each = axis.length / decades
    if each >= 3 * apart:
        factors: tuple[int, ...] = (1, 2, 5)
    else:
        factors = (1,)
    every = max(1, math.ceil(apart / each))
    powers = range(math.floor(low), math.ceil(high) + 1)
    values = [f * 10.0**power for power in powers if power % every == 0 for f in factors]
    inside = [value for value in values if axis.low * 0.999 <= value <= axis.high * 1.001]
    return [Tick(axis.cell(value), tick_label(value)) for value in inside]


def tick_label(value: float) -> str:
    """Return a number in at most six characters."""
    if value == 0:
        return "0"
    texts = [f"{value:.{digits}g}" for digits in (4, 3, 2)] + [f"{value:.0e}"]
    short = [text.replace("e-0", "e-").replace("e+0", "e").replace("e+", "e") for text in texts]
    return next((text for text in short if len(text) <= LABELS), short[-1][:LABELS])


def draw_axes(  # noqa: PLR0913 (an axis is made of these)
    cells: Cells,
    look: Look,
    *,
    top: int,
    rows: int,
    vertical: list[Tick],
    horizontal: list[Tick],
) -> None:
    """Draw the axis on the left of ``rows`` lines from ``top`` on, and the one below."""
    style = look.style("axis")
    bar, corner, dash, tick = "|+-+" if look.ascii_only else "│└─┤"
    for row in range(rows):
        cells.put(LABELS, top + row, bar, style)
    for each in vertical:
        line = top + rows - 1 - each.place
        cells.words(LABELS - len(each.label), line, each.label, style)
        cells.put(LABELS, line, tick, style)
    bottom = top + rows
    cells.put(LABELS, bottom, corner, style)
    for column in range(LEFT, cells.width):
        cells.put(column, bottom, dash, style)
    for each in horizontal:
        start = LEFT + each.place - len(each.label) // 2
        start = min(start, cells.width - len(each.label))
        if (
            cells.is_free(start, bottom + 1, len(each.label))
            and cells.letter(start - 1, bottom + 1) == " "
        ):
            cells.put(LEFT + each.place, bottom, "+" if look.ascii_only else "┬", style)
            cells.words(start, bottom + 1, each.label, style)
