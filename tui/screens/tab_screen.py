"""What all screens with a tab have in common: lines above and below, keys, dialogs, pictures."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult

from tensorpeek.tui import messages as told
from tensorpeek.tui.background import Job
from tensorpeek.tui.export_job import export_tensor
from tensorpeek.tui.saving import Saving
from tensorpeek.tui.screens.acting_screen import ActingScreen
from tensorpeek.tui.screens.choosing_screen import ChoosingScreen
from tensorpeek.tui.screens.text_dialog import TextDialog
from tensorpeek.tui.tabs import tab_named
from tensorpeek.tui.widgets.key_bar import KeyBar
from tensorpeek.tui.widgets.pickers import Pickers
from tensorpeek.tui.widgets.tab_line import TabLine
from tensorpeek.tui.widgets.title_bar import TitleBar


class TabScreen(ChoosingScreen):
    """A screen that a digit opens.

    A screen states its ``NAME`` (that of its :class:`~tensorpeek.tui.tabs.Tab`) beside what an
    :class:`ActingScreen` states, and lays out what lies between the menus and the line of keys.
    """

    NAME: ClassVar[str]

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

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Hide keys without use, and leave letters to a field or menu that is being typed in."""
        is_of_use = super().check_action(action, parameters)
        if action == "view" and is_of_use:
            tensor = self._choice.tensor
            return tensor is not None and len(tensor.views) > 1
        return is_of_use

    async def action_show(self, name: str) -> None:
        """Go to another screen, which shows the same tensor; awaited, to keep keys in order."""
        if name == self.NAME:
            return
        self.leave()
        if not self.app.is_screen_installed(name):
            self.app.install_screen(tab_named(name).make(self._session), name)
        await self.app.switch_screen(name)

    def action_warnings(self) -> None:
        """Show what to know about the model: its warnings and its metadata."""
        from tensorpeek.tui.about import about_model

        model = self._choice.model
        if model is not None:
            about = about_model(model, self.app.theme_variables)
            self.app.push_screen(TextDialog("about the file", about))

    def action_export(self) -> None:
        """Write the tensor in its view as ``NAME.npy`` into the working folder."""
        tensor, subject = self._choice.tensor, self._choice.subject
        if tensor is None or subject is None:
            self.notify("there is no tensor to save", severity="warning", markup=False)
        elif tensor.error is not None:
            words = f"{tensor.name}: {tensor.error}"
            self.notify(words, title="not saved", severity="error", markup=False)
        else:
            self.save(tensor.name, partial(export_tensor, tensor, subject.view, Path.cwd()))

    def save(self, subject: str, job: Callable[[Saving], Job]) -> None:
        """Begin to write a file, unless one is being written; any screen tells how far that is."""
        under_way = self._session.saving
        if under_way is not None:
            self.notify(under_way.words(), title="one at a time", severity="warning", markup=False)
            return
        self._session.saving = Saving(subject)
        self._writer.submit("export", job(self._session.saving))
        self._tell_saving()

    @on(told.ExportProgressed)
    def follow_export(self, event: told.ExportProgressed) -> None:
        """Say how far writing has come."""
        if self._session.saving is not None:
            self._session.saving.share = event.share
            self._tell_saving()

    @on(told.Exported)
    def tell_export(self, event: told.Exported) -> None:
        """Say what was written, or why nothing was."""
        self._session.saving = None
        self._tell_saving()
        if event.problem is None:
            self.notify(event.name, title="saved", markup=False)
        elif event.is_stopped:
            self.notify(event.problem, title="not saved", markup=False)
        else:
            self.notify(event.problem, title="not saved", severity="error", markup=False)

    def _tell_saving(self) -> None:
        for screen in self.app.screen_stack:
            if isinstance(screen, ActingScreen):
                screen.show_saving()
