"""The line of tabs: one for each screen, the current one marked, each of them to be clicked."""

from __future__ import annotations

from rich.style import Style
from rich.text import Text
from textual.app import RenderResult
from textual.widget import Widget

from tensorpeek.tui.tabs import TABS


class TabLine(Widget):
    """Shows the keys and the titles of all screens."""

    def __init__(self, current: str, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._current = current

    def render(self) -> RenderResult:
        """Return the tabs, closer together where the line is short."""
        gap = 2 if sum(len(tab.title) + 4 for tab in TABS) <= self.size.width else 1
        line = Text(" ", no_wrap=True, overflow="crop")
        for tab in TABS:
            line.append_text(self._tab(tab.key, tab.title, tab.name)).append(" " * gap)
        return line

    def _tab(self, key: str, title: str, name: str) -> Text:
        colors = self.app.theme_variables
        meta = {"@click": f"screen.show({name!r})"}
        if name == self._current:
            style = Style.parse(f"bold {colors['primary']} underline") + Style(meta=meta)
            return Text(f"{key} {title}", style)
        title_style = Style.parse(colors["plot-axis"]) + Style(meta=meta)
        return Text.assemble(
            (key, Style.parse(colors["primary"]) + Style(meta=meta)), (f" {title}", title_style)
        )
