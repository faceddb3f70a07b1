"""Why a figure cannot be drawn."""

from __future__ import annotations


class FigureError(Exception):
    """A figure cannot be drawn; ``reason`` is one lower-case clause, such as ``is no matrix``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
