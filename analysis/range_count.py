"""How many elements of a tensor lie in a range."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RangeCount:
    """``count`` of ``total`` elements lie in the closed interval from ``low`` to ``high``.

    ``total`` counts all elements; NaN lies in no interval, an infinity only in one that ends in
    it. An interval with ``low`` above ``high`` or a NaN bound is empty.
    """

    low: float
    high: float
    count: int
    total: int

    @property
    def percent(self) -> float:
        """``count`` in percent of ``total``; 0.0 for an empty tensor."""
        return 100.0 * self.count / self.total if self.total else 0.0
