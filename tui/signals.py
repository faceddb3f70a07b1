"""Leave the terminal as it was found, whatever ends the app."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import sys
import termios
import time
from collections.abc import Callable
from typing import Any

from tensorpeek.tui.command.atomic_write import remove_unfinished

MODES_OFF = (1000, 1003, 1015, 1006, 1016, 1004, 2004, 2048, 2026)
"""Mouse, reports of focus, bracketed paste, reports of size, synchronized output."""

WAIT = 0.5
"""Seconds for which a terminal that takes nothing is given a chance."""

RESTORE = (
    "\x18"
    + "".join(f"\x1b[?{mode}l" for mode in MODES_OFF)
    + "\x1b[?7h\x1b[<u\x1b[?1049l\x1b[?25h\x1b[0m"
).encode()
"""Drops a sequence that was cut short; then those modes off, line wrap on, key protocol and screen
back, cursor on, plain text."""


class SignalGuard:
    """SIGTERM and SIGINT quit in good order; SIGHUP restores the terminal and leaves hard.

    When the terminal has vanished (SIGHUP), a regular exit can hang on writing to it. What is being
    written then is removed.
    """

    def __init__(self) -> None:
        self._settings = _terminal_settings()

    def install(self, quit_app: Callable[[int], None]) -> None:
        """Catch the signals in the running event loop; ``quit_app`` takes the exit code."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, quit_app, 128 + number)
        signal.signal(signal.SIGHUP, self._hang_up)

    def _hang_up(self, *_: object) -> None:
        stream = sys.__stderr__
        if stream is not None and self._settings is not None:
            descriptor = stream.fileno()
            try:
                _write(descriptor, RESTORE)
                termios.tcsetattr(descriptor, termios.TCSANOW, self._settings)
            except (OSError, termios.error):
                pass  # the terminal is gone: nothing is left to restore
        remove_unfinished()
        os._exit(128 + signal.SIGHUP)


def _write(descriptor: int, content: bytes) -> None:
    """Write without ever waiting longer than for :data:`WAIT`; a full terminal may be drained."""
    os.set_blocking(descriptor, False)
    end = time.monotonic() + WAIT
    while content and time.monotonic() < end:
        try:
            content = content[os.write(descriptor, content) :]
        except BlockingIOError:
            select.select([], [descriptor], [], WAIT)


def _terminal_settings() -> list[Any] | None:
    stream = sys.__stderr__
    if stream is None or not stream.isatty():
        return None
    return termios.tcgetattr(stream.fileno())
