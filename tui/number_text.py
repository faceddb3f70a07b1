"""Numbers as a person reads them on the screen."""

from __future__ import annotations

import math


def number(value: float | None, digits: int = 6) -> str:
    """Return ``value`` to ``digits`` significant digits; ``–`` for None, exact for integers."""
    if value is None:
        return "–"
    if isinstance(value, int):
        return f"{value:,}"
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("inf" if value > 0 else "-inf")
    text = f"{value:.{digits}g}"
    return "0" if text == "-0" else text


def percent(share: float) -> str:
    """Return a percentage (0 to 100) with three significant digits or two decimals."""
    if share == 0 or share >= 10:
        return f"{share:.2f} %"
    return f"{share:.3g} %" if share >= 0.001 else f"{share:.1e} %"


def short_count(value: int) -> str:
    """Return a count with a decimal prefix: 78k, 1.2M, 7.0B."""
    for limit, suffix in ((1_000_000_000, "B"), (1_000_000, "M"), (1_000, "k")):
        if value >= limit:
            scaled = value / limit
            return f"{scaled:.1f}{suffix}" if scaled < 10 else f"{scaled:.0f}{suffix}"
    return str(value)


def size(nbytes: int) -> str:
    """Return a size in binary units: 512 B, 1.5 KiB, 2.0 GiB."""
    if nbytes < 1024:
        return f"{nbytes} B"
    power = min(int(math.log(nbytes, 1024)), 5)
    return f"{nbytes / 1024**power:.1f} {'KMGTP'[power - 1]}iB"
