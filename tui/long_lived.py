"""Keep the collector of garbage from walking through results that stay, again and again."""

from __future__ import annotations

import gc

OFTEN = 1000
"""Results after which those there are leave the sight of the collector."""


class LongLived:
    """Counts results that stay: a full collection over those of 10,000 tensors stops the keys.

    Results hold no cycles, so that they are freed as ever once nothing refers to them. Garbage in
    cycles that is older than the last short collection stays: there is little at these moments.
    """

    def __init__(self) -> None:
        self._new = 0

    def add(self, count: int) -> None:
        """Take note of new results."""
        self._new += count
        if self._new >= OFTEN:
            self._new = 0
            gc.collect(1)
            gc.freeze()
