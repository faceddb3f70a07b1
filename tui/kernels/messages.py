"""What the background tells the screen of kernels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from tensorpeek.analysis.kernels import Filters, Similarity
    from tensorpeek.tui.kernels.arrangement import KernelSubject
    from tensorpeek.tui.kernels.tile_maps import TileMaps


@dataclass
class FiltersRead(Message):
    """A kernel was read; ``center`` is the zero point that its raw codes have in common."""

    subject: KernelSubject
    filters: Filters = field(repr=False)
    center: float


@dataclass
class MapsMade(Message):
    """What the tiles show was made."""

    subject: KernelSubject
    maps: TileMaps = field(repr=False)


@dataclass
class SimilarityFound(Message):
    """The filters were compared with one another, or ``reason`` says why not."""

    subject: KernelSubject
    similarity: Similarity | None = field(repr=False)
    reason: str = ""


@dataclass
class FilterRead(Message):
    """All values of one filter were read: (I, D, H, W).

    ``limit`` is the largest distance from zero (or from ``center``, that of raw codes), ``digits``
    are the columns for a number.
    """

    subject: KernelSubject
    index: int
    values: NDArray[Any] = field(repr=False)
    center: float
    limit: float
    digits: int


@dataclass
class KernelFailed(Message):
    """A kernel could not be read or is not to be shown."""

    subject: KernelSubject
    reason: str


@dataclass
class KernelProgressed(Message):
    """The work that ``words`` name has come this far, from 0 to 1."""

    subject: KernelSubject
    words: str
    share: float

    def can_replace(self, message: Message) -> bool:
        """Only the newest progress matters."""
        return isinstance(message, KernelProgressed)


@dataclass
class TileChosen(Message):
    """The cursor was put on the tile of a filter."""

    index: int

    def can_replace(self, message: Message) -> bool:
        """Only the newest place of the cursor matters."""
        return isinstance(message, TileChosen)


@dataclass
class EnlargingAsked(Message):
    """A filter is to be shown in numbers."""

    index: int


@dataclass
class TilesAsked(Message):
    """The tiles are to be shown again."""
