"""A measure that cannot be taken, and why."""

from __future__ import annotations


class UnmeasurableError(Exception):
    """A measure does not exist for a tensor, or would cost too much.

    ``reason`` is one lower-case clause, such as ``needs a matrix``.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)
