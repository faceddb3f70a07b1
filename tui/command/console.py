"""Where text goes: answers to stdout, everything else to stderr."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tensorpeek.loaders.clean import clean

if TYPE_CHECKING:
    from rich.console import Console

NEVER_CUT = 10_000
"""Columns of an output whose lines are as long as they need to be."""

PIPED_PLOT_WIDTH = 100
"""Columns of a plot that is not drawn on a terminal, or a few more for bars of equal width."""

MOST_PIPED_PLOT_WIDTH = 110


def complain(about: object, problem: str) -> None:
    """Print ``tensorpeek: about: problem`` to stderr."""
    print(f"tensorpeek: {clean(str(about))}: {problem}", file=sys.stderr)  # noqa: T201


def answer_console() -> Console:
    """Return a console on stdout that cuts and folds nothing by itself."""
    from tensorpeek.tui.command.piped_console import PipedConsole

    return PipedConsole(
        file=sys.stdout, width=NEVER_CUT, highlight=False, markup=False, emoji=False
    )


def terminal_width() -> int | None:
    """Return the columns of the terminal that shows stdout, None if there is none."""
    if not sys.stdout.isatty():
        return None
    return shutil.get_terminal_size((PIPED_PLOT_WIDTH, 24)).columns


def plot_width(bins: int, beside: int) -> int:
    """Return the columns for a plot of ``bins`` bars and ``beside`` columns of labels."""
    width = terminal_width()
    if width is not None:
        return width
    even = beside + bins * round((PIPED_PLOT_WIDTH - beside) / bins)
    return even if PIPED_PLOT_WIDTH <= even <= MOST_PIPED_PLOT_WIDTH else PIPED_PLOT_WIDTH


def speaks_unicode() -> bool:
    """Return whether stdout can show block characters."""
    return (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf")


@contextmanager
def progress_line() -> Iterator[ProgressLine]:
    """Show what is going on in one line of stderr, if that is a terminal; wipe it at the end."""
    line = ProgressLine()
    try:
        yield line
    finally:
        line.wipe()


class ProgressLine:
    """One line that is written over, from half a second on and at most ten times a second."""

    def __init__(self) -> None:
        self._next = time.monotonic() + 0.5
        self._written = False
        self._prefix = ""

    def begin(self, prefix: str) -> Callable[[float], None]:
        """Name the next piece of work; the function given takes the share that is done, 0 to 1."""
        self._prefix = prefix
        self.report(0.0)
        return self.report

    def report(self, share: float) -> None:
        """Write the line anew, if it is time."""
        if time.monotonic() < self._next or not sys.stderr.isatty():
            return
        self._next = time.monotonic() + 0.1
        self._written = True
        columns = shutil.get_terminal_size().columns
        self._write(f"{share:4.0%} {clean(self._prefix)}"[: columns - 1])

    def wipe(self) -> None:
        """Remove the line."""
        if self._written:
            self._write("")

    def _write(self, text: str) -> None:
        sys.stderr.write("\r\x1b[K" + text)
        sys.stderr.flush()
