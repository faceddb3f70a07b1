"""Draw the tail of the eigenvalues on two logarithmic axes, with the power law that fits it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tensorpeek.tui.bar_columns import LEFT
from tensorpeek.tui.charts.axes import Axis, draw_axes
from tensorpeek.tui.charts.bars import draw_upright
from tensorpeek.tui.charts.cells import Cells
from tensorpeek.tui.charts.look import Look
from tensorpeek.tui.number_text import number

if TYPE_CHECKING:
    from tensorpeek.analysis.diagnosis.full_spectrum import FullSpectrum
    from tensorpeek.analysis.diagnosis.power_law import PowerLaw

DECADES = 12


def draw_tail(cells: Cells, look: Look, found: FullSpectrum) -> Axis | None:
    """Draw the share of eigenvalues that are at least as large as each of them.

    Those of the fitted tail have the color of signals. Returns the axis of the eigenvalues, None
    where fewer than two of them are positive and unequal.
    """
    squares = _positive_squares(found)
    if squares.size < 2 or squares[0] <= squares[-1]:
        return None
    columns, rows = cells.width - LEFT, cells.height - 3
    across = Axis(float(squares[-1]) / 1.1, float(squares[0]) * 1.1, columns, log=True)
    upright = Axis(0.7 / found.values.size, 1.2, rows, log=True)
    law = found.spectrum.power_law
    if law is not None:
        line = LEFT + across.cell(law.xmin)
        draw_upright(cells, look, column=line, top=1, bottom=rows, part="axis")
        _draw_law(cells, look, law, found.values.size, (across, upright))
    tail = squares >= law.xmin * (1 - 1e-12) if law is not None else np.zeros(squares.size, bool)
    shares = np.arange(1, squares.size + 1) / found.values.size
    for value, share, inside in zip(squares.tolist(), shares.tolist(), tail.tolist(), strict=True):
        _draw_point(cells, look, (across.share(value), upright.share(share)), is_tail=inside)
    draw_axes(cells, look, top=1, rows=rows, vertical=upright.ticks(3), horizontal=across.ticks(8))
    return across


def tail_title(found: FullSpectrum) -> str:
    """Return the fit in words."""
    law = found.spectrum.power_law
    words = "share of λ = σ² at least as large"
    if law is None:
        return f"{words}; no tail of 10 to fit"
    return f"{words}; power law from {number(law.xmin, 3)} on, α {law.alpha:.2f}"


def _positive_squares(found: FullSpectrum) -> NDArray[np.float64]:
    """Return the eigenvalues, decreasing, without zeros and those that are mere rounding."""
    with np.errstate(over="ignore", under="ignore"):
        squares = found.values**2
    kept: NDArray[np.float64] = squares[
        np.isfinite(squares) & (squares > squares[0] * 10.0**-DECADES)
    ]
    return kept


def _draw_law(cells: Cells, look: Look, law: PowerLaw, count: int, axes: tuple[Axis, Axis]) -> None:
    """Draw (tail / count) (x / xmin)**(1 - alpha), a straight line, from xmin on."""
    across, upright = axes
    dots = across.length * 2
    for x in range(round(across.share(law.xmin) * dots), dots):
        value = across.low * (across.high / across.low) ** ((x + 0.5) / dots)
        share = law.tail / count * (value / law.xmin) ** (1 - law.alpha)
        if share < upright.low:
            return
        y = round((1 - upright.share(share)) * upright.length * 4)
        if look.plain or look.ascii_only:
            cells.put(LEFT + x // 2, 1 + y // 4, "." if look.ascii_only else "·", "")
        else:
            cells.dot(2 * LEFT + x, 4 + y, look.style("curve"))


def _draw_point(cells: Cells, look: Look, place: tuple[float, float], *, is_tail: bool) -> None:
    columns, rows = cells.width - LEFT, cells.height - 3
    style = look.style("signal" if is_tail else "noise", bold=is_tail and not look.plain)
    x, y = place[0] * columns, (1 - place[1]) * rows
    if look.ascii_only:
        cells.put(LEFT + int(x), 1 + int(y), "*" if is_tail else "o", style)
    else:
        cells.dot(2 * LEFT + int(2 * x), 4 + int(4 * y), style)
