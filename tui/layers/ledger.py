"""What was measured of the tensors of one model in one view."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tensorpeek.tui.layers.columns import KINDS, Kind

if TYPE_CHECKING:
    from tensorpeek.analysis.overview import Figures, Weighed


@dataclass(frozen=True, eq=False)
class Found:
    """A measure of the tensor at ``place``: :class:`Figures`, else a :class:`Weighed`."""

    kind: Kind
    place: int
    measure: Figures | Weighed = field(repr=False)


class Ledger:
    """One list for each kind of measure, None where there is none yet.

    ``asked`` are the places whose spectrum is wanted, whatever it costs.
    """

    def __init__(self, count: int) -> None:
        self.figures: list[Figures | None] = [None] * count
        self.sqnr: list[Weighed | None] = [None] * count
        self.condition: list[Weighed | None] = [None] * count
        self._lists: dict[Kind, list[Any]] = {
            "figures": self.figures,
            "sqnr": self.sqnr,
            "condition": self.condition,
        }
        self.counts: dict[Kind, int] = dict.fromkeys(KINDS, 0)
        self.asked: set[int] = set()

    def take(self, found: Found) -> None:
        """Keep a measure."""
        measures = self._lists[found.kind]
        if measures[found.place] is None:
            self.counts[found.kind] += 1
        measures[found.place] = found.measure

    def take_from(self, other: Ledger, place: int) -> None:
        """Keep what another ledger has of a tensor: one that is the same in both views."""
        for kind, measures in other._lists.items():
            measure = measures[place]
            if measure is not None:
                self.take(Found(kind, place, measure))

    def is_known(self, kind: Kind, place: int) -> bool:
        """Whether a measure was taken."""
        return self._lists[kind][place] is not None

    def flags(self, kind: Kind) -> bytearray:
        """Return 1 for each tensor whose measure was taken, else 0."""
        return bytearray(measure is not None for measure in self._lists[kind])
