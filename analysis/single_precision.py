"""Values of small types as float32, which holds them exactly."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorpeek.analysis.patterns import pattern_values


def fits_float32(dtype: np.dtype[Any]) -> bool:
    """Return whether float32 holds all values of a real type exactly."""
    return dtype.itemsize <= 2 or dtype == np.float32


def single(values: NDArray[Any]) -> NDArray[Any]:
    """Return real values as float32: the same array if it is of that type."""
    if values.dtype == np.float16 or values.dtype.name.startswith("float8"):
        # Looking values up is many times faster than converting them.
        patterns = values.view(np.dtype(f"u{values.itemsize}"))
        found: NDArray[Any] = np.take(_table(values.dtype), patterns, mode="clip")
        return found
    return values.astype(np.float32, copy=False)


@cache
def _table(dtype: np.dtype[Any]) -> NDArray[np.float32]:
    with np.errstate(invalid="ignore"):  # a signaling NaN becomes a quiet one
        return pattern_values(dtype).astype(np.float32)
