"""Numbers in the columns of printed tables."""

from __future__ import annotations

from tensorpeek.tui.number_text import number

DECIMALS = 4


def measure_text(value: float | None, decimals: int = DECIMALS) -> str:
    """Return a measure with four decimals, in scientific notation where these show too little.

    None, an absent measure, is ``–``; integers stay exact.
    """
    if value is None or isinstance(value, int):
        return number(value)
    size = abs(value)
    if size >= 1e5 or 0 < size < 0.5 * 10.0**-decimals:
        return f"{value:.3e}"
    return f"{value:.{decimals}f}"


def shape_text(shape: tuple[int, ...]) -> str:
    """Return a shape as Python writes it: ``(16, 3, 3, 3)``, ``(16,)``, ``()``."""
    return str(shape)


def interval_text(low: float | None, high: float | None) -> str:
    """Return ``[low, high]``, integers without separators; ``–`` if there are no bounds."""
    if low is None or high is None:
        return "–"
    return f"[{_bound(low)}, {_bound(high)}]"


def _bound(value: float) -> str:
    return str(value) if isinstance(value, int) else measure_text(value)
