"""The panel of statistics beside (or, on a narrow screen, behind) the histogram."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from tensorpeek.tui.statistics_table import Section, statistics_table


class StatisticsPanel(VerticalScroll, can_focus=True):
    """Shows a tensor's name and its statistics as a Rich table."""

    def compose(self) -> ComposeResult:
        """Lay out the name and the table."""
        yield Static(id="statistics-name", markup=False)
        yield Static(id="statistics-table")

    def show_statistics(self, name: str, sections: list[Section]) -> None:
        """Show ``sections`` under the tensor's ``name``."""
        self.query_one("#statistics-name", Static).update(Text(name, "bold", overflow="fold"))
        table = statistics_table(sections, self.app.theme_variables)
        self.query_one("#statistics-table", Static).update(table)

    def show_error(self, name: str, reason: str) -> None:
        """Show why there are no statistics."""
        self.query_one("#statistics-name", Static).update(Text(name, "bold", overflow="fold"))
        error = Text(reason, self.app.theme_variables["error"])
        self.query_one("#statistics-table", Static).update(error)
