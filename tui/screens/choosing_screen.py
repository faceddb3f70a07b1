"""The part of a screen that chooses: files, model, layer, tensor."""

from __future__ import annotations

import asyncio
import time
from abc import abstractmethod
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from textual import events, on
from textual.widgets import Select

from tensorpeek.tui import jobs
from tensorpeek.tui import messages as told
from tensorpeek.tui.background import Background
from tensorpeek.tui.file_names import path_labels, shown_name
from tensorpeek.tui.screens.acting_screen import BRIEFLY
from tensorpeek.tui.screens.painting_screen import PaintingScreen
from tensorpeek.tui.screens.quick_pick import QuickPick, layer_remarks
from tensorpeek.tui.selection import Selection
from tensorpeek.tui.session import Session
from tensorpeek.tui.watching import changes_text, watch
from tensorpeek.tui.widgets.pickers import Pickers
from tensorpeek.tui.widgets.title_bar import TitleBar

if TYPE_CHECKING:
    from tensorpeek.loaders import Model

PATIENCE = 0.15
"""Seconds for which the last picture stays while the next one is prepared."""

KEYS_WAIT = 1.0
"""Seconds from the beginning of opening a model for which keys wait that act on what it holds."""

AT_ONCE = frozenset({"model", "show", "reload", "find", "help", "picture", "quit"})
"""Actions of keys that need no open model."""

LAST_WORDS = 0.5
"""Seconds at most that quitting waits for a file half written to be removed."""


