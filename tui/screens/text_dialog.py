"""A dialog that shows a text or a table until a key closes it."""

from __future__ import annotations

from rich.console import RenderableType
from textual import events
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

CLOSING = frozenset({"escape", "enter", "q", "space"})


class TextDialog(ModalScreen[None]):
    """Closed by Escape, Enter, Space, q, and by the key that opened it."""

    def __init__(self, title: str, body: RenderableType, opening_key: str) -> None:
        super().__init__()
        self._dialog_title = title
        self._body = body
        self._closing_keys = CLOSING | {opening_key}

    def compose(self) -> ComposeResult:
        """Lay out the body in a box that scrolls."""
        with VerticalScroll(id="text-dialog") as box:
            box.border_title = self._dialog_title
            box.border_subtitle = "Enter closes"
            yield Static(self._body, id="text-body", markup=False)

    def on_key(self, event: events.Key) -> None:
        """Close at a closing key."""
        if event.key in self._closing_keys:
            event.stop()
            if self.is_current:  # a second closing key may have been typed ahead
                self.dismiss(None)
