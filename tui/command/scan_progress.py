"""A bar with the time left, on a terminal's stderr."""

from __future__ import annotations

import shutil
import sys
import time

from tensorpeek.loaders.clean import clean

BAR = 24
"""Columns of the bar."""


class ScanBar:
    """Shows how much of the ``total`` cost is done; nothing where stderr is no terminal."""

    def __init__(self, tensors: int, total: float) -> None:
        self._tensors = tensors
        self._total = max(total, 1.0)
        self._done = 0.0
        self._count = 0
        self._begun = time.monotonic()
        self._shown = sys.stderr.isatty()

    def show(self, name: str = "") -> None:
        """Draw the bar, and the name of the tensor that was last done."""
        if not self._shown:
            return
        share = min(self._done / self._total, 1.0)
        filled = round(share * BAR)
        bar = "#" * filled + "." * (BAR - filled)
        line = f"[{bar}] {share:4.0%} {self._count}/{self._tensors}{self._time_left(share)}"
        columns = shutil.get_terminal_size().columns
        sys.stderr.write("\r\x1b[K" + f"{line} {clean(name)}"[: columns - 1])
        sys.stderr.flush()

    def advance(self, cost: float, name: str) -> None:
        """Count a tensor as done."""
        self._done += cost
        self._count += 1
        self.show(name)

    def wipe(self) -> None:
        """Remove the line."""
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def _time_left(self, share: float) -> str:
        if share <= 0:
            return ""
        left = (time.monotonic() - self._begun) * (1 - share) / share
        return f" ETA {time_text(left)}"


def time_text(seconds: float) -> str:
    """Return a time as ``m:ss`` or ``h:mm:ss``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
