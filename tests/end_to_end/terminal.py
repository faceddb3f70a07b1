"""The installed command in a pseudo-terminal, its screen as a terminal shows it."""

from __future__ import annotations

import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyte

COMMAND = str(Path(sys.executable).parent / "tensorpeek")

LONG = 90.0
"""Seconds after which something that was waited for does not happen any more."""

PLAIN = {
    "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
    "HOME": "/nonexistent",
    "TENSORPEEK_CACHE_DIR": "",
    "TENSORPEEK_CONFIG": os.devnull,
    "TENSORPEEK_STATE_DIR": "",
    "LANG": "C.UTF-8",
    "TERM": "xterm-256color",
    "COLORTERM": "truecolor",
}
"""The environment of a usual terminal, with nothing inherited."""

KEY_PROTOCOL = re.compile(rb"\x1b\[[<>]\d*u")
"""Sequences that pyte does not know and would print the last letter of."""

MODE = re.compile(rb"\x1b\[\?([\d;]+)([hl])")


class Terminal:
    """A terminal of a given size in which one program runs."""

    def __init__(
        self,
        words: list[str],
        *,
        size: tuple[int, int] = (120, 36),
        environment: dict[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.screen = pyte.Screen(*size)
        self.stream = pyte.ByteStream(self.screen)
        self.output = b""
        self.master, self.slave = os.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        self.settings = termios.tcgetattr(self.slave)
        self.process = subprocess.Popen(
            words,
            stdin=self.slave,
            stdout=self.slave,
            stderr=self.slave,
            env=PLAIN | (environment or {}),
            cwd=cwd,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 (to have ctrl+z and hang-ups)
        )

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)

    def send(self, keys: str) -> None:
        """Send what a keyboard sends, all at once."""
        os.write(self.master, keys.encode())

    def take(self, seconds: float = 0.05) -> None:
        """Take in what the program writes, for at most so long if it is silent."""
        while select.select([self.master], [], [], seconds)[0]:
            try:
                got = os.read(self.master, 1 << 16)
            except OSError:  # the other side is gone
                return
            self.output += got
            self.stream.feed(KEY_PROTOCOL.sub(b"", got))
            seconds = 0

    def until(self, is_reached: Callable[[], bool]) -> None:
        """Take in output until something is so."""
        deadline = time.monotonic() + LONG
        while not is_reached():
            self.take()
            assert time.monotonic() < deadline, "not reached:\n" + self.text()
            assert self.process.poll() is None or is_reached(), "ended:\n" + self.text()

    def until_shown(self, *words: str) -> None:
        """Take in output until all of the words stand on the screen."""
        self.until(lambda: all(word in self.text() for word in words))

    def until_matched(self, pattern: str) -> re.Match[str]:
        """Take in output until the screen matches; return the match."""
        self.until(lambda: re.search(pattern, self.text()) is not None)
        match = re.search(pattern, self.text())
        assert match is not None
        return match

    def ended(self) -> int:
        """Wait until the program has ended; return its exit code, negative for a signal."""
        deadline = time.monotonic() + LONG
        while self.process.poll() is None:
            self.take()
            assert time.monotonic() < deadline, "does not end:\n" + self.text()
        self.take()
        return self.process.returncode

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.screen.display)

    def modes(self) -> dict[int, bool]:
        """The private modes that were set or reset, as they are now."""
        modes = {}
        for match in MODE.finditer(self.output):
            modes |= dict.fromkeys(map(int, match[1].split(b";")), match[2] == b"h")
        return modes

    def check_restored(self) -> None:
        """The terminal is as it was found: screen, cursor, mouse, paste, line discipline."""
        modes = self.modes()
        on = {mode for mode, is_on in modes.items() if is_on}
        assert modes[1049] is False, "the other screen is not left"
        assert modes[25] is True, "the cursor is hidden"
        assert on & {1000, 1002, 1003, 1004, 1006, 1015, 2004, 2048} == set()
        assert self.settings == self.settings_now()

    def settings_now(self) -> list[Any]:
        return termios.tcgetattr(self.slave)


def app(
    *paths: Path | str,
    size: tuple[int, int] = (120, 36),
    environment: dict[str, str] | None = None,
    cwd: Path | None = None,
) -> Terminal:
    """Start the app on paths in a terminal."""
    words = [COMMAND, *map(str, paths)]
    return Terminal(words, size=size, environment=environment, cwd=cwd)
