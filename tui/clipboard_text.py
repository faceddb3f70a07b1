"""The command line that prints what the screen shows."""

from __future__ import annotations

import shlex

from tensorpeek.tui.number_text import number
from tensorpeek.tui.question import Subject


def command_line(
    subject: Subject,
    *,
    bins: int,
    selection: tuple[float, float] | None,
    log: bool,
) -> str:
    """Return the ``tensorpeek hist`` command for one tensor, quoted for a POSIX shell.

    The tensor's name is escaped, so that it matches itself and nothing else.
    """
    words = [
        "tensorpeek",
        "hist",
        str(subject.path),
        exact_pattern(subject.name),
        "--bins",
        str(bins),
    ]
    if selection is not None:
        words += ["--range", *(number(limit, 17) for limit in selection)]
    if subject.view == "raw":
        words += ["--view", "raw"]
    if log:
        words.append("--log")
    return shlex.join(words)


def exact_pattern(name: str) -> str:
    """Return a shell-style pattern that matches ``name`` alone."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)
