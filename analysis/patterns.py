"""Count the bit patterns of values of 8 or 16 bits."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorpeek.analysis.compiled.value_kernels import count_in_place

PATTERNS = 1 << 16
"""Number of patterns of 16 bits."""

PatternCounter = Callable[[Iterable[NDArray[Any]], int], NDArray[np.int64]]
"""Counts as :func:`count_patterns` does."""


def count_patterns(chunks: Iterable[NDArray[Any]], itemsize: int) -> NDArray[np.int64]:
    """Return how often each pattern of ``itemsize`` (1 or 2) bytes occurs in the chunks.

    NumPy counts bytes two at a time, as one pattern of 16 bits: the sums over the rows and the
    columns of that table of 256 by 256 are the counts of the first and of the second bytes.
    """
    counts = np.zeros(PATTERNS, np.int64)
    left_over = np.zeros(256, np.int64)
    for chunk in chunks:
        stored = np.ascontiguousarray(chunk).view(np.uint8)
        if count_in_place(stored, itemsize, counts if itemsize == 2 else left_over):
            continue
        if stored.size % 2:
            left_over[stored[-1]] += 1
            stored = stored[:-1]
        counts += np.bincount(stored.view(np.uint16), minlength=PATTERNS)
    if itemsize == 2:
        return counts
    pairs = counts.reshape(256, 256)
    left_over += pairs.sum(axis=0) + pairs.sum(axis=1)
    return left_over


def pattern_values(dtype: np.dtype[Any]) -> NDArray[np.float64]:
    """Return the value, in float64, of every bit pattern of a type of 8 or 16 bits, in order.

    A byte of a boolean is true unless it is 0.
    """
    if dtype.kind == "b":
        return (np.arange(256) > 0).astype(np.float64)
    unsigned = np.dtype(f"u{dtype.itemsize}")
    patterns = np.arange(1 << 8 * dtype.itemsize).astype(unsigned)
    with np.errstate(all="ignore"):
        return patterns.view(dtype).astype(np.float64)
