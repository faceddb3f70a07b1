"""The quick pick: type a part of a layer's name, press Enter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from tensorpeek.tui.layer_search import search
from tensorpeek.tui.type_ahead import caught_up
from tensorpeek.tui.widgets.layer_list import LayerList

if TYPE_CHECKING:
    from tensorpeek.loaders import Model


class PickInput(Input):
    """An input that leaves the dialog's opening key alone while nothing is typed."""

    async def _on_key(self, event: events.Key) -> None:
        if event.key == "slash" and not self.value:
            event.prevent_default()
        else:
            await super()._on_key(event)


class QuickPick(ModalScreen[str | None]):
    """Returns the name that was chosen, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", show=False),
        Binding("slash", "close", "Close", show=False),  # the input takes it once words are typed
        Binding("enter", "choose", "Choose", show=False, priority=True),
        Binding("up,ctrl+p", "move(-1)", "Up", show=False, priority=True),
        Binding("down,ctrl+n", "move(1)", "Down", show=False, priority=True),
        Binding("pageup", "move(-10)", "Page up", show=False, priority=True),
        Binding("pagedown", "move(10)", "Page down", show=False, priority=True),
    ]

    def __init__(
        self, names: Sequence[str], remarks: dict[str, str], current: str, *, noun: str = "layer"
    ) -> None:
        super().__init__()
        self._noun = noun
        self._names = list(names)
        self._remarks = remarks
        self._current_name = current

    def compose(self) -> ComposeResult:
        """Lay out the input, the count and the list."""
        with Vertical(id="pick-dialog"):
            yield PickInput(
                placeholder=f"part of a {self._noun}'s name …", id="pick-query", compact=True
            )
            yield Static(id="pick-count", markup=False)
            yield LayerList(self._remarks, id="pick-list")

    def on_mount(self) -> None:
        """Show every name, the current one highlighted."""
        self.set_focus(self.query_one("#pick-query", Input))  # at once: keys may be waiting
        self._show(self._names, self._current_name)
        self.call_after_refresh(self.query_one(LayerList).reveal)

    @on(Input.Changed, "#pick-query")
    def filter_names(self, event: Input.Changed) -> None:
        """Show what matches."""
        event.stop()
        self._show(search(self._names, event.value), None)

    @on(LayerList.Clicked)
    def choose_clicked(self, event: LayerList.Clicked) -> None:
        """Return the name that was clicked."""
        event.stop()
        self._answer(event.name)

    def action_move(self, steps: int) -> None:
        """Move the highlight."""
        self.query_one(LayerList).move(steps)

    def action_close(self) -> None:
        """Return nothing."""
        self._answer(None)

    async def action_choose(self) -> None:
        """Return the highlighted name; stay open where nothing matches."""
        await caught_up(self.query_one("#pick-query", Input))
        await caught_up(self)
        name = self.query_one(LayerList).highlighted
        if name is not None:
            self._answer(name)

    def _answer(self, name: str | None) -> None:
        if self.is_current:  # a second closing key may have been typed ahead
            self.dismiss(name)

    def _show(self, names: list[str], highlighted: str | None) -> None:
        self.query_one(LayerList).show_names(names, highlighted)
        total = len(self._names)
        count = f"{total:,}" if len(names) == total else f"{len(names):,} of {total:,}"
        self.query_one("#pick-count", Static).update(f"{count} {self._noun}s")


def layer_remarks(model: Model) -> dict[str, str]:
    """Return for each layer the type and shape of its first tensor, for the quick pick."""
    firsts = {layer: tensors[0] for layer, tensors in model.layers.items()}
    return {
        layer: f"{tensor.dtype} {'×'.join(map(str, tensor.shape)) or 'scalar'}"
        for layer, tensor in firsts.items()
    }
