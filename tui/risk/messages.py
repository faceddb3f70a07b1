"""What the background tells the screen of risk."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from tensorpeek.analysis.diagnosis import Diagnosis
    from tensorpeek.analysis.risk import FirstLook
    from tensorpeek.tui.risk.model_risk import ModelRisk


@dataclass(frozen=True, eq=False)
class Finding:
    """What was found of the tensor at ``place``: a first look, the SQNR of a scheme, or a reason.

    ``scheme`` is the key of the scheme whose ``sqnr_db`` is told; the reason says why there is
    none, or why the tensor cannot be read (``is_unreadable``).
    """

    place: int
    look: FirstLook | None = None
    scheme: tuple[str, str] | None = None
    sqnr_db: float | None = None
    reason: str | None = None
    is_unreadable: bool = False


@dataclass
class Surveyed(Message):
    """Some tensors were looked at, or a scheme was tried on them."""

    risk: ModelRisk = field(repr=False)
    findings: list[Finding] = field(repr=False)


@dataclass
class Examined(Message):
    """Some tensors were measured in full."""

    risk: ModelRisk = field(repr=False)
    diagnoses: dict[int, Diagnosis] = field(repr=False)


@dataclass
class WorkEnded(Message):
    """Nothing is left to survey (or to examine)."""

    risk: ModelRisk = field(repr=False)
    lane: str


@dataclass
class PlaceChosen(Message):
    """The tensor at a place was clicked."""

    place: int


@dataclass
class CursorMoved(Message):
    """The cursor was moved by some ranks, or to an end (``to_end`` 0 or 1)."""

    steps: int = 0
    to_end: int | None = None
