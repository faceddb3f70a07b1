"""The part of the heatmap screen that shows what is known: drawing, cursor, grids."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import rich.text
from textual import on
from textual.widgets import Static

from tensorpeek.tui.heatmap import jobs
from tensorpeek.tui.heatmap import messages as told
from tensorpeek.tui.heatmap.plot import HeatmapPlot
from tensorpeek.tui.heatmap.viewing import GridCell, GridQuestion, Question, TensorQuestion, Viewing
from tensorpeek.tui.heatmap.words import (
    cell_text,
    element_words,
    grid_cell_text,
    part_words,
    pooling_words,
    settings_text,
    window_of,
)
from tensorpeek.tui.screens.tab_screen import TabScreen
from tensorpeek.tui.session import Session

if TYPE_CHECKING:
    from tensorpeek.analysis.grids import FoundGrid, GridPicture
    from tensorpeek.analysis.heatmap import CellValue, Pooled
    from tensorpeek.loaders import Tensor


MOST_LATER = 200
"""Keys that wait for a picture; more are forgotten."""


class ViewingScreen(TabScreen):
    """Draws the picture that is known; who derives from it asks for pictures."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._viewing = Viewing()
        self._asked: Question | None = None
        self._asked_of: object = None
        self._shown_for: Question | None = None
        self._is_done = False
        self._is_stopped = False
        self._is_refused = False
        self._later: list[tuple[Callable[[], None], bool]] = []
        self._grid_steps = 0
        self._last_tensor: Tensor | None = None
        self._share = 0.0
        self._pooled: Pooled | None = None
        self._grid_picture: GridPicture | None = None
        self._grids: list[FoundGrid] | None = None
        self._grid_members: tuple[object, Sequence[Tensor]] = (None, ())
        self._cell: object = None
        self._found: CellValue | None = None

    @abstractmethod
    def _ask(self) -> None:
        """Ask for the current part."""

    @property
    def plot(self) -> HeatmapPlot:
        """The widget of the picture."""
        return self.query_one(HeatmapPlot)

    def _room_now(self) -> tuple[int, int]:
        viewing = self._viewing
        last_row = viewing.viewport.rows - 1 if viewing.grid is None else -1
        room = self.plot.room(last_row, profiles=viewing.profiles)
        return room.rows, room.columns

    # Keys that were typed ahead

    def _is_ready(self, *, exact: bool = False) -> bool:
        """Whether the picture that was asked for last is there, or at least a sample of it."""
        is_asked = self._asked is None or self._shown_for == self._asked
        is_there = self._pooled is not None and is_asked and self._is_current()
        return is_there and not self._grid_steps and (self._is_done or not exact)

    def _when_ready(self, act: Callable[[], None], *, exact: bool = False) -> None:
        """Follow a key now or, if it was typed ahead of the picture, once that is there."""
        if not self._later and self._is_ready(exact=exact):
            act()
        elif not (self._is_refused or self._is_stopped) and len(self._later) < MOST_LATER:
            self._later.append((act, exact))

    def _catch_up(self) -> None:
        """Follow the keys that were typed ahead."""
        while self._later and self._is_ready(exact=self._later[0][1]):
            self._later.pop(0)[0]()

    # Drawing

    def _is_current(self) -> bool:
        """Whether what is known is of what is chosen, and not of what was chosen before."""
        shown, viewing = self._shown_for, self._viewing
        subject = self._choice.subject
        if isinstance(shown, TensorQuestion):
            return (
                viewing.grid is None
                and shown.subject == subject
                and shown.look.plane == viewing.plane
            )
        if shown is None or subject is None or viewing.grid is None:
            return False
        is_same = (shown.grid, shown.alone) == (viewing.grid.name, viewing.alone)
        return is_same and shown.subject.path == subject.path

    def _take(self, question: Question, pooled: Pooled) -> None:
        """Take in a picture of what was asked for, and draw it."""
        self._pooled, self._shown_for = pooled, question
        self._is_stopped = False
        self._is_done = pooled.exact
        if pooled.exact and self._viewing.viewport.is_whole:
            self._viewing.keep_limit(self._asked_of, pooled)
        self.draw()
        self.refresh_bindings()
        self._catch_up()

    def draw(self) -> None:
        """Draw the picture that is known with the settings of now."""
        pooled, viewing = self._pooled, self._viewing
        if pooled is None or not self._is_current():
            self._show_settings()
            return
        if pooled.total is None and viewing.with_sums:
            return
        from tensorpeek.analysis.heatmap import scaling_of

        mode = viewing.mode
        limit = viewing.limit(self._asked_of)
        viewing.spans_all = limit is not None
        scaling = scaling_of(pooled.values(mode), viewing.curve, limit)
        last_row = viewing.viewport.rows - 1 if viewing.grid is None else -1
        self.plot.show_picture(
            (pooled, mode, scaling, viewing.color_map),
            self._cursor(),
            last_row=last_row,
            profiles=viewing.profiles and pooled.absolute is not None,
        )
        self.plot.border_title = part_words(viewing)
        self.plot.border_subtitle = pooling_words(pooled, mode)
        self._show_settings()
        self._describe()

    def _show_settings(self) -> None:
        choice = self._choice
        text = settings_text(
            self._viewing, choice.tensor, choice.view, self._state(), self.app.theme_variables
        )
        self.query_one("#settings", Static).update(text, layout=False)

    def _state(self) -> str:
        """Return what the picture is not yet."""
        if self._is_stopped:
            is_part = self._pooled is not None and not self._pooled.exact
            return "stopped: not all was read" if is_part else "stopped"
        if self._is_done or self._asked is None:
            return ""
        is_part = self._pooled is not None and not self._pooled.exact
        if is_part and self._viewing.grid is not None:
            return f"unfinished, {self._share:.0%} read"
        return f"sample, {self._share:.0%} read" if is_part else f"reading {self._share:.0%}"

    # The cursor

    def _cursor(self) -> tuple[int, int]:
        """Return the cell that holds the place of the cursor."""
        pooled, viewport = self._pooled, self._viewing.viewport
        if pooled is None:
            return 0, 0
        row = int(pooled.row_starts.searchsorted(viewport.row, side="right")) - 1
        column = int(pooled.column_starts.searchsorted(viewport.column, side="right")) - 1
        rows, columns = pooled.shape
        return min(max(row, 0), rows - 1), min(max(column, 0), columns - 1)

    @on(told.CellChosen)
    def follow_cursor(self, event: told.CellChosen) -> None:
        """Move the cursor by cells."""
        self._when_ready(partial(self.move_cursor, event.rows, event.columns))

    def move_cursor(self, rows: int, columns: int) -> None:
        """Move the cursor by cells; beyond the edge of a part the window follows."""
        pooled = self._pooled
        if pooled is None or not self._is_current():
            return
        row, column = self._cursor()
        self._put(
            _stepped(pooled.row_starts, row + rows, far=abs(rows) >= 1 << 20),
            _stepped(pooled.column_starts, column + columns, far=abs(columns) >= 1 << 20),
        )

    @on(told.CellPointed)
    def point_cursor(self, event: told.CellPointed) -> None:
        """Put the cursor on a cell."""
        if self._pooled is not None:
            self._put_on_cell(event.row, event.column)

    def _put_on_cell(self, row: int, column: int) -> None:
        if self._pooled is not None and self._is_current():
            starts = self._pooled.row_starts, self._pooled.column_starts
            self._put(int(starts[0][row]), int(starts[1][column]))

    def _put(self, row: int, column: int) -> None:
        if self._viewing.viewport.move_to(row, column):
            self._ask()
        else:
            self.plot.put_cursor(self._cursor())
            self._describe()

    def action_extreme(self) -> None:
        """Put the cursor on the cell that stands out most: NaN, infinity, the largest magnitude."""
        self._when_ready(self._go_to_extreme, exact=True)

    def _go_to_extreme(self) -> None:
        if self._pooled is None:
            return
        import numpy as np

        shown = np.abs(self._pooled.shown(self._viewing.mode))
        scores = np.where(self._pooled.nan > 0, np.inf, np.nan_to_num(shown, posinf=1e308))
        scores = np.where(self._pooled.holds, scores, -1.0)
        row, column = np.unravel_index(int(scores.argmax()), scores.shape)
        self._put_on_cell(int(row), int(column))

    def _describe(self) -> None:
        """Say what is known of the cell under the cursor, and read what is not."""
        pooled = self._pooled
        if pooled is None or not self._is_current():
            return
        cell = self._cursor()
        if self._viewing.grid is not None:
            self._describe_grid_cell(pooled, cell)
            return
        tensor, plane, subject = self._choice.tensor, self._viewing.plane, self._choice.subject
        if tensor is None or plane is None or subject is None:
            return
        from tensorpeek.analysis.heatmap import CellAt

        at = CellAt(plane, window_of(pooled, cell), self._viewing.mode)
        known = (subject, at, id(tensor))
        if known != self._cell:
            self._cell, self._found = known, None
            if pooled.exact:
                job = jobs.read_cell_of_tensor(tensor, subject.view, at, known)
                self._background.submit("cursor", job)
        if not pooled.exact:
            self._cell = None  # read once the picture is exact
        color = self.app.theme_variables["accent"]
        self._show_cell(cell_text(pooled, cell, at.mode, self._found, color))

    def _describe_grid_cell(self, pooled: Pooled, cell: tuple[int, int]) -> None:
        picture, found = self._grid_picture, self._viewing.grid
        subject, tensors = self._choice.subject, self.grid_tensors()
        if picture is None or found is None or subject is None:
            return
        layer = int(picture.owners[cell])
        window = window_of(pooled, cell)
        if not isinstance(self._shown_for, GridQuestion):
            return
        known = GridCell(self._shown_for, subject.view, layer, window)
        if known != self._cell:
            self._cell, self._found = known, None
            if pooled.exact and layer >= 0:
                job = jobs.read_cell_of_grid(tensors, found, known)
                self._background.submit("cursor", job)
        if not pooled.exact:
            self._cell = None
        name = tensors[layer].name if 0 <= layer < len(tensors) else ""
        color = self.app.theme_variables["accent"]
        of = (name, int(picture.layers[cell]))
        text = grid_cell_text(pooled, cell, self._viewing.mode, of, color)
        if self._found is not None:
            text.append("  " + "  ".join(element_words(self._found)), color)
        self._show_cell(text)

    @on(told.CellRead)
    def take_cell(self, event: told.CellRead) -> None:
        """Say which element stands for the cell under the cursor."""
        if event.found is None or event.cell != self._cell:
            return
        self._found = event.found
        self._describe()

    def _show_cell(self, text: rich.text.Text) -> None:
        self.query_one("#cell", Static).update(text, layout=False)

    # What keys do that reads nothing

    def action_curve(self) -> None:
        """Change how values become colors."""
        self._viewing.curve_number += 1
        self.draw()

    def action_colors(self) -> None:
        """Change the colors."""
        self._viewing.map_number += 1
        self.draw()

    def action_own_range(self) -> None:
        """Let the colors span the whole picture, or the part that is shown."""
        self._viewing.own_range = not self._viewing.own_range
        self.draw()

    # The grids

    def grid_tensors(self) -> Sequence[Tensor]:
        """Return the tensors of the grid, in its order."""
        from tensorpeek.analysis.grids import tensors_in_grid

        model, tensor = self._choice.model, self._choice.tensor
        if self._viewing.alone:
            is_shown = tensor is not None and tensor.error is None and tensor.params
            return (tensor,) if is_shown and tensor is not None else ()
        if model is None:
            return ()
        if self._grid_members[0] is not model:
            self._grid_members = (model, tensors_in_grid(model))
        return self._grid_members[1]


def _stepped(starts: Any, cell: int, *, far: bool) -> int:  # noqa: ANN401 (an array)
    """Return the first place of a cell; a place outside where there is no such cell."""
    cells = len(starts) - 1
    if far:
        cell = min(max(cell, 0), cells - 1)
    if cell < 0:
        return int(starts[0]) - 1
    return int(starts[min(cell, cells)])
