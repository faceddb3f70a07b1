"""The one family of errors that reading a model can raise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tensorpeek.loaders.clean import clean

if TYPE_CHECKING:
    from pathlib import Path


class LoadError(Exception):
    """A file, or one tensor in it, could not be read.

    ``reason`` is one lower-case clause without a final period, such as ``no such file``.
    """

    def __init__(self, path: Path | str, reason: str) -> None:
        self.path = str(path)
        self.reason = clean(reason)
        super().__init__(self.path, self.reason)

    def __str__(self) -> str:
        return f"{clean(self.path)}: {self.reason}"


class CancelledError(Exception):
    """Long work ended early because its ``stop`` function said so."""
