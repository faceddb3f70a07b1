"""What all screens share: the files that were asked for, what is chosen, how to draw."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tensorpeek.tui.kept_results import KeptResults
from tensorpeek.tui.saving import Saving
from tensorpeek.tui.selection import Selection
from tensorpeek.tui.settings.last_views import LastViews
from tensorpeek.tui.settings.settings import Settings


class Session:
    """One run of the app over ``paths`` (files, folders, patterns).

    ``ascii_only`` draws nothing but ASCII, ``plain`` draws without colors. The choice is one for
    all screens, so that the tensor stays when the screen changes. With ``watch`` a model that is
    rewritten opens again; ``reloads`` counts how often models did. With ``read_only`` the app
    writes no file. ``last_views`` are those of
    earlier runs. ``plugins`` are the files of grids that the user named. ``results`` are those on
    disk; without them every tensor is measured anew.
    """

    def __init__(  # noqa: PLR0913 (how to run, all by keyword)
        self,
        paths: Sequence[str],
        *,
        ascii_only: bool = False,
        plain: bool = False,
        watch: bool = False,
        read_only: bool = False,
        settings: Settings | None = None,
        last_views: LastViews | None = None,
        plugins: Sequence[str] = (),
        results: KeptResults | None = None,
    ) -> None:
        self.paths = list(paths)
        self.ascii_only = ascii_only
        self.plain = plain
        self.watch = watch
        self.plugins = list(plugins)
        self.results = results or KeptResults(is_off=True)
        self.read_only = read_only
        self.reloads = 0
        self.settings = settings or Settings()
        self.last_views = last_views or LastViews(None)
        self.choice = Selection(self.settings.view, self.last_views.view_of)
        self.is_looked_up = False
        self.problems: list[str] = []
        self.saving: Saving | None = None
        """What is being written to a file, whatever screen that was asked on."""
        self.marked: list[tuple[Path, str]] = []
        """Files and names of the tensors that were marked in the table, for any screen to use."""
