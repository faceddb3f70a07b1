"""A first line on the terminal, drawn before the toolkit is imported: the command has begun."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TextIO

ENTER = "\x1b[?1049h\x1b[?25l\x1b[2J\x1b[H"
"""The terminal's other screen, as full-screen programs use it, empty and without a cursor."""

LEAVE = "\x1b[?25h\x1b[?1049l"


@contextmanager
def first_screen(stream: TextIO) -> Iterator[None]:
    """Show the program's name on ``stream`` while the app is imported.

    The app then draws over it and leaves the screen when it ends; when it does not come to that,
    because of an error, Ctrl+C or a signal, the screen is left here.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    try:
        stream.write(f"{ENTER} \x1b[1mtensorpeek\x1b[0m")
        stream.flush()
        yield
    except BaseException:
        stream.write(LEAVE)
        stream.flush()
        raise


def _leave(number: int, _: FrameType | None) -> None:
    """End as the signal would have, but through the clean-up."""
    sys.exit(128 + number)
