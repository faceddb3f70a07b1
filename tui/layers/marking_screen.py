"""The part of the screen that marks tensors, and takes what is marked elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tensorpeek.tui.export_job import export_tensors
from tensorpeek.tui.layers.arrangement import Arrangement
from tensorpeek.tui.layers.row_screen import RowScreen

if TYPE_CHECKING:
    from tensorpeek.loaders import Tensor


class MarkingScreen(RowScreen):
    """Marks are the session's: they stay from model to model and are known on all screens."""

    def action_mark(self) -> None:
        """Mark the tensor, or those of the module, and go on."""
        shown = self._shown
        if shown is not None and self._lists_any(shown):
            self._mark(shown.tensors_at(self._table.cursor))
            self.action_row(1)

    def _lists_any(self, shown: Arrangement) -> bool:
        """Say so where nothing is listed that a key could act on."""
        if not len(shown):
            self.notify("nothing is listed", severity="warning", markup=False)
        return bool(len(shown))

    def action_mark_all(self) -> None:
        """Mark all listed tensors, or unmark them."""
        if self._shown is not None:
            self._mark(self._shown.listed)

    def action_unmark(self) -> None:
        """Unmark all tensors, listed or not."""
        if self._shown is not None:
            self._mark(self._shown.marked.copy())

    def _mark(self, places: Sequence[int] | set[int]) -> None:
        """Mark or unmark; the session keeps the order in which tensors were marked."""
        shown, path = self._shown, self._choice.path
        if shown is None or path is None:
            return
        shown.mark(places)
        names = shown.inventory.names
        now = {(path, names[place]): None for place in sorted(shown.marked)}
        kept = [one for one in self._session.marked if one[0] != path or one in now]
        self._session.marked = list(dict.fromkeys([*kept, *now]))
        self._table.refresh()
        self._show_status()

    async def action_compare(self) -> None:
        """Compare the two tensors that were marked last, which may be of two models."""
        pair = self._session.marked[-2:]
        if len(pair) < 2:
            self.notify("mark two tensors first, with m", markup=False)
            return
        self._choose(*pair[0])
        await self.action_show("compare")
        await self.app.run_action("marked", self.app.screen)

    async def action_overlay(self) -> None:
        """Lay the distributions of the marked tensors over each other, those of all models."""
        from tensorpeek.tui.overlay.overlaid import MOST, labeled
        from tensorpeek.tui.overlay.screen import OverlayScreen

        marked = self._marked_tensors()
        if len(marked) < 2:
            self.notify("mark two tensors or more first, with m", markup=False)
            return
        screen = OverlayScreen(self._session, labeled(marked[:MOST]), len(marked))
        await self.app.push_screen(screen)

    def _marked_tensors(self) -> list[tuple[Path, Tensor]]:
        """Return the marked tensors: this model's in table order, then those of others."""
        shown, here = self._shown, self._choice.path
        if shown is None or here is None:
            return []
        listed = [place for place in shown.listed if place in shown.marked]
        hidden = sorted(shown.marked - set(listed))
        found = [(here, shown.inventory.tensors[place]) for place in (*listed, *hidden)]
        elsewhere = dict.fromkeys(path for path, _ in self._session.marked if path != here)
        for path in elsewhere:
            model = self._choice.model_at(path)
            if model is not None:
                names = {name for marked_in, name in self._session.marked if marked_in == path}
                found += [(path, each) for each in model.tensors if each.name in names]
        return found

    def _choose(self, path: Path, name: str) -> None:
        """Choose a tensor for all screens, if its model is still open."""
        model = self._choice.model_at(path)
        found = next((each for each in model.tensors if each.name == name), None) if model else None
        if found is None:
            return
        self._choice.choose_model(path)
        self._choice.choose_layer(found.layer)
        self._choice.choose_tensor(name)

    def action_export(self) -> None:
        """Write the marked tensors of this model into one file, else what is at the cursor."""
        shown, path, module = self._shown, self._choice.path, self._cursor_module
        if shown is not None and not shown.marked and not self._lists_any(shown):
            return
        if shown is None or path is None or (len(shown.marked) < 2 and module is None):
            super().action_export()
            return
        places: Iterable[int] = shown.marked
        name = f"{path.stem}-marked"
        if len(shown.marked) < 2 and module is not None:
            places, name = shown.tensors_at(self._table.cursor), f"{path.stem}-{module}"
        self._save_several([shown.inventory.tensors[place] for place in sorted(places)], name)

    def _save_several(self, tensors: Sequence[Tensor], name: str) -> None:
        """Write the tensors that can be read into one file."""
        readable = [tensor for tensor in tensors if tensor.error is None]
        left = len(tensors) - len(readable)
        if not readable:
            words = f"none of the {left:,} tensors can be read"
            self.notify(words, title="not saved", severity="error", markup=False)
            return
        rest = f" ({left:,} cannot be read)" if left else ""
        view = self._choice.wished_view
        job = partial(export_tensors, readable, view, name, Path.cwd())
        self.save(f"{len(readable):,} tensors{rest}", job)

    @property
    def _cursor_module(self) -> str | None:
        """The module at the cursor of a tree, None at a tensor."""
        shown, line = self._shown, self._table.cursor_line
        if shown is None or line is None or line.module is None:
            return None
        return shown.inventory.modules.label(line.module, 0)
