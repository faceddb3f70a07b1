"""The list at the left: matched tensors with a measure each, or those without a partner."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tensorpeek.tui.compare.messages import BackAsked, PairChosen
from tensorpeek.tui.keys import widget_key

Line = tuple[str, str]
"""What stands at the left, as wide in all lines, and a name that may be cut at its start."""


class PairList(ScrollView, can_focus=True):
    """Draws only the lines in sight: ten thousand pairs cost no more than ten."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"pair-list--line", "pair-list--chosen"}
    BINDINGS: ClassVar[list[BindingType]] = [
        widget_key("down,j", "move(1)", "Next line", "pair.next"),
        widget_key("up,k", "move(-1)", "Previous line", "pair.previous"),
        widget_key("pagedown,space", "page(1)", "Page down", "pair.page.down"),
        widget_key("pageup", "page(-1)", "Page up", "pair.page.up"),
        widget_key("home", "jump(0)", "First line", "pair.first"),
        widget_key("end", "jump(1)", "Last line", "pair.last"),
        widget_key("escape,backspace", "back", "Back to the pairs", "pair.back"),
    ]

    def __init__(self, *, ascii_only: bool, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._ascii_only = ascii_only
        self._count = 0
        self._line_at: Callable[[int], Line] = lambda _: ("", "")
        self._chosen = 0

    @property
    def chosen(self) -> int:
        """The line under the cursor, from 0."""
        return self._chosen

    def show_lines(self, count: int, line_at: Callable[[int], Line], chosen: int) -> None:
        """Show lines that are made when they come in sight; posts nothing."""
        self._count, self._line_at = count, line_at
        self.virtual_size = Size(1, count)
        self._chosen = min(max(chosen, 0), max(count - 1, 0))
        self._reveal()

    def action_move(self, steps: int) -> None:
        """Move the cursor, at most to the ends."""
        self._put(self._chosen + steps)

    def action_page(self, step: int) -> None:
        """Move the cursor by what is in sight."""
        self._put(self._chosen + step * max(self.size.height - 1, 1))

    def action_jump(self, end: int) -> None:
        """Go to the first or the last line."""
        self._put(end * (self._count - 1))

    def action_back(self) -> None:
        """Ask for the page before."""
        self.post_message(BackAsked())

    def on_click(self, event: events.Click) -> None:
        """Choose the line under the mouse."""
        place = event.get_content_offset_capture(self).y + self.scroll_offset.y
        if 0 <= place < self._count:
            self._put(place)

    def render_line(self, y: int) -> Strip:
        """Return one line in sight."""
        width, place = self.size.width, y + self.scroll_offset.y
        if place >= self._count:
            return Strip.blank(width, self.rich_style)
        style = self._style(is_chosen=place == self._chosen)
        sign = (">" if self._ascii_only else "▸") if place == self._chosen else " "
        left, name = self._line_at(place)
        room = max(width - cell_len(left) - 3, 4)
        text = f"{sign}{left} {shortened(name, room)}"
        return Strip([Segment(set_cell_size(text, width), style)], width)

    def _style(self, *, is_chosen: bool) -> Style:
        name = "pair-list--chosen" if is_chosen else "pair-list--line"
        return self.get_component_rich_style(name)

    def _put(self, place: int) -> None:
        place = min(max(place, 0), max(self._count - 1, 0))
        if place != self._chosen:
            self._chosen = place
            self._reveal()
            self.post_message(PairChosen(place))

    def _reveal(self) -> None:
        top, height = self.scroll_offset.y, max(self.size.height, 1)
        if self._chosen < top:
            self.scroll_to(y=self._chosen, animate=False, immediate=True)
        elif self._chosen >= top + height:
            self.scroll_to(y=self._chosen - height + 1, animate=False, immediate=True)
        self.refresh()


def shortened(name: str, room: int) -> str:
    """Return a name in ``room`` cells: its end, which tells layers apart, after an ellipsis."""
    if cell_len(name) <= room:
        return name
    kept = name[-room:]
    while kept and cell_len(kept) > room - 1:
        kept = kept[1:]
    return f"…{kept}"
