"""The panel of statistics beside (or, on a narrow screen, behind) the histogram."""

from __future__ import annotations

from rich.console import RenderableType
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll

from tensorpeek.tui.statistics_table import Section, statistics_table
from tensorpeek.tui.widgets.lines import Lines


class Shown(Lines):
    """One renderable after the other."""

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._content: RenderableType = Text()

    def show(self, content: RenderableType) -> None:
        """Show something else."""
        self._content = content
        self.draw_again()

    def drawn(self, width: int) -> RenderableType:  # noqa: ARG002
        """Return it."""
        return self._content


class StatisticsPanel(VerticalScroll, can_focus=True):
    """Shows a tensor's name and its statistics as a Rich table."""

    def compose(self) -> ComposeResult:
        """Lay out the name and the table."""
        yield Shown(id="statistics-name")
        yield Shown(id="statistics-table")

    def show_statistics(self, name: str, sections: list[Section]) -> None:
        """Show ``sections`` under the tensor's ``name``."""
        self._show(name, statistics_table(sections, self.app.theme_variables))

    def show_error(self, name: str, reason: str) -> None:
        """Show why there are no statistics."""
        self._show(name, Text(reason, self.app.theme_variables["error"]))

    def _show(self, name: str, content: RenderableType) -> None:
        self.query_one("#statistics-name", Shown).show(Text(name, "bold", overflow="fold"))
        self.query_one("#statistics-table", Shown).show(content)
