"""The toggle between stored integers and dequantized floats."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import RenderResult
from textual.binding import Binding, BindingType
from textual.reactive import reactive
from textual.widget import Widget

from tensorpeek.tui.messages import ViewToggled


class ViewToggle(Widget, can_focus=True):
    """Two choices on one line, the current one marked."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space,left,right", "other_view", "Other view", show=False, id="view.toggle"),
    ]

    raw: reactive[bool] = reactive(default=False)
    """Whether the raw view is the current one."""

    element: reactive[str] = reactive(default="int8", layout=True)
    """Name of the stored type."""

    def __init__(self, *, ascii_only: bool, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._dot = "*" if ascii_only else "•"

    def render(self) -> RenderResult:
        """Return the two choices."""
        left, right = (self._dot, " ") if self.raw else (" ", self._dot)
        text = Text(no_wrap=True)
        text.append(f"({left}) {self.element} raw", "bold" if self.raw else "")
        text.append(" ")
        text.append(f"({right}) dequantized", "" if self.raw else "bold")
        return text

    def action_other_view(self) -> None:
        """Ask for the other view."""
        self.post_message(ViewToggled())

    def on_click(self) -> None:
        """Ask for the other view."""
        self.post_message(ViewToggled())
