"""What all screens share: the files that were asked for, what is chosen, how to draw."""

from __future__ import annotations

from collections.abc import Sequence

from tensorpeek.tui.selection import Selection
from tensorpeek.tui.settings.last_views import LastViews
from tensorpeek.tui.settings.settings import Settings


class Session:
    """One run of the app over ``paths`` (files, folders, patterns).

    ``ascii_only`` draws nothing but ASCII, ``plain`` draws without colors. The choice is one for
    all screens, so that the tensor stays when the screen changes. ``last_views`` are those of
    earlier runs.
    """

    def __init__(
        self,
        paths: Sequence[str],
        *,
        ascii_only: bool = False,
        plain: bool = False,
        settings: Settings | None = None,
        last_views: LastViews | None = None,
    ) -> None:
        self.paths = list(paths)
        self.ascii_only = ascii_only
        self.plain = plain
        self.settings = settings or Settings()
        self.last_views = last_views or LastViews(None)
        self.choice = Selection(self.settings.view, self.last_views.view_of)
        self.is_looked_up = False
        self.problems: list[str] = []
