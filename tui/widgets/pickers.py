"""The three menus that choose model, layer and tensor."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Label, Select, Static
from textual.widgets._select import SelectCurrent

from tensorpeek.tui.messages import QuickPickRequested

MENU_LIMIT = 500
"""Entries above which a menu opens the quick pick: a menu of 10,000 takes 1.8 s to build."""


class MenuLabel(SelectCurrent):
    """The entry that is chosen: one line, as wide as the style sheet says, whatever it holds."""

    def update(self, label: object) -> None:
        """Show an entry, or (NULL) the placeholder; its length moves nothing."""
        self.has_value = isinstance(label, Text)
        self.label = label if isinstance(label, Text) else Select.NULL
        shown = label if isinstance(label, Text) else self.placeholder
        self.query_one("#label", Static).update(shown, layout=False)


class Menu(Select[str]):
    """A select whose entries are text from files: never markup, and typed to search.

    Its list is built when it is opened: until then a key that leads elsewhere costs one label.
    """

    def __init__(self, prompt: str, *, id: str) -> None:  # noqa: A002
        super().__init__([], prompt=prompt, compact=True, id=id)
        self._entries: dict[str, str] = {}

    def compose(self) -> ComposeResult:
        """Lay out the label and the list."""
        for part in super().compose():
            yield MenuLabel(self.prompt) if isinstance(part, SelectCurrent) else part

    def fill(self, entries: Sequence[tuple[str, str]], value: str) -> None:
        """Offer ``entries`` (label, value) and choose ``value``; posts nothing."""
        self._entries = {key: label for label, key in entries}
        self._allow_blank = False  # or the prompt is offered as an entry
        if not self._is_long:
            self._setup_variables_for_options([(Text(label), key) for label, key in entries])
        self.choose(value)

    def choose(self, value: str) -> None:
        """Choose an entry; posts nothing."""
        label = Text(self._entries[value])
        if self._is_long:  # it is never built
            self._setup_variables_for_options([(label, value)])
        with self.prevent(Select.Changed):
            self.value = value
        current = self.query_one(MenuLabel)
        if current.label != label:  # another entry of the same value
            current.update(label)

    @property
    def _is_long(self) -> bool:
        return len(self._entries) > MENU_LIMIT

    def empty(self) -> None:
        """Offer nothing."""
        self._entries = {}
        self._allow_blank = True
        with self.prevent(Select.Changed):
            self.set_options([])

    def validate_expanded(self, expanded: bool) -> bool:  # noqa: FBT001 (Textual's signature)
        """Build the list, or open the quick pick where it would be too long."""
        if expanded and self._is_long:
            self.post_message(QuickPickRequested())
            return False
        if expanded and self._entries:
            self._setup_options_renderables()
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
