"""A widget that shows one picture of cells, or a note."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from rich.text import Text
from textual.strip import Strip

from tensorpeek.tui.charts.cells import Cells
from tensorpeek.tui.charts.look import Look
from tensorpeek.tui.widgets.line_widget import LineWidget
from tensorpeek.tui.widgets.note_strips import note_strips


class Chart(LineWidget, can_focus=True):
    """Paints its cells when they are looked at; keeps them until contents, size or theme change.

    Below ``SMALLEST`` columns and lines there is only a note.
    """

    SMALLEST: ClassVar[tuple[int, int]] = (0, 0)

    def __init__(self, *, ascii_only: bool, plain: bool, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._ascii_only = ascii_only
        self._plain = plain
        self._note: Text | None = Text()
        self._strips: list[Strip] = []
        self._painted_for: object = None

    @abstractmethod
    def paint(self, cells: Cells, look: Look) -> bool:
        """Draw what is shown; say whether there was something, and room for it."""

    def forget_places(self) -> None:
        """Forget where in the last picture things lay; asked before each painting."""

    @property
    def note(self) -> str:
        """The words that stand in the place of a picture."""
        return "" if self._note is None else self._note.plain

    def show_note(self, note: Text) -> None:
        """Show a text instead of a picture."""
        self._note = note
        self.forget_picture()

    def show_picture(self) -> None:
        """Show the picture of what is known now."""
        self._note = None
        self.forget_picture()

    def forget_picture(self) -> None:
        """Paint anew."""
        self._painted_for = None
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Return one line of the picture."""
        self._paint()
        if y >= len(self._strips):
            return Strip.blank(self.size.width, self.base_style)
        strip = self._strips[y].apply_style(self.base_style)
        return strip.adjust_cell_length(self.size.width, self.base_style)

    def notify_style_update(self) -> None:
        """Paint again in the new theme's colors."""
        super().notify_style_update()
        self._painted_for = None

    def _paint(self) -> None:
        key = (self.size, self.app.theme)
        if self._painted_for == key:
            return
        self._painted_for = key
        self.forget_places()
        if self._note is not None:
            self._strips = note_strips(self._note, self.size, self.app.console)
            return
        cells = Cells(self.size.width, self.size.height)
        look = Look.of(self.app.theme_variables, ascii_only=self._ascii_only, plain=self._plain)
        has_room = cells.width >= self.SMALLEST[0] and cells.height >= self.SMALLEST[1]
        if has_room and self.paint(cells, look):
            self._strips = cells.strips()
        else:
            self._strips = note_strips(Text("too small for a plot"), self.size, self.app.console)
