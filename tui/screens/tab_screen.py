"""What all screens with a tab have in common: lines above and below, keys, dialogs, pictures."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.dom import DOMNode
from textual.widget import Widget
from textual.widgets import Input, OptionList

from tensorpeek.tui import messages as told
from tensorpeek.tui.export_job import export_tensor
from tensorpeek.tui.file_names import shown_text
from tensorpeek.tui.key_help import key_rows, key_table
from tensorpeek.tui.keys import action_names
from tensorpeek.tui.picture import save_picture
from tensorpeek.tui.screens.choosing_screen import ChoosingScreen
from tensorpeek.tui.screens.text_dialog import TextDialog
from tensorpeek.tui.session import Session
from tensorpeek.tui.settings.key_names import own_keys
from tensorpeek.tui.tabs import tab_named
from tensorpeek.tui.widgets.key_bar import KeyBar
from tensorpeek.tui.widgets.pickers import Pickers
from tensorpeek.tui.widgets.tab_line import TabLine
from tensorpeek.tui.widgets.title_bar import TitleBar

WRITING_ACTIONS = frozenset({"picture", "export"})
"""Actions that write a file into the working folder."""


class TabScreen(ChoosingScreen):
    """A screen that a digit opens.

    A screen states its ``NAME`` (that of its :class:`~tensorpeek.tui.tabs.Tab`), its ``BINDINGS``,
    the selector and the type of the widget that has the keys (``MAIN``, ``MAIN_TYPE``), and lays
    out what lies between the menus and the line of keys.
    """

    NAME: ClassVar[str]
    MAIN: ClassVar[str] = "#plot"
    MAIN_TYPE: ClassVar[type[Widget]] = Widget
    AUTO_FOCUS = "#plot"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._actions = action_names(self.BINDINGS)

    def compose(self) -> ComposeResult:
        """Lay out the lines that all screens have, and the screen's own between them."""
        yield TitleBar(id="title", markup=False)
        yield TabLine(self.NAME, id="tabs")
        yield Pickers(id="pickers")
        yield from self.compose_body()
        yield KeyBar(id="keys")

    @abstractmethod
    def compose_body(self) -> ComposeResult:
        """Lay out what lies between the menus and the line of keys."""

    @abstractmethod
    def shown_text(self) -> str:
        """Return what is shown as lines of text, to be copied; empty when there is nothing."""

    @abstractmethod
    def command_text(self) -> str:
        """Return the command line that prints what is shown; empty when there is nothing."""

    @property
    def main_widget(self) -> Widget:
        """The widget that has the keys unless a field is being typed in."""
        return self.query_one(self.MAIN)

    @classmethod
    def all_bindings(cls) -> list[BindingType]:
        """Return the keys of the screen and of its main widget, as they are without settings."""
        return [*cls.BINDINGS, *cls.MAIN_TYPE.BINDINGS]

    def key_bindings(self) -> list[tuple[DOMNode, list[Binding]]]:
        """Return every key that has a use here, with the node that carries its action."""
        keys = self._session.settings.keys
        return [
            (node, own_keys(bindings, keys))
            for node, bindings in (
                (self, self.BINDINGS),
                (self.main_widget, self.MAIN_TYPE.BINDINGS),
            )
        ]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Hide keys without use, and leave letters to a field or menu that is being typed in."""
        if not self.is_mounted:
            return False
        if action in self._actions and isinstance(self.focused, Input | OptionList):
            return False
        if action in WRITING_ACTIONS and self._session.read_only:
            return False
        if action == "view":
            tensor = self._choice.tensor
            return tensor is not None and len(tensor.views) > 1
        return True

    async def action_show(self, name: str) -> None:
        """Go to another screen, which shows the same tensor; awaited, to keep keys in order."""
        if name == self.NAME:
            return
        self.leave()
        if not self.app.is_screen_installed(name):
            self.app.install_screen(tab_named(name).make(self._session), name)
        await self.app.switch_screen(name)

    def action_focus_plot(self) -> None:
        """Give the keys back to the main widget."""
        self.set_focus(self.main_widget)

    def action_copy(self) -> None:
        """Copy what is shown to the clipboard of the terminal (OSC 52)."""
        text = self.shown_text()
        if text:
            self.app.copy_to_clipboard(text)
            self.notify(f"{text.count(chr(10))} lines copied", markup=False)

    def action_copy_command(self) -> None:
        """Copy the command that prints this."""
        text = self.command_text()
        if text:
            self.app.copy_to_clipboard(text)
            self.notify(shown_text(text), title="copied", markup=False)

    def action_warnings(self) -> None:
        """Show what to know about the model: its warnings and its metadata."""
        from tensorpeek.tui.about import about_model

        model = self._choice.model
        if model is not None:
            about = about_model(model, self.app.theme_variables)
            self.app.push_screen(TextDialog("about the file", about))

    def action_picture(self) -> None:
        """Save the screen as SVG in the working folder, under a name that is free."""
        try:
            path = save_picture(self.app, Path.cwd())
        except OSError as error:
            self.notify(f"no picture: {error}", severity="error", markup=False)
        else:
            self.notify(path.name, title="saved", markup=False)

    def action_export(self) -> None:
        """Write the tensor in its view as ``NAME.npy`` into the working folder."""
        tensor, subject = self._choice.tensor, self._choice.subject
        if tensor is None or subject is None or tensor.error is not None:
            return
        folder = Path.cwd()
        self.notify(f"writing {tensor.name} …", markup=False)
        self._writer.submit(f"export {subject}", export_tensor(tensor, subject.view, folder))

    @on(told.Exported)
    def tell_export(self, event: told.Exported) -> None:
        """Say what was written, or why nothing was."""
        if event.problem is None:
            self.notify(event.name, title="saved", markup=False)
        else:
            self.notify(event.problem, title="not saved", severity="error", markup=False)

    def action_quit(self) -> None:
        """Quit at once."""
        self.app.exit()

    async def action_help(self) -> None:
        """Show every key."""
        rows = key_rows(key for _, keys in self.key_bindings() for key in keys)
        color = self.app.theme_variables["primary"]
        table = key_table(rows, color, ascii_only=self._ascii_only)
        await self.app.push_screen(TextDialog("keys", table))
