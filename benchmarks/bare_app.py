"""The smallest app of the same toolkit: one text, repainted on every key."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.events import Key
from textual.widgets import Static

MARK = "painted"


class BareApp(App[None]):
    """Shows one text."""

    def compose(self) -> ComposeResult:
        """Lay out the text."""
        yield Static(MARK)

    def on_key(self, event: Key) -> None:
        """Show the key."""
        self.query_one(Static).update(f"{event.key} {event.time}")


if __name__ == "__main__":
    BareApp().run()
