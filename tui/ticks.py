"""Where the ticks of an axis of characters stand, and their labels: round, short, apart."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

STEPS = (1, 2, 5)

RELATIVE_SPAN = 1e-13
"""Span against the values below which no labels tell ticks apart: float64 has 16 digits."""

SMALLEST_SPAN = 1e-300
"""Below, the steps between ticks would not be normal floats: such an axis has none."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A label at ``place``: a column or a row, counted from the left or from the bottom."""

    place: int
    label: str


def percent_ticks(top: float, rows: int) -> list[Tick]:
    """Return ticks from 0 to ``top`` percent on ``rows`` lines, at least three lines apart."""
    step = _round_step(top / max(rows / 3, 1))
    count = math.floor(top / step * (1 + 1e-9))
    ticks = []
    for value in (step * index for index in range(count + 1)):
        label = percent_label(value, step)
        if math.isclose(
            float(label[:-1]), value, rel_tol=1e-6
        ):  # else six characters cannot say it
            ticks.append(Tick(min(math.floor(value / top * rows), rows - 1), label))
    return ticks


def log_ticks(floor: float, top: float, rows: int) -> list[Tick]:
    """Return ticks at powers of ten (percent) on a logarithmic axis from ``floor`` to ``top``."""
    low, span = math.log10(floor), math.log10(top / floor)
    powers = range(math.ceil(low), math.floor(math.log10(top) + 1e-9) + 1)
    every = max(1, math.ceil(2 * span / rows))
    ticks = [
        Tick(min(math.floor((power - low) / span * rows), rows - 1), percent_label(10.0**power))
        for power in powers
        if power % every == 0
    ]
    return ticks or [Tick(rows - 1, percent_label(top))]


def percent_label(percent: float, step: float | None = None) -> str:
    """Return a label of at most six characters for a tick that is a multiple of ``step``."""
    if 0 < percent < 0.001 or 0 < (step or 1) < 0.001:
        return f"{percent:.0e}%" if percent else "0%"
    decimals = max(0, -math.floor(math.log10(step or percent) + 1e-9))
    return f"{percent:.{decimals}f}%"


def value_ticks(
    borders: NDArray[np.float64], columns_of: NDArray[np.int64], columns: int
) -> list[Tick]:
    """Return ticks at round values on an axis of ``columns`` columns.

    ``borders`` (ascending) stand at the columns ``columns_of``; between them the axis is linear.
    There are no ticks where the borders are all but equal.
    """
    low, high = float(borders[0]), float(borders[-1])
    if not max(SMALLEST_SPAN, RELATIVE_SPAN * max(-low, high)) < high - low < math.inf:
        return []
    step = _round_step((high - low) / max(columns / 8, 1))
    while True:
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        values = [step * index for index in range(first, last + 1)]
        labels = _value_labels(values, step)
        places = np.floor(np.interp(values, borders, columns_of)).astype(int).tolist()
        ticks = [
            Tick(min(place, columns - 1), label)
            for place, label in zip(places, labels, strict=True)
        ]
        if len(ticks) < 2 or _apart(ticks):
            return ticks
        step = _round_step(step * 1.5)


def _value_labels(values: list[float], step: float) -> list[str]:
    largest = max(map(abs, values), default=0.0)
    if largest < 1e5 and step >= 1e-4:
        decimals = max(0, -math.floor(math.log10(step) + 1e-9))
        return [f"{value:.{decimals}f}" for value in values]
    digits = 1 + max(0, math.ceil(math.log10(max(largest / step, 1)) - 1e-9))
    return [f"{value if abs(value) > step / 2 else 0.0:.{min(digits, 17)}g}" for value in values]


def _apart(ticks: list[Tick]) -> bool:
    longest = max(len(tick.label) for tick in ticks)
    places = [tick.place for tick in ticks]
    return all(later - earlier >= longest + 2 for earlier, later in pairwise(places))


def _round_step(least: float) -> float:
    """Return the smallest 1, 2 or 5 times a power of ten that is at least ``least``."""
    power = 10.0 ** math.floor(math.log10(least))
    return next((power * step for step in STEPS if power * step >= least * (1 - 1e-9)), power * 10)
