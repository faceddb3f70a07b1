"""A small histogram in one line of characters."""

from __future__ import annotations

from collections.abc import Sequence

BLOCKS = " ▁▂▃▄▅▆▇█"
ASCII_BLOCKS = " .:-=+*#@"
"""Nine heights each, from nothing to the fullest bin."""


def sparkline(counts: Sequence[int], *, ascii_only: bool = False) -> str:
    """Return one character for each bin, as high as its count is against the largest.

    Heights are rounded up to eighths, so that only an empty bin is blank. Empty without counts.
    """
    levels = ASCII_BLOCKS if ascii_only else BLOCKS
    steps = len(levels) - 1
    most = max(counts, default=0)
    if not most:
        return " " * len(counts)
    return "".join(levels[-(-count * steps // most)] for count in counts)
