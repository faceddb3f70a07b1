"""How long work is told to end early."""

from __future__ import annotations

from collections.abc import Callable

from tensorpeek.loaders import CancelledError

Stop = Callable[[], bool]
"""Says True once nobody waits for the answer any more; polled at least every 50 ms."""


def never() -> bool:
    """Return False: the work is to be finished."""
    return False


def check(stop: Stop) -> None:
    """Raise :class:`tensorpeek.loaders.CancelledError` if ``stop`` says so."""
    if stop():
        raise CancelledError
