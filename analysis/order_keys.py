"""Unsigned integers in the order of the numbers they stand for.

For floats see Herf, "Radix tricks" (2001): flip the sign bit of positive patterns, every bit of
negative ones. Minus zero comes right before zero.
"""

from __future__ import annotations

import sys
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

_UPPER_HALF = 1 if sys.byteorder == "little" else 0

BUCKETS = 1 << 16
"""Number of buckets that values are sorted into by :func:`upper_patterns`."""


def upper_patterns(values: NDArray[Any]) -> NDArray[np.uint16]:
    """Return the upper 16 bits of each value, rounded to float32: sign, exponent, 7 bits.

    Values of one pattern make a bucket; a value that overflows float32 has that of infinity.
    """
    if values.dtype != np.float32:
        with np.errstate(all="ignore"):
            values = values.astype(np.float32)
    return values.view(np.uint16)[_UPPER_HALF::2]


@cache
def bucket_order() -> NDArray[np.intp]:
    """Return all patterns in the order of the values in their buckets, lowest first. Read-only."""
    patterns = np.arange(BUCKETS, dtype=np.intp)
    order = np.concatenate((patterns[: BUCKETS // 2 - 1 : -1], patterns[: BUCKETS // 2]))
    order.flags.writeable = False
    return order


@cache
def bucket_positions() -> NDArray[np.intp]:
    """Return the place of each pattern in :func:`bucket_order`. Read-only."""
    positions = np.argsort(bucket_order())
    positions.flags.writeable = False
    return positions


def bucket_limits(patterns: NDArray[np.intp]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the smallest and the largest float32 of each bucket, as float64."""
    near = patterns.astype(np.uint32) << np.uint32(16)
    far = near | np.uint32(0xFFFF)
    negative = patterns >= BUCKETS // 2
    with np.errstate(all="ignore"):
        lower = np.where(negative, far, near).astype(np.uint32).view(np.float32)
        upper = np.where(negative, near, far).astype(np.uint32).view(np.float32)
        return lower.astype(np.float64), upper.astype(np.float64)


def order_keys(values: NDArray[Any]) -> NDArray[np.uint64]:
    """Return keys of integers of 32 or 64 bits, of float32 or of float64, as uint64."""
    width = 8 * values.dtype.itemsize
    bits = values.view(f"u{values.dtype.itemsize}").astype(np.uint64)
    if values.dtype.kind == "u":
        return bits
    sign = np.uint64(1 << width - 1)
    if values.dtype.kind == "i":
        return bits ^ sign
    every = np.uint64((1 << width) - 1)
    return np.where(bits & sign, ~bits & every, bits ^ sign)


def from_order_keys(keys: NDArray[np.uint64], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return the values of ``dtype`` that have these keys."""
    width = 8 * dtype.itemsize
    sign, every = np.uint64(1 << width - 1), np.uint64((1 << width) - 1)
    bits = keys
    if dtype.kind == "i":
        bits = keys ^ sign
    elif dtype.kind == "f":
        bits = np.where(keys & sign, keys ^ sign, ~keys & every)
    return bits.astype(f"u{dtype.itemsize}").view(dtype)
