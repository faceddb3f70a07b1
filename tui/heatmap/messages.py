"""What the heatmap's jobs and its widget tell the screen, in the past tense."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from tensorpeek.analysis.grids import FoundGrid, GridError, GridPicture
    from tensorpeek.analysis.heatmap import CellValue, Pooled
    from tensorpeek.tui.heatmap.viewing import GridQuestion, Question, TensorQuestion


@dataclass
class Pictured(Message):
    """A picture of a tensor was pooled: of a sample or, if it is exact, of every value."""

    question: TensorQuestion
    pooled: Pooled = field(repr=False)


@dataclass
class GridPictured(Message):
    """A grid was pooled: what is finished so far or, if it is exact, all of it."""

    question: GridQuestion
    picture: GridPicture = field(repr=False)
    share: float


@dataclass
class PictureProgressed(Message):
    """Pooling has come this far, from 0 to 1."""

    question: Question
    share: float

    def can_replace(self, message: Message) -> bool:
        """Only the newest progress matters."""
        return isinstance(message, PictureProgressed)


@dataclass
class PictureFailed(Message):
    """There is no picture, for this reason."""

    question: Question
    reason: str


@dataclass
class CellRead(Message):
    """The element that stands for the cell of the cursor was read, or could not be."""

    cell: object
    found: CellValue | None
    reason: str = ""


@dataclass
class GridsFound(Message):
    """The grids were looked up, plugins too."""

    grids: list[FoundGrid] = field(repr=False)
    problems: list[GridError] = field(repr=False)


@dataclass
class CellChosen(Message):
    """The cursor was moved by cells."""

    rows: int
    columns: int


@dataclass
class CellPointed(Message):
    """The mouse was pressed on a cell, counted from the first ones that are shown."""

    row: int
    column: int


@dataclass
class RoomChanged(Message):
    """There is room for another number of cells."""


@dataclass
class WindowPanned(Message):
    """The window was moved by shares of itself."""

    down: float
    across: float
