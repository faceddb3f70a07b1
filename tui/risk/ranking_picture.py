"""Draw a ranking of tensors: a line for each, a bar colored by severity, the limits as lines."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tensorpeek.tui.charts.axes import Axis, tick_label
from tensorpeek.tui.charts.cells import Cells
from tensorpeek.tui.charts.look import Look
from tensorpeek.tui.risk.names import severity_mark, short_name

if TYPE_CHECKING:
    from tensorpeek.tui.risk.model_risk import ModelRisk
    from tensorpeek.tui.risk.rankings import Ranked, Ranking


def draw_ranking(
    cells: Cells, look: Look, risk: ModelRisk, ranking: Ranking, cursor: int | None
) -> dict[int, int]:
    """Draw as many rows as fit, that of the cursor among them; return the place on each line."""
    cells.words(1, 0, ranking.title, look.style("axis"))
    lines = cells.height - 2
    places = [row.place for row in ranking.rows]
    at = places.index(cursor) if cursor in places else 0
    first = min(max(at - lines // 2, 0), max(len(places) - lines, 0))
    rows = ranking.rows[first : first + lines]
    name_width = min(max(2 * cells.width // 5, 16), 40)
    left = name_width + 3
    wide = max((len(row.words) for row in ranking.rows), default=0)
    axis = Axis(
        ranking.axis.low, ranking.axis.high, cells.width - left - wide - 2, ranking.axis.log
    )
    if axis.length < 4:
        return {}
    _draw_limits(cells, look, axis, ranking.limits, left)
    for line, row in enumerate(rows, start=2):
        _draw_row(cells, look, row, line, (axis, left))
        name = short_name(risk.tensors[row.place].name, name_width)
        style = "reverse bold" if row.place == cursor else look.style("title")
        cells.words(2, line, name.ljust(name_width) if row.place == cursor else name, style)
        cells.words(cells.width - len(row.words), line, row.words, look.style("title"))
    return {line: row.place for line, row in enumerate(rows, start=2)}


def _draw_limits(cells: Cells, look: Look, axis: Axis, limits: Sequence[float], left: int) -> None:
    for limit in limits:
        column = left + axis.cell(limit)
        for line in range(2, cells.height):
            cells.put(column, line, ":" if look.ascii_only else "┊", look.style("axis"))
        label = tick_label(limit)
        cells.words(column - len(label) // 2, 1, label, look.style("axis"))


def _draw_row(cells: Cells, look: Look, row: Ranked, line: int, where: tuple[Axis, int]) -> None:
    axis, left = where
    part = row.severity or "axis"
    cells.put(0, line, severity_mark(row.severity, ascii_only=look.ascii_only), look.style(part))
    share = 1.0 if math.isinf(row.value) else min(max(axis.share(row.value), 0.0), 1.0)
    full, rest = divmod(round(share * axis.length * 8), 8)
    letter = "#" if look.ascii_only else "█" if look.plain else "━"
    for column in range(left, left + full):
        cells.put(column, line, letter, look.style(part))
    if rest >= 4 or not full:
        end = "|" if look.ascii_only else "╸"
        cells.put(left + full, line, end, look.style(part))