class ChoosingScreen(PaintingScreen):
    """Opens models in the background and follows menus and keys to a tensor.

    Screens that show tensors derive from it and have a :class:`TitleBar` and :class:`Pickers`.
    """

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._watcher = Background(self)
        self._writer = Background(self)
        self._replaced: Model | None = None
        self._left_at: tuple[object, ...] | None = None
        self._is_away = False
        self._opened = asyncio.Event()
        self._opening_since = time.monotonic()

    @property
    def _choice(self) -> Selection:
        return self._session.choice

    @abstractmethod
    def show_tensor(self) -> None:
        """Show the tensor that is chosen now."""

    @abstractmethod
    def show_note(self, words: str, *, is_error: bool = False) -> None:
        """Show words instead of a tensor."""

    @property
    def is_settled(self) -> bool:
        """Whether the files were looked up and no work is running in the background."""
        is_idle = super().is_settled and self._writer.is_idle()
        return self._session.is_looked_up and is_idle

    async def start(self) -> None:
        """Look up the files and show the menus; called once the first frame is on the screen."""
        self.query_one(TitleBar).show_state("", "opening …")
        self.show_saving()
        if not self._session.is_looked_up:
            self._background.submit("open", jobs.find(self._session.paths))
        await self.lay_out_rest()
        if self._session.is_looked_up:
            self._show_session()

    async def lay_out_rest(self) -> None:
        """Show the menus, and whatever else the first frame does without."""
        await self.query_one(Pickers).show_menus(ascii_only=self._ascii_only)

    async def on_mount(self) -> None:
        """Begin: the first screen once its frame is seen, a later one before any key reaches it."""
        if self._session.is_looked_up:
            await self.start()
        else:
            self.call_after_refresh(self.start)

    async def opened_for(self, action: str) -> None:
        """Wait for a model that is just being opened, if ``action`` needs one: keys typed ahead.

        Not for long: a header may be huge, and the keys behind this one may lead elsewhere.
        """
        if action in AT_ONCE or self._opened.is_set():
            return
        left = self._opening_since + KEYS_WAIT - time.monotonic()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._opened.wait(), max(left, 0.0))

    def leave(self) -> None:
        """Stop all work: another screen takes over."""
        self._left_at = self._place() if self.is_settled else None
        self._background.cancel_all()
        self._watcher.cancel_all()
        self._is_away = True

    @on(events.ScreenResume)
    def come_back(self) -> None:
        """Follow what was chosen on other screens; what is shown already stays."""
        if not self._is_away:
            return
        self._is_away = False
        if not self._session.is_looked_up:
            self._background.submit("open", jobs.find(self._session.paths))
        elif self._left_at is None or self._left_at != self._place():
            self._show_session()
        else:
            self._watch()

    def _place(self) -> tuple[object, ...]:
        choice = self._choice
        return choice.path, id(choice.model), id(choice.tensor), choice.view

    async def on_unmount(self) -> None:
        """Tell the background to stop: nobody waits for it, but for a file to be taken away."""
        self._background.close()
        self._watcher.close()
        self._writer.close()
        last = time.monotonic() + LAST_WORDS
        while not self._writer.is_idle() and time.monotonic() < last:
            await asyncio.sleep(0.01)

    @on(told.ModelsFound)
    def take_paths(self, event: told.ModelsFound) -> None:
        """Offer the files that were found and open the first one."""
        self._session.is_looked_up = True
        self._session.problems = event.problems
        self._choice.paths = event.paths
        if event.paths:
            self._choice.path = event.paths[0]
            if event.problems:
                problems = "\n".join(event.problems)
                self.notify(problems, title="not opened", severity="warning", markup=False)
        self._show_session()

    def _show_session(self) -> None:
        """Offer the files that were found and show the current one."""
        paths, path = self._choice.paths, self._choice.path
        if path is None:
            self._opened.set()
            self.query_one(TitleBar).show_state("", "nothing to open")
            problems = "\n".join(self._session.problems)
            self.show_note(problems or "no models", is_error=True)
            return
        labels = path_labels(paths)
        entries = [(labels[str(each)], str(each)) for each in paths]
        self.query_one(Pickers).model_menu.fill(entries, str(path))
        if self._choice.model is not None:
            self._show_model()
        else:
            self._go_to_model(path)

    @on(told.ModelOpened)
    def take_model(self, event: told.ModelOpened) -> None:
        """Show a model that was opened."""
        self._choice.opened(event.path, event.model)
        replaced, self._replaced = self._replaced, None
        if replaced is not None and replaced.path == event.model.path:
            self.notify(changes_text(replaced, event.model), title="opened again", markup=False)
        if event.path == self._choice.path:
            self._show_model()

    @on(told.ModelFailed)
    def show_failure(self, event: told.ModelFailed) -> None:
        """Say why a model did not open; the others stay within reach."""
        if event.path != self._choice.path:
            return
        self._opened.set()
        name = shown_name(event.path)
        self.query_one(TitleBar).show_state(name, "not opened")
        self.show_note(f"{name}: {event.reason}", is_error=True)
        self._watch()

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
        self._opened.clear()
        self._opening_since = time.monotonic()
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
        self._opened.set()
        self._watch()
        self.query_one(TitleBar).show_model(model)
        if not self._choice.layers:
            self.query_one(Pickers).layer_menu.empty()
            self.query_one(Pickers).tensor_menu.empty()
            self.show_note("holds no tensors")
            return
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
        elif self._choice.tensor is not None:
            self.notify("there is no other layer", timeout=BRIEFLY, markup=False)

    def action_tensor(self, step: int) -> None:
        """Go to another tensor of the layer."""
        if self._choice.step_tensor(step):
            self.show_tensor()
        elif self._choice.tensor is not None:
            self.notify("the layer has no other tensor", timeout=BRIEFLY, markup=False)

    def action_model(self, step: int) -> None:
        """Go to another model."""
        paths, path = self._choice.paths, self._choice.path
        if path is not None and len(paths) > 1:
            path = paths[(paths.index(path) + step) % len(paths)]
            self.query_one(Pickers).model_menu.choose(str(path))
            self._go_to_model(path)
        elif path is not None:
            self.notify("there is no other file", timeout=BRIEFLY, markup=False)

    @on(told.ViewToggled)
    def action_view(self) -> None:
        """Go to the other view of a quantized tensor."""
        self._choice.toggle_view()
        self.show_tensor()

    def action_reload(self) -> None:
        """Open the current file again."""
        if self._choice.path is not None:
            self._replaced = self._choice.model
            self._session.reloads += 1
            self._choice.forget(self._choice.path)
            self._go_to_model(self._choice.path)

    def _watch(self) -> None:
        """Wait in the background until the current model is rewritten, if that is wanted."""
        path = self._choice.path
        if self._session.watch and path is not None:
            self._watcher.submit("watch", watch(path, self._choice.model))

    @on(told.FilesChanged)
    def follow_files(self, event: told.FilesChanged) -> None:
        """Open a model again that was rewritten."""
        if event.path == self._choice.path:
            self.action_reload()
