"""Bring values and their counts in order, equal values together."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tensorpeek.analysis.stopping import Stop, check

PIECE = 1 << 17
"""About how many values are sorted between two polls of ``stop``: some 10 ms of work."""

Values = NDArray[np.float64]
Counts = NDArray[np.int64]


def merge_equal(values: Values, counts: Counts, stop: Stop) -> tuple[Values, Counts]:
    """Return the distinct ones of finite ``values``, increasing, and the sums of their counts.

    Many values are first divided into ranges, by cuts taken from a sample. Raises CancelledError.
    """
    if values.size <= PIECE:
        return _sort_and_add(values, counts)
    sample = np.sort(values[:: values.size // 4096])
    cuts = np.unique(sample[:: -(-sample.size * PIECE // values.size)])[1:].tolist()
    parts = []
    for low, high in pairwise([-math.inf, *cuts, math.inf]):
        check(stop)
        here = np.flatnonzero((values >= low) & (values < high))
        parts.append(_sort_and_add(values[here], counts[here]))
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])


def _sort_and_add(values: Values, counts: Counts) -> tuple[Values, Counts]:
    distinct, where = np.unique(values, return_inverse=True)
    merged = np.zeros(distinct.size, np.int64)
    np.add.at(merged, where, counts)
    return distinct, merged
