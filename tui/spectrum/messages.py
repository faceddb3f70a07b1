"""What the background tells the screen of singular values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from tensorpeek.analysis.diagnosis.full_spectrum import FullSpectrum
    from tensorpeek.tui.question import Subject


@dataclass
class SpectrumFound(Message):
    """All singular values of a tensor were computed."""

    subject: Subject
    found: FullSpectrum = field(repr=False)


@dataclass
class SpectrumMissed(Message):
    """The singular values of a tensor are not kept from another time."""

    subject: Subject


@dataclass
class SpectrumRefused(Message):
    """A tensor has no spectrum, or could not be read."""

    subject: Subject
    reason: str
    is_error: bool


@dataclass
class SpectrumProgressed(Message):
    """Reading the values has come this far, from 0 to 1; the algebra after that tells nothing."""

    subject: Subject
    share: float

    def can_replace(self, message: Message) -> bool:
        """Only the newest progress matters."""
        return isinstance(message, SpectrumProgressed)


@dataclass
class IndexHovered(Message):
    """The cursor was put on a singular value, from 0."""

    index: int

    def can_replace(self, message: Message) -> bool:
        """Only the newest place of the cursor matters."""
        return isinstance(message, IndexHovered)
