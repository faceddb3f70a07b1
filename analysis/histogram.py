"""Counts of elements in bins, with what lies outside of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tensorpeek.analysis.edges import Edges


@dataclass(frozen=True, eq=False, kw_only=True)
class Histogram:
    """How many elements lie in each bin of ``edges``.

    Bins are half-open, the last one is closed, as those of ``numpy.histogram``. ``counts`` has
    one int64 for each bin; ``selected`` says how many of them lie in the closed interval
    ``selection`` (None without a selection). ``below`` and ``above`` are the finite elements
    outside the edges; together with ``counts``, ``nan`` and the infinities they make ``total``.
    Unless ``exact``, elements may stand in the bin beside theirs, and the sum still holds.
    """

    edges: Edges
    counts: NDArray[np.int64]
    selected: NDArray[np.int64] | None
    selection: tuple[float, float] | None
    below: int
    above: int
    total: int
    nan: int
    positive_infinity: int
    negative_infinity: int
    exact: bool

    @property
    def percent(self) -> NDArray[np.float64]:
        """Counts in percent of all elements, not only of those in bins; 0 for an empty tensor."""
        return np.asarray(self.counts * (100.0 / max(self.total, 1)), np.float64)

    @property
    def cumulative_percent(self) -> NDArray[np.float64]:
        """Percent of all elements that lie in a bin or below it, but for minus infinity."""
        reached = self.below + np.cumsum(self.counts)
        return np.asarray(reached * (100.0 / max(self.total, 1)), np.float64)

    @property
    def log_counts(self) -> NDArray[np.float64]:
        """Decimal logarithm of 1 + count: 0 for an empty bin, no infinity."""
        return np.asarray(np.log10(1.0 + self.counts), np.float64)
