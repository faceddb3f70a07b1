"""Which bin a value belongs to."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from tensorpeek.analysis.edges import Edges

FEW = 1 << 10
"""Values below which a binary search is quicker than index arithmetic."""


def bin_numbers(values: NDArray[np.float64], edges: Edges) -> NDArray[np.intp]:
    """Return the number of the bin of each finite value: 1 is the first bin.

    0 stands for below all bins, ``edges.bins + 1`` for above. Bins are half-open, the last one is
    closed. For uniform bins the number is computed, then corrected by comparison with the edges
    beside it, as ``numpy.histogram`` does, so it is exact.
    """
    starts = _starts(edges)
    if not edges.uniform or values.size < FEW:
        return np.searchsorted(starts[1:-1], values, side="right")
    first, width = edges.values[0], edges.values[-1] - edges.values[0]
    with np.errstate(over="ignore", under="ignore"):
        position = (values - first) / width
        position *= edges.bins
    number: NDArray[np.intp] = np.clip(position, 0, edges.bins - 1).astype(np.intp)
    number += 1
    number -= values < starts[number]
    number += values >= starts[number + 1]
    return number


def _starts(edges: Edges) -> NDArray[np.float64]:
    """Return where each number begins, from 0 on, with an end: the last bin keeps its edge."""
    starts = np.concatenate(([-np.inf], edges.values, [np.inf]))
    starts[-2] = math.nextafter(starts[-2], math.inf)
    return starts
