"""Run a program in a pseudo-terminal, answer its queries, and note when every byte arrived."""

from __future__ import annotations

import fcntl
import os
import pty
import resource
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

COLUMNS, LINES = 120, 36

ANSWERS = {
    b"\x1b[?2026$p": b"\x1b[?2026;2$y",  # synchronized output: known, off
    b"\x1b[?2048$p": b"\x1b[?2048;0$y",  # in-band resizing: unknown
}
"""What a common terminal replies to the queries that Textual sends."""

DEADLINE = 30.0
"""Seconds after which a program that does not draw counts as stuck."""


@dataclass(frozen=True)
class Repaint:
    """What a key caused: seconds to the first and to the last byte, and number of bytes."""

    first: float
    last: float
    nbytes: int


class TerminalProcess:
    """A program on a terminal of 120x36 characters. Times are seconds since it was started."""

    def __init__(self, command: Sequence[str]) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        variables = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        variables |= {"TENSORPEEK_STATE_DIR": "", "TENSORPEEK_CONFIG": os.devnull}
        self.output = bytearray()
        self.started = time.perf_counter()
        self._process = subprocess.Popen(
            list(command),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=variables,
            start_new_session=True,
        )
        os.close(slave)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.end()

    def end(self) -> resource.struct_rusage:
        """Kill the process and return what it used."""
        self._process.kill()
        _, status, usage = os.wait4(self._process.pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        os.close(self._master)
        return usage

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    def wait_for(self, mark: str) -> float:
        """Return when ``mark`` had been drawn. Raises TimeoutError."""
        sought = mark.encode()
        return self.wait_until(lambda output: sought in output, f"'{mark}' drawn")

    def wait_until(self, condition: Callable[[bytearray], bool], name: str) -> float:
        """Return when what was written met ``condition``. Raises TimeoutError."""
        moment = time.perf_counter()
        while not condition(self.output):
            if moment - self.started > DEADLINE or not self._receive(DEADLINE):
                raise TimeoutError(f"not seen: {name}; last: {bytes(self.output[-500:])!r}")
            moment = time.perf_counter()
        return moment - self.started

    def settle(self, quiet: float) -> float:
        """Read until nothing came for ``quiet`` seconds; return when the last byte came."""
        last = time.perf_counter()
        while self._receive(quiet):
            last = time.perf_counter()
        return last - self.started

    def press(self, key: str, *, quiet: float) -> Repaint:
        """Write a key and read what it draws, until nothing came for ``quiet`` seconds."""
        before, first = len(self.output), 0.0
        start = last = time.perf_counter()
        os.write(self._master, key.encode())
        while self._receive(quiet):
            last = time.perf_counter()
            first = first or last - start
        return Repaint(first, last - start, len(self.output) - before)

    def _receive(self, patience: float) -> bool:
        """Read what there is, waiting ``patience`` seconds at most; tell whether anything came."""
        ready, _, _ = select.select([self._master], [], [], patience)
        if not ready:
            return False
        try:
            piece = os.read(self._master, 1 << 16)
        except OSError:  # Linux says so when the program has ended
            return False
        self.output += piece
        for query, answer in ANSWERS.items():
            if query in piece:
                os.write(self._master, answer)
        return bool(piece)
