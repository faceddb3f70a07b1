"""The screens of the app, in the order of their keys: a new one is a package and a line here."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from tensorpeek.tui.screens.tab_screen import TabScreen
    from tensorpeek.tui.session import Session


@dataclass(frozen=True)
class Tab:
    """A screen that a digit opens, and where its class is; imported when it is first shown."""

    key: str
    name: str
    title: str
    tooltip: str
    module: str
    screen: str

    def make(self, session: Session) -> TabScreen:
        """Return a new screen over ``session``."""
        return self.load()(session)

    def load(self) -> type[TabScreen]:
        """Import the screen's class."""
        return cast("type[TabScreen]", getattr(import_module(self.module), self.screen))


TABS = (
    Tab(
        "1",
        "histogram",
        "Histogram",
        "Histogram and statistics of a tensor",
        "tensorpeek.tui.screens.histogram_screen",
        "HistogramScreen",
    ),
)


def tab_named(name: str) -> Tab:
    """Return the screen with this name."""
    return next(tab for tab in TABS if tab.name == name)
