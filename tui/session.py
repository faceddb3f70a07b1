"""What all screens share: the files that were asked for, what is chosen, how to draw."""

from __future__ import annotations

from collections.abc import Sequence

from tensorpeek.tui.selection import Selection


class Session:
    """One run of the app over ``paths`` (files, folders, patterns).

    ``ascii_only`` draws nothing but ASCII, ``plain`` draws without colors. The choice is one for
    all screens, so that the tensor stays when the screen changes.
    """

    def __init__(self, paths: Sequence[str], *, ascii_only: bool, plain: bool) -> None:
        self.paths = list(paths)
        self.ascii_only = ascii_only
        self.plain = plain
        self.choice = Selection()
        self.is_looked_up = False
        self.problems: list[str] = []
