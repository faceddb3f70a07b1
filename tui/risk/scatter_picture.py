"""Draw a model as a scatter: extreme outliers against SQNR, a mark for each tensor."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tensorpeek.tui.bar_columns import LABELS, LEFT
from tensorpeek.tui.charts.axes import Axis, draw_axes
from tensorpeek.tui.charts.bars import draw_level, draw_upright
from tensorpeek.tui.charts.cells import Cells
from tensorpeek.tui.charts.look import Look
from tensorpeek.tui.risk.names import severity_mark, short_name
from tensorpeek.tui.ticks import Tick

if TYPE_CHECKING:
    from tensorpeek.tui.risk.marks import Mark
    from tensorpeek.tui.risk.model_risk import ModelRisk

LEAST, MOST = 1e-3, 100.0
"""Percent of outliers at the ends of the logarithmic axis; what is less lies on the line below."""

NAMED = 8
"""How many of the worst have their names beside them, where there is room."""

NAME_WIDTH = 26

UNIT = "SQNR dB"
"""What stands at the right end of the axis below."""


@dataclass(frozen=True)
class ScatterPlaces:
    """Which tensors lie in which cell: column and line to their places, the worst first."""

    cells: dict[tuple[int, int], tuple[int, ...]]

    def nearest(self, column: int, line: int) -> int | None:
        """Return the worst tensor of the cell that is nearest, within three columns."""
        close = [
            (abs(at[0] - column) + 2 * abs(at[1] - line), places[0])
            for at, places in self.cells.items()
        ]
        distance, place = min(close, default=(math.inf, -1))
        return place if distance <= 3 else None


def draw_scatter(
    cells: Cells, look: Look, risk: ModelRisk, marks: Sequence[Mark], cursor: int | None
) -> ScatterPlaces:
    """Draw marks (worst first) with the limits as lines, and the one under the cursor inverted."""
    top, rows = 1, cells.height - 4
    across = _ratio_axis(marks, cells.width - LEFT, risk.limits.sqnr_db)
    upright = Axis(LEAST, MOST, rows, log=True)
    _draw_limits(cells, look, risk, (across, upright), top)
    draw_axes(
        cells,
        look,
        top=top,
        rows=rows + 1,
        vertical=[Tick(t.place + 1, t.label + "%") for t in upright.ticks(2)] + [Tick(0, "0%")],
        horizontal=[t for t in across.ticks(7) if LEFT + t.place < cells.width - len(UNIT) - 4],
    )
    cells.words(cells.width - len(UNIT), cells.height - 1, UNIT, look.style("axis"))
    found: dict[tuple[int, int], list[int]] = {}
    for mark in marks:
        column = LEFT + across.cell(_finite_ratio(mark, across))
        line = top + rows
        if (mark.extreme_percent or 0.0) >= LEAST:
            line -= 1 + upright.cell(mark.extreme_percent or 0.0)
        found.setdefault((column, line), []).append(mark.place)
    severities = {mark.place: mark.severity for mark in marks}
    for (column, line), places in found.items():
        severity = severities[places[0]]
        letter = severity_mark(severity, ascii_only=look.ascii_only)
        style = look.style(severity or "axis", bold=len(places) > 1)
        cells.put(column, line, letter, style)
    _draw_cursor(cells, look, found, cursor)
    _draw_names(cells, look, risk, marks, found, cursor)
    return ScatterPlaces({at: tuple(places) for at, places in found.items()})


def _finite_ratio(mark: Mark, across: Axis) -> float:
    """Return where a mark stands: exact ones at the right end, unknown ones at the left."""
    if mark.sqnr_db is None:
        return across.low
    return min(max(mark.sqnr_db, across.low), across.high)


def _ratio_axis(marks: Sequence[Mark], columns: int, limits: Sequence[float]) -> Axis:
    known = [mark.sqnr_db for mark in marks if mark.sqnr_db is not None]
    finite = [ratio for ratio in known if math.isfinite(ratio)]
    low = min([*finite, min(limits) - 8])
    high = max([*finite, max(limits) + 8])
    apart = (high - low) * 0.03
    return Axis(low - apart, high + apart, columns)


def _draw_limits(
    cells: Cells, look: Look, risk: ModelRisk, axes: tuple[Axis, Axis], top: int
) -> None:
    across, upright = axes
    for limit in risk.limits.sqnr_db:
        column = LEFT + across.cell(limit)
        draw_upright(cells, look, column=column, top=top, bottom=top + upright.length, part="axis")
        words = f"{limit:g} dB"
        cells.words(column - len(words) // 2, top - 1, words, look.style("axis"))
    for limit in risk.limits.extreme_outliers_percent:
        line = top + upright.length - 1 - upright.cell(limit)
        draw_level(cells, look, line=line, start=LEFT, end=cells.width, part="axis")
    cells.words(0, 0, "extreme outliers", look.style("axis"))


def _draw_cursor(
    cells: Cells, look: Look, found: dict[tuple[int, int], list[int]], cursor: int | None
) -> None:
    for (column, line), places in found.items():
        if cursor in places:
            style = f"reverse {look.style('title', bold=True)}".strip()
            cells.put(column, line, cells.letter(column, line), style)
            for beside, letter in ((column - 1, "["), (column + 1, "]")):
                if (beside, line) not in found and beside > LABELS:
                    cells.put(beside, line, letter, look.style("title", bold=True))


def _draw_names(  # noqa: PLR0913, PLR0917 (what is drawn, and over what)
    cells: Cells,
    look: Look,
    risk: ModelRisk,
    marks: Sequence[Mark],
    found: dict[tuple[int, int], list[int]],
    cursor: int | None,
) -> None:
    """Write the names of the worst beside their marks where nothing is covered but lines."""
    at = {place: cell for cell, places in found.items() for place in places[:1]}
    taken = set(found)
    for mark in [each for each in marks if each.place in at][:NAMED]:
        if mark.severity in (None, "Excellent"):
            continue
        column, line = at[mark.place]
        name = short_name(risk.tensors[mark.place].name, NAME_WIDTH)
        apart = 3 if cursor in found[column, line] else 2
        for start in (column + apart, column - apart + 1 - len(name)):
            wanted = {(each, line) for each in range(start - 1, start + len(name) + 1)}
            inside = start > LABELS and start + len(name) <= cells.width
            if inside and not wanted & (taken - {(column, line)}):
                cells.words(start, line, name, look.style(mark.severity))
                taken |= wanted
                break
