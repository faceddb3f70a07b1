"""What the background and the picture tell the screen of overlays."""

from __future__ import annotations

from dataclasses import dataclass, field

from textual.message import Message

from tensorpeek.tui.overlay.overlaid import Overlaid


@dataclass
class OverlayProgressed(Message):
    """The work has come this far: on which tensor, from 0 to 1 of it."""

    words: str
    share: float

    def can_replace(self, message: Message) -> bool:
        """Only the newest progress matters."""
        return isinstance(message, OverlayProgressed)


@dataclass
class OverlayCounted(Message):
    """All tensors were counted in the same bins; ``bins`` is how many were asked for."""

    overlaid: Overlaid = field(repr=False)
    bins: int


@dataclass
class SharedBinHovered(Message):
    """The cursor was put on a bin, from 0."""

    index: int

    def can_replace(self, message: Message) -> bool:
        """Only the newest place of the cursor matters."""
        return isinstance(message, SharedBinHovered)
