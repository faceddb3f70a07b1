"""A dialog that shows a text or a table until a key closes it."""

from __future__ import annotations

from typing import ClassVar

from rich.console import RenderableType
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static


class TextDialog(ModalScreen[None]):
    """Closed by Escape, Enter, Space, q, and by the keys that open such dialogs.

    They are priority keys, so that what is typed right after them goes to the screen below.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,space,q,question_mark,w", "close", show=False, priority=True),
    ]

    def __init__(self, title: str, body: RenderableType) -> None:
        super().__init__()
        self._dialog_title = title
        self._body = body

    def compose(self) -> ComposeResult:
        """Lay out the body in a box that scrolls."""
        with VerticalScroll(id="text-dialog") as box:
            box.border_title = self._dialog_title
            box.border_subtitle = "Enter closes"
            yield Static(self._body, id="text-body", markup=False)

    def action_close(self) -> None:
        """Give the screen below back."""
        if self.is_current:
            self.dismiss(None)
