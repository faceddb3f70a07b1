"""A closed interval of real numbers, in the numbers that an element type has."""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def closed_bounds(
    dtype: np.dtype[Any], low: float, high: float
) -> tuple[np.generic, np.generic] | None:
    """Return the smallest and the largest number of ``dtype`` in the interval, None for none.

    Comparing elements with these two, in their own type, decides exactly which of them lie in the
    closed interval from ``low`` to ``high``. ``dtype`` is an integer type, float32 or float64.
    """
    if not low <= high:
        return None
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        if low > limits.max or high < limits.min:
            return None
        first = limits.min if low <= limits.min else math.ceil(low)
        last = limits.max if high >= limits.max else math.floor(high)
        return (dtype.type(first), dtype.type(last)) if first <= last else None
    with np.errstate(over="ignore", under="ignore"):
        lower, upper = dtype.type(low), dtype.type(high)
        if float(lower) < low:
            lower = np.nextafter(lower, dtype.type(math.inf))
        if float(upper) > high:
            upper = np.nextafter(upper, dtype.type(-math.inf))
    return (lower, upper) if lower <= upper else None
