"""The part of a screen that chooses: files, model, layer, tensor."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from textual import on
from textual.screen import Screen
from textual.widgets import Select

from tensorpeek.tui import jobs
from tensorpeek.tui import messages as told
from tensorpeek.tui.background import Background, Crashed
from tensorpeek.tui.file_names import path_labels, shown_name
from tensorpeek.tui.screens.quick_pick import QuickPick, layer_remarks
from tensorpeek.tui.selection import Selection
from tensorpeek.tui.widgets.pickers import Pickers
from tensorpeek.tui.widgets.title_bar import TitleBar

PATIENCE = 0.15
"""Seconds for which the last picture stays while the next one is prepared."""


class ChoosingScreen(Screen[None]):
    """Opens models in the background and follows menus and keys to a tensor.

    Screens that show tensors derive from it and have a :class:`TitleBar` and :class:`Pickers`.
    """

    def __init__(self, paths: Sequence[str], *, ascii_only: bool) -> None:
        super().__init__(classes="-wide")  # most terminals are: no need to style everything again
        self._paths = list(paths)
        self._ascii_only = ascii_only
        self._background = Background(self)
        self._choice = Selection()
        self._is_looked_up = False

    @abstractmethod
    def show_tensor(self) -> None:
        """Show the tensor that is chosen now."""

    @abstractmethod
    def show_note(self, words: str, *, is_error: bool = False) -> None:
        """Show words instead of a tensor."""

    @abstractmethod
    def action_focus_plot(self) -> None:
        """Give the keys back to the main widget."""

    @property
    def is_settled(self) -> bool:
        """Whether the files were looked up and no work is running in the background."""
        return self._is_looked_up and self._background.is_idle()

    async def start(self) -> None:
        """Look up the files and show the menus; called once the first frame is on the screen."""
        self.query_one(TitleBar).show_state("", "opening …")
        self._background.submit("open", jobs.find(self._paths))
        await self.query_one(Pickers).show_menus(ascii_only=self._ascii_only)

    def on_unmount(self) -> None:
        """Tell the background to stop: nobody waits for it."""
        self._background.close()

    @on(Crashed)
    def raise_crash(self, event: Crashed) -> None:
        """Show a defect instead of hiding it."""
        raise event.error

    @on(told.ModelsFound)
    def take_paths(self, event: told.ModelsFound) -> None:
        """Offer the files that were found and open the first one."""
        self._is_looked_up = True
        problems = "\n".join(event.problems)
        if not event.paths:
            self.query_one(TitleBar).show_state("", "nothing to open")
            self.show_note(problems or "no models", is_error=True)
            return
        if problems:
            self.notify(problems, title="not opened", severity="warning", markup=False)
        self._choice.paths = event.paths
        labels = path_labels(event.paths)
        entries = [(labels[str(path)], str(path)) for path in event.paths]
        self.query_one(Pickers).model_menu.fill(entries, str(event.paths[0]))
        self._go_to_model(event.paths[0])

    @on(told.ModelOpened)
    def take_model(self, event: told.ModelOpened) -> None:
        """Show a model that was opened."""
        self._choice.opened(event.path, event.model)
        if event.path == self._choice.path:
            self._show_model()

    @on(told.ModelFailed)
    def show_failure(self, event: told.ModelFailed) -> None:
        """Say why a model did not open; the others stay within reach."""
        if event.path != self._choice.path:
            return
        name = shown_name(event.path)
        self.query_one(TitleBar).show_state(name, "not opened")
        self.show_note(f"{name}: {event.reason}", is_error=True)

    def _go_to_model(self, path: Path) -> None:
        self._background.cancel("measure")
        self._choice.choose_model(path)
        if self._choice.model is not None:
            self._show_model()
            return
        pickers = self.query_one(Pickers)
        pickers.layer_menu.empty()
        pickers.tensor_menu.empty()
        self.query_one(TitleBar).show_state(shown_name(path), "opening …")
        self._background.submit("open", jobs.open_file(path))
        self.set_timer(PATIENCE, partial(self._admit_opening, path))

    def _admit_opening(self, path: Path) -> None:
        """Take the last model's picture away when the next one takes its time."""
        if path == self._choice.path and self._choice.model is None and not self.is_settled:
            self.show_note("opening …")

    def _show_model(self) -> None:
        model = self._choice.model
        if model is None:
            return
        self.query_one(TitleBar).show_model(model)
        layers = [(layer, layer) for layer in self._choice.layers]
        self.query_one(Pickers).layer_menu.fill(layers, self._choice.layer)
        self._show_layer()

    def _show_layer(self) -> None:
        choice, pickers = self._choice, self.query_one(Pickers)
        pickers.layer_menu.choose(choice.layer)
        if choice.tensor is not None:
            entries = [(tensor.label, tensor.name) for tensor in choice.tensors]
            pickers.tensor_menu.fill(entries, choice.tensor.name)
        self.show_tensor()

    @on(Select.Changed)
    def follow_menu(self, event: Select.Changed) -> None:
        """Go to what a menu says."""
        if event.value is Select.NULL:
            return
        value = str(event.value)
        if event.select.id == "model":
            self._go_to_model(Path(value))
        elif event.select.id == "layer":
            self._choice.choose_layer(value)
            self._show_layer()
        else:
            self._choice.choose_tensor(value)
            self.show_tensor()
        self.action_focus_plot()

    @on(told.QuickPickRequested)
    async def action_find(self) -> None:
        """Open the quick pick of layers; awaited, so that the next keys reach its input."""
        if self._choice.model is not None:
            remarks = layer_remarks(self._choice.model)
            picked = QuickPick(self._choice.layers, remarks, self._choice.layer)
            await self.app.push_screen(picked, self._go_to_layer)

    def _go_to_layer(self, layer: str | None) -> None:
        if layer is not None:
            self._choice.choose_layer(layer)
            self._show_layer()

    def action_layer(self, step: int) -> None:
        """Go to another layer."""
        if self._choice.step_layer(step):
            self._show_layer()

    def action_tensor(self, step: int) -> None:
        """Go to another tensor of the layer."""
        if self._choice.step_tensor(step):
            self.show_tensor()

    def action_model(self, step: int) -> None:
        """Go to another model."""
        paths, path = self._choice.paths, self._choice.path
        if path is not None and len(paths) > 1:
            path = paths[(paths.index(path) + step) % len(paths)]
            self.query_one(Pickers).model_menu.choose(str(path))
            self._go_to_model(path)

    def action_reload(self) -> None:
        """Open the current file again."""
        if self._choice.path is not None:
            self._choice.forget(self._choice.path)
            self._go_to_model(self._choice.path)
