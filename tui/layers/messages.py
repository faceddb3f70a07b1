"""What the table, its filter and the measuring tell the screen, in the past tense."""

from __future__ import annotations

from dataclasses import dataclass, field

from textual.message import Message

from tensorpeek.tui.layers.ledger import Found, Ledger


@dataclass
class SightChanged(Message):
    """Other lines or columns came into sight."""

    def can_replace(self, message: Message) -> bool:
        """One is as good as many."""
        return isinstance(message, SightChanged)


@dataclass
class RowClicked(Message):
    """A line was clicked, from 0; ``is_double`` for the second click of two."""

    index: int
    is_double: bool


@dataclass
class HeaderClicked(Message):
    """The title of a column was clicked."""

    name: str


@dataclass
class Measured(Message):
    """Some measures were taken for a ledger; ``is_over`` if nothing is left to measure."""

    ledger: Ledger = field(repr=False)
    found: list[Found] = field(repr=False)
    is_over: bool


@dataclass
class Prepared(Message):
    """The lists of an inventory that take long were made."""


@dataclass
class Measuring(Message):
    """Measuring one tensor has come this far, from 0 to 1."""

    name: str
    share: float

    def can_replace(self, message: Message) -> bool:
        """Only the newest progress matters."""
        return isinstance(message, Measuring)
