"""The part of the screen that marks tensors, and takes what is marked elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tensorpeek.tui.export_job import export_tensors
from tensorpeek.tui.layers.row_screen import RowScreen


class MarkingScreen(RowScreen):
    """Marks are the session's: they stay from model to model and are known on all screens."""

    def action_mark(self) -> None:
        """Mark the tensor, or those of the module, and go on."""
        shown = self._shown
        if shown is not None and len(shown):
            self._mark(shown.tensors_at(self._table.cursor))
            self.action_row(1)

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
        """Write the marked tensors of this model into one file, else the one at the cursor."""
        shown, path = self._shown, self._choice.path
        if shown is None or path is None or len(shown.marked) < 2:
            super().action_export()
            return
        tensors = [shown.inventory.tensors[place] for place in sorted(shown.marked)]
        readable = [tensor for tensor in tensors if tensor.error is None]
        left = len(tensors) - len(readable)
        rest = f", {left:,} cannot be read" if left else ""
        self.notify(f"writing {len(readable):,} tensors{rest} …", markup=False)
        job = export_tensors(readable, self._choice.wished_view, path.stem, Path.cwd())
        self._writer.submit("export marked", job)
