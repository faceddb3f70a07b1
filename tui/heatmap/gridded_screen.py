"""The part of the heatmap screen that leads into grids and out of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from textual import on

from tensorpeek.tui.heatmap import jobs
from tensorpeek.tui.heatmap import messages as told
from tensorpeek.tui.heatmap.viewing_screen import ViewingScreen
from tensorpeek.tui.question import Subject
from tensorpeek.tui.type_ahead import caught_up

if TYPE_CHECKING:
    from tensorpeek.analysis.grids import FoundGrid


class GriddedScreen(ViewingScreen):
    """Looks up the grids, goes from one to the next, and from a cell to its layer."""

    def whole_model(self, subject: Subject) -> Subject:
        """Return what a grid of a whole model is about: no tensor of it."""
        return replace(subject, name="")

    def action_grid(self) -> None:
        """Show the whole model in the next grid; after the last one the tensor again."""
        self._grid_steps += 1
        if self._grids is None:
            if self._grid_steps == 1:
                self._background.submit("grids", jobs.look_up_grids(self._session.plugins))
            return
        names = [None, *(found.name for found in self._grids)]
        current = None if self._viewing.grid is None else self._viewing.grid.name
        number = (names.index(current) + self._grid_steps) % len(names)
        self._grid_steps = 0
        self._use(self._grids[number - 1] if number else None)

    @on(told.GridsFound)
    def take_grids(self, event: told.GridsFound) -> None:
        """Show the first grid; say what is wrong with others."""
        self._grids = event.grids
        if event.problems:
            problems = "\n".join(map(str, event.problems))
            self.notify(problems, title="grids not loaded", severity="warning", markup=False)
        self._grid_steps -= 1
        self.action_grid()

    def action_tensor_again(self) -> None:
        """Go back from the grid to the tensor."""
        self._use(None)

    def action_alone(self) -> None:
        """Show the grid of this tensor alone, or of the whole model."""
        self._viewing.alone = not self._viewing.alone
        self._use(self._viewing.grid)

    def _use(self, grid: FoundGrid | None) -> None:
        self._viewing.use_grid(grid, alone=self._viewing.alone)
        self._grid_picture, self._cell, self._found = None, None, None
        self.show_tensor()

    async def action_open_layer(self) -> None:
        """Show the tensor that the cell under the cursor belongs to."""
        await caught_up(self.plot)
        self._when_ready(self._open_layer, exact=True)

    def _open_layer(self) -> None:
        picture = self._grid_picture
        if picture is None or self._pooled is None:
            return
        layer, tensors = int(picture.owners[self._cursor()]), self.grid_tensors()
        if 0 <= layer < len(tensors):
            self._choice.choose_layer(tensors[layer].layer)
            self._choice.choose_tensor(tensors[layer].name)
            self._viewing.use_grid(None, alone=self._viewing.alone)
            self._cell = self._found = None
            self._show_layer()
