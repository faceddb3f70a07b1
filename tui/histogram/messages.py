"""What the background and the widgets tell the screen of the histogram, in the past tense."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from tensorpeek.analysis import (
        Distribution,
        Histogram,
        QuantizationFacts,
        RangeCount,
        ScaleStrip,
    )
    from tensorpeek.loaders import Tensor
    from tensorpeek.tui.question import Question, Subject


@dataclass
class Measured(Message):
    """A tensor was measured in a view."""

    subject: Subject
    distribution: Distribution = field(repr=False)
    facts: QuantizationFacts | None = field(repr=False)


@dataclass
class Counted(Message):
    """The bins of a histogram were counted, and the selected range."""

    question: Question
    histogram: Histogram = field(repr=False)
    in_range: RangeCount | None


@dataclass
class MeasuringFailed(Message):
    """A tensor could not be read."""

    subject: Subject
    reason: str


@dataclass
class ScalesGathered(Message):
    """The scales of a tensor were gathered to columns."""

    tensor: Tensor = field(repr=False)
    strip: ScaleStrip = field(repr=False)


@dataclass
class ScalesFailed(Message):
    """The scales of a tensor, or the codes under them, could not be read."""

    tensor: Tensor = field(repr=False)
    reason: str


@dataclass
class StripResized(Message):
    """There is room for another number of columns of scales."""


@dataclass
class Progressed(Message):
    """Measuring has come this far, from 0 to 1."""

    subject: Subject
    share: float

    def can_replace(self, message: Message) -> bool:
        """Only the newest progress matters."""
        return isinstance(message, Progressed)


@dataclass
class BinHovered(Message):
    """The bin cursor was put on a bin, from 0."""

    index: int

    def can_replace(self, message: Message) -> bool:
        """Only the newest place of the cursor matters."""
        return isinstance(message, BinHovered)


@dataclass
class RangeApplied(Message):
    """A valid closed range was entered."""

    low: float
    high: float


@dataclass
class BinsChosen(Message):
    """A valid number of bins was entered."""

    bins: int
