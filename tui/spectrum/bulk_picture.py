"""Draw how many singular values lie where, and how many noise would have there."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from tensorpeek.tui.bar_columns import LEFT
from tensorpeek.tui.charts.axes import Axis, draw_axes
from tensorpeek.tui.charts.bars import draw_bar
from tensorpeek.tui.charts.cells import Cells
from tensorpeek.tui.charts.look import Look
from tensorpeek.tui.number_text import number

if TYPE_CHECKING:
    from tensorpeek.analysis.diagnosis.full_spectrum import FullSpectrum

BEYOND = 2.5
"""How far the picture goes, in upper edges of the bulk: a spike would squeeze the rest."""


def bulk_bins(count: int, columns: int) -> int:
    """Return how many bins some values are counted in: about four times the root."""
    return max(min(columns, max(12, round(4 * math.sqrt(count)))), 1)


def bulk_reach(found: FullSpectrum) -> float:
    """Return the value up to which the picture goes."""
    top = float(found.values[0])
    return top if found.bulk is None else min(max(top, found.bulk.high), BEYOND * found.bulk.high)


def draw_bulk(cells: Cells, look: Look, found: FullSpectrum) -> Axis | None:
    """Draw counts as bars and the Marchenko-Pastur law as a line of dots over them.

    Returns the axis of the values; None where all of them are zero.
    """
    reach = bulk_reach(found) * 1.02
    if not reach:
        return None
    columns, rows = cells.width - LEFT, cells.height - 3
    bins = bulk_bins(found.values.size, columns)
    each = columns // bins
    edges = np.linspace(0.0, reach, bins + 1)
    counts = np.histogram(found.values, edges)[0]
    across = Axis(0.0, reach, bins * each)
    fine = np.linspace(0.0, reach, bins * each * 2 + 1)
    expected = np.zeros(fine.size - 1)
    if found.bulk is not None:
        expected = found.bulk.expected(fine) * each * 2
    top = max(float(counts.max()), float(expected.max()), 1.0)
    upright = Axis(0.0, top, rows)
    edge = math.inf if found.bulk is None else found.bulk.high
    for index, count in enumerate(counts.tolist()):
        height = max(round(upright.share(count) * rows * 8), 1 if count else 0)
        part = "signal" if edges[index + 1] > edge and edges[index] >= edge * 0.999 else "noise"
        for column in range(LEFT + index * each, LEFT + (index + 1) * each):
            draw_bar(cells, look, column, bottom=rows, eighths=height, part=part)
    _draw_law(cells, look, upright, expected.tolist())
    draw_axes(cells, look, top=1, rows=rows, vertical=upright.ticks(3), horizontal=across.ticks(8))
    return across


def bulk_title(found: FullSpectrum) -> str:
    """Return what the picture says in words."""
    bulk = found.bulk
    if bulk is None:
        return "singular values: how many lie where"
    reach = bulk_reach(found) * 1.02
    beyond = int(np.count_nonzero(found.values > reach))
    title = (
        f"singular values and the law of noise: {bulk.above(found.values):,} above its edge"
        f" {number(bulk.high, 3)}"
    )
    return title + (f", {beyond:,} beyond {number(reach, 2)}" if beyond else "")


def _draw_law(cells: Cells, look: Look, upright: Axis, expected: list[float]) -> None:
    """Draw the expected counts, two dots in a column, as a line without gaps."""
    before: int | None = None
    for x, count in enumerate(expected):
        if not count:
            before = None
            continue
        y = min(int((1 - upright.share(count)) * upright.length * 4), upright.length * 4 - 1)
        first = y if before is None or abs(before - y) < 2 else before + (1 if before < y else -1)
        before = y
        for dot in range(min(first, y), max(first, y) + 1):
            _draw_dot(cells, look, x, dot)


def _draw_dot(cells: Cells, look: Look, x: int, y: int) -> None:
    column, line = LEFT + x // 2, 1 + y // 4
    ground = cells.ground(column, line)
    if look.ascii_only or look.plain:
        cells.put(column, line, "*" if look.ascii_only else "•", "bold" * look.plain, ground)
    else:
        cells.dot(2 * LEFT + x, 4 + y, look.on("curve", ground))
