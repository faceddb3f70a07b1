"""The marks of tensors on a scatter: what a scheme costs each, how far out its values lie."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from tensorpeek.analysis.diagnosis import SEVERITIES

if TYPE_CHECKING:
    from tensorpeek.analysis.diagnosis import Severity


@dataclass(frozen=True)
class Mark:
    """A tensor as a scatter shows it: SQNR in dB, share of extreme outliers in percent.

    Both are None where there is no such measure; ``severity`` is the worst of their grades.
    """

    place: int
    sqnr_db: float | None
    extreme_percent: float | None
    severity: Severity | None

    @cached_property
    def rank(self) -> tuple[float, ...]:
        """Smaller for what is worse."""
        severity = -1 if self.severity is None else SEVERITIES.index(self.severity)
        ratio = math.inf if self.sqnr_db is None else self.sqnr_db
        return -severity, ratio, -(self.extreme_percent or 0.0), self.place


@dataclass(frozen=True)
class Tally:
    """How many SQNRs are below a limit; the smallest one and where it is, None without any."""

    below: int
    worst: tuple[float, int] | None


class RankedMarks:
    """Marks, the worst first, each place once; adding some costs little more than these."""

    def __init__(self) -> None:
        self._of_place: dict[int, Mark] = {}
        self._ranked: list[Mark] = []
        self._told: tuple[float, Tally] | None = None

    def __contains__(self, place: int) -> bool:
        return place in self._of_place

    @property
    def ranked(self) -> list[Mark]:
        """The marks, worst first: the same list until there are others."""
        return self._ranked

    def add(self, marks: Iterable[Mark]) -> None:
        """Take in marks, each in the place of an earlier one of the same tensor."""
        told = {mark.place: mark for mark in marks}
        new = {at: mark for at, mark in told.items() if self._of_place.get(at) != mark}
        if not new:
            return
        known = self._ranked
        if not new.keys().isdisjoint(self._of_place):
            known = [mark for mark in known if mark.place not in new]
        self._of_place.update(new)
        self._ranked = sorted([*known, *new.values()], key=lambda mark: mark.rank)
        self._told = None

    def tally(self, limit: float) -> Tally:
        """Return what the marks say together of an SQNR of ``limit`` dB."""
        if self._told is None or self._told[0] != limit:
            ratios = [(m.sqnr_db, m.place) for m in self._ranked if m.sqnr_db is not None]
            below = sum(ratio < limit for ratio, _ in ratios)
            self._told = limit, Tally(below, min(ratios, default=None))
        return self._told[1]
