"""Draw the share of the energy that the first singular values hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tensorpeek.tui.bar_columns import LEFT
from tensorpeek.tui.charts.axes import Axis, draw_axes
from tensorpeek.tui.charts.bars import draw_bar, draw_level
from tensorpeek.tui.charts.cells import Cells
from tensorpeek.tui.charts.look import Look
from tensorpeek.tui.spectrum.columns import ValueColumns
from tensorpeek.tui.ticks import Tick

if TYPE_CHECKING:
    from tensorpeek.analysis.diagnosis.full_spectrum import FullSpectrum


def energy_percent(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of the sum of squares in the first 1, 2, ... values, in percent.

    Zeros where all values are zero.
    """
    top = float(values[0])
    if not top:
        return np.zeros_like(values)
    energy = np.cumsum((values / top) ** 2)
    return np.asarray(100.0 * energy / energy[-1])


def draw_energy(cells: Cells, look: Look, found: FullSpectrum) -> ValueColumns:
    """Draw the cumulative energy, up to 90 and 99 % in other colors than the rest."""
    shares = energy_percent(found.values)
    columns = ValueColumns.of(shares.size, cells.width)
    rows = cells.height - 3
    bottom = rows
    known = found.spectrum
    axis = Axis(0.0, 100.0, rows)
    for bar, (index, start, end) in enumerate(columns.bars):
        last = columns.firsts[bar + 1] - 1
        height = round(axis.share(float(shares[last])) * rows * 8)
        part = "signal" if index < known.rank_90 else "noise" if index < known.rank_99 else "rest"
        for column in range(start, end):
            draw_bar(cells, look, column, bottom=bottom, eighths=height, part=part)
    ticks = [
        Tick(axis.cell(share), f"{share}%") for share in (0, 50, 90) if rows > 3 or share != 50
    ]
    draw_axes(cells, look, top=1, rows=rows, vertical=ticks, horizontal=columns.ticks())
    line = bottom - axis.cell(90.0)
    draw_level(cells, look, line=line, start=LEFT, end=cells.width, part="curve")
    return columns


def energy_title(found: FullSpectrum) -> str:
    """Return what the picture says in words."""
    known = found.spectrum
    side = f"{found.values.size:,}"
    return (
        f"cumulative energy: 90 % in the first {known.rank_90:,},"
        f" 99 % in {known.rank_99:,} of {side}"
    )
