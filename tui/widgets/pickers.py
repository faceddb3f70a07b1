"""The three menus that choose model, layer and tensor."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.containers import Horizontal
from textual.widgets import Label, Select, Static

from tensorpeek.tui.messages import QuickPickRequested

MENU_LIMIT = 500
"""Entries above which a menu opens the quick pick: a menu of 10,000 takes 1.8 s to build."""


class Menu(Select[str]):
    """A select whose entries are text from files: never markup, and typed to search."""

    def __init__(self, prompt: str, *, id: str) -> None:  # noqa: A002
        super().__init__([], prompt=prompt, compact=True, id=id)
        self._entries: dict[str, str] = {}
        self._is_long = False

    def fill(self, entries: Sequence[tuple[str, str]], value: str) -> None:
        """Offer ``entries`` (label, value) and choose ``value``; posts nothing."""
        self._entries = {key: label for label, key in entries}
        self._allow_blank = False  # or the prompt is offered as an entry
        self._is_long = len(entries) > MENU_LIMIT
        with self.prevent(Select.Changed):
            if self._is_long:
                self.choose(value)
            else:
                self.set_options([(Text(label), key) for label, key in entries])
                self.value = value

    def choose(self, value: str) -> None:
        """Choose an entry; posts nothing."""
        with self.prevent(Select.Changed):
            if self._is_long:
                self.set_options([(Text(self._entries[value]), value)])
            self.value = value

    def empty(self) -> None:
        """Offer nothing."""
        self._entries, self._is_long = {}, False
        self._allow_blank = True
        with self.prevent(Select.Changed):
            self.set_options([])

    def validate_expanded(self, expanded: bool) -> bool:  # noqa: FBT001 (Textual's signature)
        """Open the quick pick instead of a menu that would be too long."""
        if expanded and self._is_long:
            self.post_message(QuickPickRequested())
            return False
        return expanded and bool(self._entries)


class Pickers(Horizontal):
    """One row: model, layer, tensor.

    It is empty until :meth:`show_menus`: three menus are a third of the widgets, and without them
    the first frame is sooner on the screen.
    """

    async def show_menus(self, *, ascii_only: bool) -> None:
        """Lay out the menus with their names before them; call it once, before all else."""
        names = ("Model", "Layer", "Tensor")
        pairs = ((Label(name, classes="field-name"), Menu("…", id=name.lower())) for name in names)
        await self.mount_all(widget for pair in pairs for widget in pair)
        if ascii_only:
            self._use_ascii()

    def _use_ascii(self) -> None:
        """Replace the arrows by characters that every terminal has."""
        for arrow in self.query(".down-arrow").results(Static):
            arrow.update("v")
        for arrow in self.query(".up-arrow").results(Static):
            arrow.update("^")

    @property
    def model_menu(self) -> Menu:
        """The menu of models."""
        return self.query_one("#model", Menu)

    @property
    def layer_menu(self) -> Menu:
        """The menu of layers."""
        return self.query_one("#layer", Menu)

    @property
    def tensor_menu(self) -> Menu:
        """The menu of tensors."""
        return self.query_one("#tensor", Menu)
