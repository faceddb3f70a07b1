"""The pairs of two models in the order of how far they are apart; no widget."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tensorpeek.tui.number_text import number

if TYPE_CHECKING:
    from tensorpeek.analysis.comparison import Comparison, Difference, Pair, Pairing


@dataclass(frozen=True)
class Measure:
    """A measure that pairs are ranked by: its name, its text, how bad a difference is by it."""

    title: str
    order: str
    text: Callable[[Difference], str]
    badness: Callable[[Difference], float]


def _error(difference: Difference) -> float:
    if difference.relative_error is not None:
        return difference.relative_error
    return math.inf if difference.changed else 0.0


def _decibels(difference: Difference) -> str:
    sqnr = difference.sqnr
    return f"{sqnr + 0.0:.2f}" if sqnr is not None and math.isfinite(sqnr) else number(sqnr)


MEASURES = (
    Measure("SQNR dB", "worst first", _decibels, _error),
    Measure(
        "rel. error",
        "largest first",
        lambda difference: number(difference.relative_error, 3),
        _error,
    ),
    Measure(
        "max |b-a|",
        "largest first",
        lambda difference: number(difference.max_delta, 3),
        lambda difference: difference.max_delta or 0.0,
    ),
    Measure("SQNR dB", "file order", _decibels, lambda _: 0.0),
)
"""SQNR and the relative error rank alike; the last one keeps the order of the file."""


@dataclass
class Ranking:
    """The pairs of a pairing, what is known about each, and the order in which they stand."""

    pairing: Pairing
    found: dict[Pair, Comparison] = field(default_factory=dict)
    order: list[Pair] = field(default_factory=list)
    by: int = 0

    def __post_init__(self) -> None:
        self.sort()

    @property
    def measure(self) -> Measure:
        """The measure that pairs are ranked by."""
        return MEASURES[self.by]

    @property
    def is_complete(self) -> bool:
        """Whether all pairs were compared."""
        return len(self.found) == len(self.pairing.pairs)

    def add(self, found: list[Comparison]) -> None:
        """Take in comparisons."""
        self.found.update((one.pair, one) for one in found)
        self.sort()

    def next_measure(self) -> None:
        """Rank by the next measure."""
        self.by = (self.by + 1) % len(MEASURES)
        self.sort()

    def sort(self) -> None:
        """Put the worst first: pairs without an answer, those not finite, then the largest."""
        pairs = self.pairing.pairs
        last = len(MEASURES) - 1
        self.order = list(pairs) if self.by == last else sorted(pairs, key=self._key)

    def text(self, pair: Pair) -> str:
        """Return the measure of a pair, ``…`` before it is known, ``–`` where there is none."""
        found = self.found.get(pair)
        if found is None:
            return "…"
        if found.difference is None:
            return "error" if found.unreadable else "shapes"
        return self.measure.text(found.difference)

    def pair_of(self, name: str) -> Pair | None:
        """Return the pair whose first tensor has a name."""
        return next((pair for pair in self.pairing.pairs if pair.first.name == name), None)

    def _key(self, pair: Pair) -> tuple[int, int, float]:
        found = self.found.get(pair)
        if found is None:
            return 1, 0, 0.0
        if found.difference is None:
            return -1, 0, 0.0
        return 0, -found.difference.not_finite, -self.measure.badness(found.difference)
