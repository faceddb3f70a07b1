"""What background work and widgets tell every screen, in the past tense."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from tensorpeek.loaders import Model


@dataclass
class ModelsFound(Message):
    """The paths of the command line were looked up."""

    paths: list[Path]
    problems: list[str]


@dataclass
class ModelOpened(Message):
    """The header of a model was read."""

    path: Path
    model: Model = field(repr=False)


@dataclass
class ModelFailed(Message):
    """A model could not be opened."""

    path: Path
    reason: str


@dataclass
class FilesChanged(Message):
    """The files of a model that is watched were rewritten."""

    path: Path


@dataclass
class Exported(Message):
    """A tensor was written to a file, or was not because of a ``problem``.

    ``is_stopped`` if that is what the user asked for.
    """

    name: str
    problem: str | None = None
    is_stopped: bool = False


@dataclass
class ExportProgressed(Message):
    """Writing has come this far, from 0 to 1."""

    share: float

    def can_replace(self, message: Message) -> bool:
        """Only the newest progress matters."""
        return isinstance(message, ExportProgressed)


@dataclass
class QuickPickRequested(Message):
    """A list is too long for a menu: open the quick pick instead."""


@dataclass
class ViewToggled(Message):
    """The other view was asked for at the toggle."""
