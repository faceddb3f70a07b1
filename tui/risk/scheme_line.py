"""The line of choices: grids, what shares a scale, symmetric or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text
from textual import events
from textual.message import Message
from textual.widget import Widget

if TYPE_CHECKING:
    from tensorpeek.analysis.risk import Scheme


class SchemeLine(Widget):
    """Shows what can be chosen and what is; a click chooses."""

    class Clicked(Message):
        """Another scheme was clicked."""

        def __init__(self, scheme: Scheme) -> None:
            super().__init__()
            self.scheme = scheme

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._scheme: Scheme | None = None
        self._spots: list[tuple[int, int, Scheme]] = []

    def show_scheme(self, scheme: Scheme) -> None:
        """Show which scheme is chosen."""
        self._scheme = scheme
        self.refresh()

    def render(self) -> Text:
        """Return the choices, those without a use left out."""
        from dataclasses import replace

        from tensorpeek.analysis.risk import GRANULARITIES, GRID_NAMES

        self._spots = []
        scheme = self._scheme
        line = Text(no_wrap=True, overflow="crop")
        if scheme is None:
            return line
        is_wide = self.size.width >= 100
        self._heading(line, "b", " Grid" if is_wide else "")
        for grid in GRID_NAMES:
            word = grid.removeprefix("fp8 ")
            self._choice(line, word, replace(scheme, grid=grid), is_chosen=grid == scheme.grid)
        if scheme.has_free_unit:
            self._heading(line, " c", " Scale per" if is_wide else "")
            for unit in GRANULARITIES:
                word = str(unit) if is_wide or not isinstance(unit, str) else unit[:4]
                chosen = unit == scheme.granularity
                self._choice(line, word, replace(scheme, granularity=unit), is_chosen=chosen)
        else:
            line.append(f"  scale per {scheme.unit}", self.app.theme_variables["plot-axis"])
        if scheme.is_integer:
            self._heading(line, " a", "")
            word = "" if scheme.symmetric else "a"
            word += "symmetric" if is_wide else "sym"
            self._choice(line, word, scheme.with_other_kind(), is_chosen=False)
        return line

    def _heading(self, line: Text, key: str, words: str) -> None:
        line.append(key, f"bold {self.app.theme_variables['primary']}")
        line.append(f"{words} ", self.app.theme_variables["plot-axis"])

    def _choice(self, line: Text, word: str, scheme: Scheme, *, is_chosen: bool) -> None:
        start = line.cell_len
        style = "bold reverse" if is_chosen else ""
        line.append(f" {word} " if is_chosen and self.size.width >= 100 else word, style)
        self._spots.append((start, line.cell_len, scheme))
        line.append(" ")

    def on_click(self, event: events.Click) -> None:
        """Choose what was clicked."""
        for start, end, scheme in self._spots:
            if start <= event.x < end:
                self.post_message(self.Clicked(scheme))
