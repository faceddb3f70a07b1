"""The heatmap screen: the chosen tensor, or its whole model in one grid, as a picture."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Static

from tensorpeek.tui.background import Job
from tensorpeek.tui.heatmap import jobs
from tensorpeek.tui.heatmap import messages as told
from tensorpeek.tui.heatmap.gridded_screen import GriddedScreen
from tensorpeek.tui.heatmap.keys import HEATMAP_KEYS
from tensorpeek.tui.heatmap.plot import HeatmapPlot
from tensorpeek.tui.heatmap.viewing import GridQuestion, Question, TensorQuestion
from tensorpeek.tui.heatmap.words import grid_command, heatmap_command, table_text
from tensorpeek.tui.keys import FOCUS_KEYS
from tensorpeek.tui.screens.choosing_screen import PATIENCE
from tensorpeek.tui.widgets.pickers import Pickers

if TYPE_CHECKING:
    from tensorpeek.loaders import Tensor


class HeatmapScreen(GriddedScreen):
    """Asks for pictures in the background and shows them."""

    NAME = "heatmap"
    CSS_PATH = "heatmap.tcss"
    MAIN_TYPE = HeatmapPlot
    BINDINGS: ClassVar[list[BindingType]] = [*HEATMAP_KEYS, *FOCUS_KEYS]

    def compose_body(self) -> ComposeResult:
        """Lay out the settings, the picture, and what the cursor is on."""
        drawn = {"ascii_only": self._ascii_only, "plain": self._session.plain}
        yield Static(id="settings", markup=False)
        yield HeatmapPlot(id="plot", **drawn)
        yield Static(id="cell", markup=False)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Hide keys without use, and leave letters to a field or menu that is being typed in."""
        viewing = self._viewing
        in_grid = viewing.grid is not None
        useless = {
            "axes": in_grid or viewing.plane is None or len(viewing.plane.shape) < 2,
            "index": in_grid or viewing.plane is None or viewing.indexes < 2,
            "tensor_again": not in_grid,
            "alone": not in_grid,
            "open_layer": not in_grid or self.focused is not self.main_widget,
            "give_up": self._is_done or self._asked is None,
        }
        if self.is_mounted and useless.get(action, False):
            return False
        return super().check_action(action, parameters)

    def leave(self) -> None:
        """Stop all work; what is not finished is asked for again later."""
        super().leave()
        self._later.clear()
        self._grid_steps = 0
        if not self._is_done:
            self._asked = None

    # Asking

    def show_tensor(self) -> None:
        """Ask for the picture of the current tensor in the current view."""
        tensor, subject = self._choice.tensor, self._choice.subject
        if tensor is None or subject is None:
            return
        self.query_one(Pickers).tensor_menu.choose(tensor.name)
        if tensor is not self._last_tensor:
            self._later.clear()  # they were meant for the tensor before
            self._last_tensor = tensor
        self._viewing.start(tensor)
        if self._viewing.grid is not None:
            alone = tensor.name if self._viewing.alone else ""
            self._viewing.start_grid((subject.path, id(self._choice.model), alone))
        self._ask()
        self.refresh_bindings()

    def _ask(self) -> None:
        """Ask for the current part, unless that was asked already."""
        tensor = self._choice.tensor
        if tensor is None:
            return
        if self._viewing.grid is None:
            question, job = self._tensor_question(tensor)
        else:
            question, job = self._grid_question()
        is_of_model = self._viewing.grid is not None and not self._viewing.alone
        of = self._choice.model if is_of_model else tensor
        if question is None or job is None or (question, of) == (self._asked, self._asked_of):
            return
        self._asked, self._asked_of, self._is_done, self._share = question, of, False, 0.0
        self._is_refused = self._is_stopped = False
        self._background.submit("picture", job)
        self.set_timer(PATIENCE, partial(self._admit_waiting, question))
        self._show_settings()
        self.refresh_bindings()

    def _tensor_question(self, tensor: Tensor) -> tuple[Question | None, Job | None]:
        from tensorpeek.analysis.heatmap import Look, Window

        viewing, subject, plane = self._viewing, self._choice.subject, self._viewing.plane
        if tensor.error is not None or plane is None or subject is None or not tensor.params:
            self._refuse(
                f"{tensor.name}: {tensor.error or 'no values'}", is_error=bool(tensor.error)
            )
            return None, None
        room = self.plot.room(plane.rows - 1, profiles=viewing.profiles)
        if not (room.rows > 0 and room.columns > 0):
            return None, None
        window = Window(*viewing.viewport.bounds)
        look = Look(plane, window, room.rows, room.columns, viewing.with_sums)
        question = TensorQuestion(subject, look)
        return question, jobs.picture_tensor(tensor, question)

    def _grid_question(self) -> tuple[Question | None, Job | None]:
        viewing, subject, found = self._viewing, self._choice.subject, self._viewing.grid
        tensors = self.grid_tensors()
        if not tensors or subject is None or found is None:
            self._refuse("no parameters to show", is_error=False)
            return None, None
        room = self.plot.room(-1, profiles=viewing.profiles)
        if not (room.rows > 0 and room.columns > 0):
            return None, None
        bounds = None if viewing.viewport.is_whole else viewing.viewport.bounds
        about = subject if viewing.alone else self.whole_model(subject)
        cells = (room.rows, room.columns)
        question = GridQuestion(about, found.name, viewing.alone, bounds, cells, viewing.with_sums)
        return question, jobs.picture_grid(tensors, found, question)

    def _refuse(self, words: str, *, is_error: bool) -> None:
        self._background.cancel("picture")
        self._asked, self._is_done, self._is_refused = None, True, True
        self._later.clear()
        self.show_note(words, is_error=is_error)
        self._show_settings()

    def _admit_waiting(self, question: Question) -> None:
        """Take the last picture away when the next one takes its time."""
        if question == self._asked and not self._is_done and self._shown_for != question:
            self.show_note(f"reading … {self._share:.0%}")

    @on(told.PictureProgressed)
    def show_progress(self, event: told.PictureProgressed) -> None:
        """Say how far reading has come."""
        if event.question == self._asked:
            self._share = event.share
            self._show_settings()
            if not self.plot.has_picture:
                self.show_note(f"reading … {event.share:.0%}")

    @on(told.PictureFailed)
    def show_reading_failure(self, event: told.PictureFailed) -> None:
        """Say why there is no picture."""
        if event.question == self._asked:
            name = event.question.subject.name
            self._is_done = self._is_refused = True
            self._later.clear()
            self.show_note(f"{name}: {event.reason}" if name else event.reason, is_error=True)
            self._show_settings()

    @on(told.Pictured)
    def take_picture(self, event: told.Pictured) -> None:
        """Draw a picture of a tensor."""
        if event.question != self._asked:
            return
        self._take(event.question, event.pooled)

    @on(told.GridPictured)
    def take_grid(self, event: told.GridPictured) -> None:
        """Draw what is finished of a grid."""
        if event.question != self._asked:
            return
        self._share = event.share
        self._viewing.learn_canvas(*event.picture.canvas)
        self._grid_picture = event.picture
        self._take(event.question, event.picture.pooled)
        if event.picture.pooled.exact and event.picture.failures:
            self.notify(
                "\n".join(event.picture.failures[:5]),
                title=f"{len(event.picture.failures)} tensors not read",
                severity="warning",
                markup=False,
            )

    @on(told.RoomChanged)
    def ask_again(self) -> None:
        """Ask for as many cells as there is room for now."""
        if self._choice.tensor is not None and not self._is_away:
            self._ask()

    # What keys do that reads again

    def action_zoom(self, step: int) -> None:
        """Zoom in or out around the cursor."""
        self._when_placed(partial(self._zoom, step))

    def _zoom(self, step: int) -> None:
        viewport, found = self._viewing.viewport, self._found
        if step > 0 and found is not None and self._viewing.grid is None and self._is_ready():
            viewport.row, viewport.column = found.row, found.column  # what stands out stays
        if viewport.zoom_in(self._room_now()) if step > 0 else viewport.zoom_out():
            self._ask()

    def _when_placed(self, act: Callable[[], None]) -> None:
        """Move a window within the picture now, without waiting for what it shows.

        The whole picture is waited for: the range of the colors is that of all values.
        """
        is_within = not self._viewing.viewport.is_whole and self._room_now()[0] > 0
        if is_within and not self._later and not self._grid_steps:
            act()
        else:
            self._when_ready(act)

    def action_fit(self) -> None:
        """Show the whole picture."""
        self._later.clear()
        self._viewing.viewport.fit()
        self._ask()

    @on(told.WindowPanned)
    def pan(self, event: told.WindowPanned) -> None:
        """Move the window; where it is at the end already, the cursor."""
        self._when_placed(partial(self._pan, event.down, event.across))

    def _pan(self, down: float, across: float) -> None:
        if self._viewing.viewport.pan(down, across):
            self._ask()
        elif self._is_ready():
            cells = self._room_now()
            self.move_cursor(round(down * cells[0]), round(across * cells[1]))

    def action_axes(self, step: int) -> None:
        """Go to another choice of axes."""
        if self._viewing.step_axes(step):
            self._ask()
            self.refresh_bindings()

    def action_index(self, step: int) -> None:
        """Go to another index on the axes that are held."""
        if self._viewing.step_index(step):
            self._ask()

    def action_profiles(self) -> None:
        """Show the mean magnitudes of rows and columns, or take them away."""
        self._viewing.profiles = not self._viewing.profiles
        self._ask()

    def action_mode(self) -> None:
        """Show something else of the values in a cell."""
        self._viewing.mode_number += 1
        if self._pooled is not None and self._viewing.with_sums and self._pooled.total is None:
            self._ask()
        else:
            self.draw()

    def action_give_up(self) -> None:
        """Stop reading; what is there stays, as what it is."""
        self._background.cancel("picture")
        if not self.plot.has_picture:
            self.show_note("stopped: f reads it again")
        self._is_stopped, self._asked = True, None
        self._later.clear()
        self._show_settings()
        self.refresh_bindings()

    # Copying

    def action_copy(self) -> None:
        """Copy the numbers, also when the key was typed ahead of them."""
        self._when_ready(super().action_copy, exact=True)

    def shown_text(self) -> str:
        """Return the numbers of all cells, separated by tabs."""
        if self._pooled is None or not self.plot.has_picture:
            return ""
        return table_text(self._pooled, self._viewing.mode)

    def command_text(self) -> str:
        """Return the command that draws this tensor, or this grid, into a file."""
        subject, viewing = self._choice.subject, self._viewing
        if subject is None:
            return ""
        if viewing.grid is None:
            return heatmap_command(subject)
        return grid_command(
            subject.path,
            viewing.grid.name,
            self._session.plugins,
            alone=subject if viewing.alone else None,
            raw=self._choice.wished_view == "raw",
        )

    def show_note(self, words: str, *, is_error: bool = False) -> None:
        """Show words instead of a picture."""
        style = self.app.theme_variables["error"] if is_error else ""
        self._pooled, self._shown_for = None, None
        self.plot.border_title = self.plot.border_subtitle = ""
        self.plot.show_note(Text(words, style))
        self._show_cell(Text())
