"""What the background tells the screen of comparisons."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from tensorpeek.analysis import Histogram, Summary
    from tensorpeek.analysis.comparison import Comparison, Detail, Pair, Pairing
    from tensorpeek.loaders import Model


@dataclass
class OtherFound(Message):
    """A model with layers of the same names was found, or (None) there is none."""

    first: Model = field(repr=False)
    path: Path | None


@dataclass
class ModelsPaired(Message):
    """The tensors of two models were matched."""

    first: Model = field(repr=False)
    second: Model = field(repr=False)
    pairing: Pairing = field(repr=False)


@dataclass
class PairsCompared(Message):
    """Some more pairs were compared."""

    pairing: Pairing = field(repr=False)
    found: list[Comparison] = field(repr=False)


@dataclass
class PairProgressed(Message):
    """The work on one pair has come this far, from 0 to 1."""

    pair: Pair = field(repr=False)
    words: str
    share: float

    def can_replace(self, message: Message) -> bool:
        """Only the newest progress matters."""
        return isinstance(message, PairProgressed)


@dataclass(frozen=True, eq=False, kw_only=True)
class PairView:
    """What is shown of one pair: both histograms over the same bins, the difference in detail.

    Tensors whose shapes do not fit have no ``detail``.
    """

    comparison: Comparison
    summaries: tuple[Summary, Summary]
    histograms: tuple[Histogram, Histogram]
    detail: Detail | None


@dataclass
class PairMeasured(Message):
    """One pair was measured in full."""

    view: PairView = field(repr=False)


@dataclass
class PairFailed(Message):
    """One pair cannot be measured."""

    pair: Pair = field(repr=False)
    comparison: Comparison | None = field(repr=False)
    reason: str


@dataclass
class PairChosen(Message):
    """The cursor was put on a line of the list."""

    place: int

    def can_replace(self, message: Message) -> bool:
        """Only the newest place of the cursor matters."""
        return isinstance(message, PairChosen)


@dataclass
class BackAsked(Message):
    """The page before is wanted."""
