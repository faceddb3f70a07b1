"""The field over the table in which the filter is typed."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Input

from tensorpeek.tui.type_ahead import caught_up


class FilterInput(Input):
    """An input that leads back to the table.

    All are priority keys, so that what is typed right after them goes to the table.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "drop", show=False, priority=True),
        Binding("enter", "leave", show=False, priority=True),
    ]

    async def action_leave(self) -> None:
        """Go to the table, once all that was typed is filtered by."""
        await self.is_followed()
        await self.run_action("screen.focus_plot")

    async def action_drop(self) -> None:
        """Forget the filter and go to the table."""
        await self.is_followed()
        self.value = ""
        await self.action_leave()

    async def is_followed(self) -> None:
        """Wait until the screen has taken in all that was typed before."""
        await caught_up(self)
        for node in self.ancestors:  # what was typed bubbles up
            if node is not self.app:
                await caught_up(node)
