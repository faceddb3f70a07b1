"""A list that draws only the lines in sight: ten thousand layers cost no more than ten."""

from __future__ import annotations

from collections.abc import Sequence

from rich.style import Style
from rich.text import Text
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip


class LayerList(ScrollView, can_focus=False):
    """Lines of a name and a remark at the right, one of them highlighted."""

    class Clicked(Message):
        """A line was clicked."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def __init__(self, remarks: dict[str, str], *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._remarks = remarks
        self._names: Sequence[str] = ()
        self._index = 0

    @property
    def highlighted(self) -> str | None:
        """The highlighted name, None in an empty list."""
        return self._names[self._index] if self._names else None

    def show_names(self, names: Sequence[str], highlighted: str | None = None) -> None:
        """Show ``names``; highlight one of them, or the first."""
        self._names = names
        self.virtual_size = Size(1, len(names))
        self._index = names.index(highlighted) if highlighted in names else 0
        self.reveal()

    def move(self, steps: int) -> None:
        """Move the highlight, at most to the ends."""
        if self._names:
            self._index = min(max(self._index + steps, 0), len(self._names) - 1)
            self.reveal()

    def render_line(self, y: int) -> Strip:
        """Return one line in sight."""
        width, index = self.size.width, y + self.scroll_offset.y
        if index >= len(self._names):
            return Strip.blank(width, self.rich_style)
        name = self._names[index]
        remark = self._remarks.get(name, "")
        room = max(width - len(remark) - 3, 8)
        line = Text(no_wrap=True, style=self._line_style(chosen=index == self._index))
        shown = name if len(name) <= room else "…" + name[-(room - 1) :]
        line.append(f" {shown.ljust(room)} ")
        line.append(remark, Style(dim=True))
        return Strip(line.render(self.app.console, end="")).adjust_cell_length(
            width, self._line_style(chosen=index == self._index)
        )

    def on_click(self, event: Message) -> None:
        """Choose the line under the mouse."""
        index = getattr(event, "y", 0) + self.scroll_offset.y
        if index < len(self._names):
            self.post_message(self.Clicked(self._names[index]))

    def _line_style(self, *, chosen: bool) -> Style:
        component = "layer-list--chosen" if chosen else "layer-list--line"
        return self.get_component_rich_style(component)

    COMPONENT_CLASSES = {"layer-list--chosen", "layer-list--line"}  # noqa: RUF012 (as Textual's)

    def reveal(self) -> None:
        """Scroll until the highlight is in sight."""
        top, height = self.scroll_offset.y, max(self.size.height, 1)
        if not top <= self._index < top + height:
            self.scroll_to(y=max(self._index - height // 2, 0), animate=False, immediate=True)
        self.refresh()
