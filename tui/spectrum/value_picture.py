"""Draw the singular values by their index, with the edges of noise and the ranks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tensorpeek.tui.bar_columns import LEFT
from tensorpeek.tui.charts.axes import Axis, draw_axes
from tensorpeek.tui.charts.bars import draw_bar, draw_level, draw_upright
from tensorpeek.tui.charts.cells import Cells
from tensorpeek.tui.charts.look import Look
from tensorpeek.tui.number_text import number
from tensorpeek.tui.spectrum.columns import ValueColumns
from tensorpeek.tui.spectrum.rank_marks import draw_rank_marks, rank_marks

if TYPE_CHECKING:
    from tensorpeek.analysis.diagnosis.full_spectrum import FullSpectrum

DECADES = 12
"""Most powers of ten on a logarithmic axis: below, there is only rounding."""

ABOVE = 3
"""Lines over the bars: the title and two of marks."""


def draw_values(cells: Cells, look: Look, found: FullSpectrum, *, log: bool) -> ValueColumns:
    """Draw a bar for each singular value, those beyond what noise has in the color of signals.

    Where there are more values than columns a bar shows the largest of its neighbors.
    """
    values = found.values
    columns = ValueColumns.of(values.size, cells.width)
    top, rows = ABOVE, cells.height - ABOVE - 2
    axis = value_axis(found, rows, log=log)
    bottom = top + rows - 1
    edge = math.inf if found.bulk is None else found.bulk.high
    for index, start, end in columns.bars:
        value = float(values[index])
        height = max(round(axis.share(value) * rows * 8), 1 if value > 0 else 0)
        part = "signal" if value > edge else "noise"
        for column in range(start, end):
            draw_bar(cells, look, column, bottom=bottom, eighths=min(height, rows * 8), part=part)
    draw_axes(cells, look, top=top, rows=rows, vertical=axis.ticks(3), horizontal=columns.ticks())
    marks = rank_marks(found.spectrum, values.size)
    draw_rank_marks(cells, look, marks, columns, lines=(1, 2))
    for mark in marks:
        place = columns.column_of(mark.index)
        draw_upright(cells, look, column=place, top=top, bottom=bottom, part="axis")
    _draw_edges(cells, look, found, axis, bottom)
    return columns


def value_axis(found: FullSpectrum, rows: int, *, log: bool) -> Axis:
    """Return the axis of the singular values: from 0, or over at most 12 powers of ten."""
    top = float(found.values[0])
    if found.bulk is not None:
        top = max(top, found.bulk.high)
    if not top:
        return Axis(0.0, 1.0, rows)
    if not log:
        return Axis(0.0, top, rows)
    least = min((float(value) for value in found.values[::-1] if value > 0), default=top)
    low = max(least, top * 10.0**-DECADES) / 1.5
    return Axis(low, top, rows, log=True)


def _draw_edges(cells: Cells, look: Look, found: FullSpectrum, axis: Axis, bottom: int) -> None:
    """Draw the edges of noise as lines, with their names at the right where there is room."""
    if found.bulk is None or not found.bulk.high:
        return
    edges = [(found.bulk.high, "noise edge")]
    if found.bulk.low > axis.low:
        edges.append((found.bulk.low, "lower edge"))
    for value, name in edges:
        line = bottom - axis.cell(value)
        draw_level(cells, look, line=line, start=LEFT, end=cells.width, part="curve")
        words = f" {name} {number(value, 3)} "
        start = cells.width - len(words)
        if all(not cells.ground(column, line) for column in range(start, cells.width)):
            cells.words(start, line, words, look.style("curve"))
