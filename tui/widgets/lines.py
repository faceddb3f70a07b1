"""What Rich draws as lines of a widget, drawn once."""

from __future__ import annotations

from abc import abstractmethod

from rich.console import RenderableType
from textual.geometry import Size
from textual.strip import Strip

from tensorpeek.tui.widgets.line_widget import LineWidget


class Lines(LineWidget):
    """A Rich renderable as lines, which are drawn once for a width; as high as they are.

    The layout asks for their number and the screen for each of them: a Static would draw a table
    anew for each question. Where their number stays, nothing is laid out again.
    """

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._lines: list[Strip] = []
        self._width: int | None = None
        self._is_outdated = False

    @abstractmethod
    def drawn(self, width: int) -> RenderableType:
        """Return what is to be shown on ``width`` columns."""

    def draw_again(self) -> None:
        """Draw what is new, once for all that is told in a row."""
        if not self._is_outdated:
            self._is_outdated = True
            self.call_later(self._draw_again)

    def _draw_again(self) -> None:
        width, before = self._width, len(self._lines)
        self._is_outdated, self._width = False, None
        if width is not None:
            self._draw(width)
        self.refresh(layout=width is None or len(self._lines) != before)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        """Return the number of lines."""
        self._draw(width)
        return len(self._lines)

    def render_line(self, y: int) -> Strip:
        """Return one line in the colors of the style sheet."""
        width = self.size.width
        self._draw(width)
        if y >= len(self._lines):
            return Strip.blank(width, self.base_style)
        return self._lines[y].apply_style(self.base_style)

    def notify_style_update(self) -> None:
        """Draw again in the new theme's colors."""
        super().notify_style_update()
        self._width = None

    def _draw(self, width: int) -> None:
        if width == self._width:
            return
        self._width = width
        console = self.app.console
        options = console.options.update(width=max(width, 1), height=None, highlight=False)
        lines = console.render_lines(self.drawn(width), options, pad=True)
        self._lines = [Strip(line, width) for line in lines] if width else []
