"""What every screen does, whatever it shows: help, copies, pictures, telling what is written."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import ClassVar

from textual import events, on
from textual.binding import Binding, BindingType
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input, OptionList

from tensorpeek.tui.file_names import shown_text
from tensorpeek.tui.key_help import key_rows, key_table
from tensorpeek.tui.keys import action_names
from tensorpeek.tui.picture import save_picture
from tensorpeek.tui.screens.text_dialog import TextDialog
from tensorpeek.tui.session import Session
from tensorpeek.tui.settings.key_names import own_keys
from tensorpeek.tui.widgets.title_bar import TitleBar

WRITING_ACTIONS = frozenset({"picture", "export"})
"""Actions that write a file into the working folder."""

BRIEFLY = 2.0
"""Seconds for which a key says that there is nothing it could do."""


class ActingScreen(Screen[None]):
    """A screen over a session, with a :class:`TitleBar`.

    It states its ``BINDINGS``, and the selector and the type of the widget that has the keys
    (``MAIN``, ``MAIN_TYPE``).
    """

    MAIN: ClassVar[str] = "#plot"
    MAIN_TYPE: ClassVar[type[Widget]] = Widget
    AUTO_FOCUS = "#plot"

    def __init__(self, session: Session) -> None:
        super().__init__(classes="-wide")  # most terminals are: no need to style everything again
        self._session = session
        self._actions = action_names(self.BINDINGS)

    @property
    def _ascii_only(self) -> bool:
        return self._session.ascii_only

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
        if action in self._actions and self.is_typing:
            return False
        return not (action in WRITING_ACTIONS and self._session.read_only)

    @property
    def is_typing(self) -> bool:
        """Whether keys go to a field or to an open menu."""
        return isinstance(self.focused, Input | OptionList)

    @on(events.ScreenResume)
    def show_saving(self) -> None:
        """Say in the top line what is being written, on whatever screen that was asked for."""
        saving = self._session.saving
        for bar in self.query(TitleBar):
            bar.show_work("" if saving is None else saving.words())

    def action_focus_plot(self) -> None:
        """Give the keys back to the main widget."""
        self.set_focus(self.main_widget)

    def action_copy(self) -> None:
        """Copy what is shown to the clipboard of the terminal (OSC 52)."""
        text = self.shown_text()
        if not text:
            self.notify("there is nothing to copy yet", timeout=BRIEFLY, markup=False)
            return
        self.app.copy_to_clipboard(text)
        self.notify(f"{text.count(chr(10))} lines copied", markup=False)

    def action_copy_command(self) -> None:
        """Copy the command that prints this."""
        text = self.command_text()
        if text:
            self.app.copy_to_clipboard(text)
            self.notify(shown_text(text), title="copied", markup=False)

    def action_picture(self) -> None:
        """Save the screen as SVG in the working folder, under a name that is free."""
        try:
            path = save_picture(self.app, Path.cwd())
        except OSError as error:
            self.notify(f"no picture: {error}", severity="error", markup=False)
        else:
            self.notify(path.name, title="saved", markup=False)

    def action_quit(self) -> None:
        """Quit at once."""
        self.app.exit()

    async def action_help(self) -> None:
        """Show every key."""
        rows = key_rows(key for _, keys in self.key_bindings() for key in keys)
        color = self.app.theme_variables["primary"]
        table = key_table(rows, color, ascii_only=self._ascii_only)
        await self.app.push_screen(TextDialog("keys", table))
