"""Labels of axes in plain letters: percentages, powers of ten."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_DRAWN = 1e100
"""Values beyond which, and whose reciprocal below which, an axis has a unit."""

RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def power_text(value: float) -> str:
    """Return a power of ten as ``0.01``, ``100`` or, far from 1, ``10⁻⁷``; nothing for others."""
    if not value > 0 or not math.isfinite(value):
        return ""
    power = round(math.log10(value))
    if not math.isclose(value, 10.0**power, rel_tol=1e-6):
        return ""
    if -4 < power < 4:
        return f"{10.0**power:.{max(-power, 0)}f}"
    return f"10{str(power).translate(RAISED)}"


def drawn_power(edges: NDArray[np.float64]) -> int:
    """Return the power of ten to divide ascending edges by so that they can be drawn, mostly 0."""
    low, high = float(edges[0]), float(edges[-1])
    largest = max(-low, high)
    if largest < MOST_DRAWN and high / 2 - low / 2 > 1 / MOST_DRAWN:
        return 0
    return math.floor(math.log10(largest))


def drawn(values: NDArray[np.float64], power: int) -> NDArray[np.float64]:
    """Return values divided by a power of ten, in two steps: one of them would overflow."""
    half = power // 2
    with np.errstate(over="ignore", under="ignore"):
        return np.asarray(values / 10.0**half / 10.0 ** (power - half))


def percent_text(value: float) -> str:
    """Return a percentage of an axis: ``0.5 %``."""
    return f"{value:.6g} %" if value == 0 or abs(value) >= 1e-4 else f"{value:.0e} %"


def percent_axis(axes: Axes, *, log: bool) -> None:
    """Make the y axis one of percentages."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    if log:
        log_axis(axes, "y", unit=" %")
        return
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: percent_text(value)))


def log_axis(axes: Axes, which: Literal["x", "y"], *, unit: str = "", fine: bool = False) -> None:
    """Make an axis logarithmic, labeled at powers of ten in plain letters.

    With ``fine``, for short axes, also at 2 and 5 times these.
    """
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    if which == "x":
        axes.set_xscale("log")
    else:
        axes.set_yscale("log")
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(LogLocator(numticks=9))
    axis.set_major_formatter(
        FuncFormatter(lambda value, _: (text := power_text(value)) and text + unit)
    )
    axis.set_minor_formatter(NullFormatter())
    if fine:
        axis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=9))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.6g}{unit}"))
