"""The line of tabs: one for each screen, the current one marked, each of them to be clicked."""

from __future__ import annotations

from itertools import accumulate

from rich.text import Text
from textual import events
from textual.app import RenderResult
from textual.widget import Widget

from tensorpeek.tui.tabs import TABS


class TabLine(Widget):
    """Shows the keys and the titles of all screens."""

    def __init__(self, current: str, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._current = current

    @property
    def _gap(self) -> int:
        """Columns between two tabs: fewer where the line is short."""
        return 2 if sum(len(tab.title) + 4 for tab in TABS) <= self.size.width else 1

    def render(self) -> RenderResult:
        """Return the tabs."""
        colors = self.app.theme_variables
        line = Text(" ", no_wrap=True, overflow="crop")
        for tab in TABS:
            is_current = tab.name == self._current
            line.append(f"{tab.key} ", colors["primary"])
            line.append(tab.title, "bold underline" if is_current else colors["plot-axis"])
            line.append(" " * self._gap)
        return line

    async def on_click(self, event: events.Click) -> None:
        """Go to the screen whose tab was clicked."""
        ends = accumulate((len(tab.title) + 2 + self._gap for tab in TABS), initial=1)
        starts = list(ends)
        for tab, start in zip(TABS, starts, strict=False):
            if start <= event.x < start + len(tab.title) + 2:
                await self.run_action(f"screen.show({tab.name!r})")
