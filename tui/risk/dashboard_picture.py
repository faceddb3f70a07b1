"""Draw the health of a model: shares, five distributions, the ten worst and what to do."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from tensorpeek.analysis.diagnosis import SEVERITIES
from tensorpeek.tui.bar_columns import EIGHTHS
from tensorpeek.tui.charts.axes import tick_label
from tensorpeek.tui.charts.cells import Cells
from tensorpeek.tui.charts.look import Look
from tensorpeek.tui.risk.distributions import MeasureBins, model_bins
from tensorpeek.tui.risk.names import severity_mark, short_name

if TYPE_CHECKING:
    from tensorpeek.analysis.diagnosis import Severity
    from tensorpeek.analysis.risk import Scheme
    from tensorpeek.tui.risk.model_risk import ModelRisk

SHADES = {"Excellent": "·", "Good": "░", "Warning": "▒", "Critical": "█"}
"""What fills the share of each severity where there is no color."""

ASCII_SHADES = {"Excellent": ".", "Good": "-", "Warning": "w", "Critical": "C"}

TOP = 10
"""How many tensors are listed with what to do about them."""


def health_order(risk: ModelRisk) -> list[int]:
    """Return the tensors that were measured in full, worst first, most reasons first."""

    def rank(place: int) -> tuple[int, int, int]:
        health = risk.diagnoses[place].health
        severity = -1 if health.severity is None else SEVERITIES.index(health.severity)
        return -severity, -len(health.reasons), place

    known = (place for place in risk.places if place in risk.diagnoses)
    return risk.kept("health order", lambda: sorted(known, key=rank))


def draw_dashboard(
    cells: Cells, look: Look, risk: ModelRisk, scheme: Scheme, cursor: int | None
) -> dict[int, int]:
    """Draw the page; return the place of the tensor on each line that names one."""
    order = health_order(risk)
    _draw_shares(cells, look, risk, order)
    rows = 5 if cells.height >= 24 else 3
    each = cells.width // 5
    for index, bins in enumerate(model_bins(risk, scheme, each - 3)):
        _draw_bins(cells, look, bins, (index * each + 1, 3, rows))
    return _draw_worst(cells, look, risk, order, top=3 + rows + 2, cursor=cursor)


def _draw_shares(cells: Cells, look: Look, risk: ModelRisk, order: list[int]) -> None:
    counts = Counter(risk.diagnoses[place].health.severity for place in order)
    column = 1
    for severity in SEVERITIES:
        mark = severity_mark(severity, ascii_only=look.ascii_only)
        words = f"{mark} {severity} {counts[severity]:,}"
        column = cells.words(column, 0, words, look.style(severity, bold=True)) + 3
    known = f"measured in full: {len(order):,} of {len(risk.places):,} {risk.noun}"
    if len(order) < len(risk.places):
        cells.words(max(cells.width - len(known) - 1, column), 0, known, look.style("axis"))
    total = sum(counts[severity] for severity in SEVERITIES)
    column, done = 1, 0
    for severity in SEVERITIES:
        done += counts[severity]
        end = 1 + round((cells.width - 2) * done / max(total, 1))
        if counts[severity]:
            end = max(end, column + 1)
        for place in range(column, end):
            cells.put(place, 1, *_shade(look, severity))
        column = max(column, end)


def _shade(look: Look, severity: Severity) -> tuple[str, str]:
    if look.ascii_only:
        return ASCII_SHADES[severity], look.style(severity)
    return (SHADES[severity] if look.plain else "█"), look.on(severity, severity)


def _draw_bins(cells: Cells, look: Look, bins: MeasureBins, where: tuple[int, int, int]) -> None:
    """Draw a small histogram: title, bars, the ends of the axis."""
    left, top, rows = where
    cells.words(left, top, bins.title, look.style("title"))
    count = f"{bins.total:,}"
    end = left + bins.axis.length
    cells.words(end - len(count), top, count, look.style("axis"))
    most = max(*bins.counts, 1)
    bottom = top + rows
    for index, (number, severity) in enumerate(zip(bins.counts, bins.severities, strict=True)):
        heights = max(round(number / most * (rows - 1) * 8), 1) if number else 0
        style = look.style(severity or "noise")
        for row in range(rows - 1):
            eighths = min(max(heights - 8 * row, 0), 8)
            if eighths:
                letter = ("#" if eighths >= 4 else "_") if look.ascii_only else EIGHTHS[eighths]
                cells.put(left + index, bottom - 1 - row, letter, style)
    for column in range(left, end):
        cells.put(column, bottom, "-" if look.ascii_only else "─", look.style("axis"))
    low, high = tick_label(bins.axis.low), tick_label(bins.axis.high)
    cells.words(left, bottom + 1, low, look.style("axis"))
    cells.words(end - len(high), bottom + 1, high, look.style("axis"))


def _draw_worst(  # noqa: PLR0913 (a page is made of these)
    cells: Cells, look: Look, risk: ModelRisk, order: list[int], *, top: int, cursor: int | None
) -> dict[int, int]:
    """List the worst with reasons and advice, on one line each or on two where there is room."""
    found: dict[int, int] = {}
    bad = [p for p in order if risk.diagnoses[p].health.severity in ("Warning", "Critical")]
    if not bad:
        words = "nothing to do: no Warning, nothing Critical" if order else ""
        cells.words(1, top + 1, words, look.style("title"))
        return found
    room = cells.height - top - 1
    shown = bad[: min(TOP, room)]
    line = top + 1
    for index, place in enumerate(shown):
        lines = 2 if index < room - len(shown) else 1
        _draw_entry(cells, look, risk, place, line=line, lines=lines, is_cursor=place == cursor)
        found.update({line + row: place for row in range(lines)})
        line += lines
    return found


def _draw_entry(  # noqa: PLR0913 (an entry is made of these)
    cells: Cells,
    look: Look,
    risk: ModelRisk,
    place: int,
    *,
    line: int,
    lines: int,
    is_cursor: bool,
) -> None:
    """Write a tensor's name, why it is listed, and what to do, on one line or on two."""
    name_width = min(40, cells.width // 3)
    left, room = 4 + name_width, cells.width - name_width - 5
    health = risk.diagnoses[place].health
    severity = health.severity or "Warning"
    mark = severity_mark(severity, ascii_only=look.ascii_only)
    cells.words(1, line, mark, look.style(severity))
    name = short_name(risk.tensors[place].name, name_width)
    cells.words(3, line, name, "reverse bold" if is_cursor else look.style("title"))
    reasons = "; ".join(health.reasons)
    arrow = "-> " if look.ascii_only else "→ "
    advice = arrow + "; ".join(health.advice) if health.advice else ""
    if lines == 2:
        cells.words(left, line, _cut(reasons, room))
        cells.words(left, line + 1, _cut(advice, room), look.style("axis"))
    else:
        end = cells.words(left, line, _cut(reasons, room))
        cells.words(end + 1, line, _cut(advice, left + room - end - 1), look.style("axis"))


def _cut(words: str, width: int) -> str:
    if len(words) <= width:
        return words
    return words[: width - 1] + "…" if width > 4 else ""
