"""The screen of convolution kernels: the filters of the chosen tensor as tiles."""

from __future__ import annotations

import shlex
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from tensorpeek.tui.clipboard_text import exact_pattern
from tensorpeek.tui.kernels import messages as told
from tensorpeek.tui.kernels.kernel_plot import KernelPlot, Tiles
from tensorpeek.tui.kernels.keys import KERNEL_KEYS
from tensorpeek.tui.kernels.known_kernel import KnownKernel
from tensorpeek.tui.screens.choosing_screen import PATIENCE
from tensorpeek.tui.screens.tab_screen import TabScreen
from tensorpeek.tui.session import Session
from tensorpeek.tui.widgets.pickers import Pickers

if TYPE_CHECKING:
    from tensorpeek.tui.kernels.arrangement import KernelSubject


class KernelsScreen(TabScreen):
    """Holds what is known about one kernel and how it is shown; the plot draws it."""

    NAME = "kernels"
    MAIN = "#tiles"
    MAIN_TYPE: ClassVar[type[Widget]] = KernelPlot
    AUTO_FOCUS = "#tiles"
    CSS_PATH = "kernels.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [*KERNEL_KEYS]

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._known = KnownKernel(self._choice)

    def compose_body(self) -> ComposeResult:
        """Lay out the tiles and the line under them."""
        drawn = {"ascii_only": self._ascii_only, "plain": self._session.plain}
        yield KernelPlot(id="tiles", **drawn)
        with Horizontal(id="kernel-line"):
            yield Static(id="kernel-facts", markup=False)
            yield Static(id="kernel-legend", markup=False)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Hide keys without use."""
        if action == "depth" and self._known.depths < 2:
            return False
        if action == "input" and self._known.inputs < 2:
            return False
        return super().check_action(action, parameters)

    @property
    def _plot(self) -> KernelPlot:
        return self.query_one(KernelPlot)

    # Reading

    def show_tensor(self) -> None:
        """Read the chosen tensor, or say that it is no kernel."""
        tensor, known = self._choice.tensor, self._known
        if tensor is None:
            return
        self.query_one(Pickers).tensor_menu.choose(tensor.name)
        known.enter()
        for lane in ("measure", "maps", "part"):
            self._background.cancel(lane)
        self.refresh_bindings()
        if tensor.error is not None:
            self.show_note(f"{tensor.name}: {tensor.error}", is_error=True)
        elif known.subject is None:
            from tensorpeek.tui.kernels.kernel_words import no_kernel

            self.show_note(no_kernel(tensor, known.step(1)))
        else:
            self._background.submit("measure", known.reading())
            self.set_timer(PATIENCE, partial(self._admit_waiting, known.subject))

    def _admit_waiting(self, subject: KernelSubject) -> None:
        if subject == self._known.subject and self._known.is_waiting:
            self.show_note("reading …")

    @on(told.KernelProgressed)
    def show_progress(self, event: told.KernelProgressed) -> None:
        """Say how far the work has come."""
        if event.subject == self._known.subject:
            words = f"{event.words} … {100 * event.share:.0f} %"
            if self._known.maps is None:
                self._plot.show_note(Text(words))
            else:
                self._plot.border_subtitle = Content(words)

    @on(told.FiltersRead)
    def take_filters(self, event: told.FiltersRead) -> None:
        """Keep what was read; the tiles follow."""
        if event.subject == self._known.subject:
            self._known.filters, self._known.center = event.filters, event.center
            self.refresh_bindings()

    @on(told.MapsMade)
    def take_maps(self, event: told.MapsMade) -> None:
        """Show the tiles."""
        known = self._known
        if event.subject == known.subject:
            is_new = known.maps is None
            known.maps = event.maps
            self._draw(keep_cursor=not is_new)

    @on(told.SimilarityFound)
    def take_similarity(self, event: told.SimilarityFound) -> None:
        """Mark the duplicates."""
        if event.subject == self._known.subject:
            self._known.similarity, self._known.reason = event.similarity, event.reason
            self._draw()

    @on(told.KernelFailed)
    def show_reading_failure(self, event: told.KernelFailed) -> None:
        """Say why there are no tiles."""
        tensor = self._choice.tensor
        if event.subject == self._known.subject and tensor is not None:
            self._known.is_failed = True
            self.show_note(f"{tensor.name}: {event.reason}", is_error=True)

    # Showing

    def _draw(self, *, keep_cursor: bool = True) -> None:
        known, plot = self._known, self._plot
        filters, maps = known.filters, known.maps
        if filters is None or maps is None:
            return
        from tensorpeek.tui.kernels.kernel_words import filter_marks

        page = plot.page if keep_cursor else None
        shown = known.arrangement
        marks = filter_marks(filters, known.similarity)
        tiles = Tiles(maps, known.order(), marks, shown.depth, shown.per_tile, shown.zoom)
        plot.show_tiles(tiles, keep_cursor=keep_cursor)
        if page is not None:
            plot.show_page(page)
        self._describe()

    def _describe(self) -> None:
        """Write the title, the line of the chosen filter, and the scale."""
        known, plot = self._known, self._plot
        filters, maps, index = known.filters, known.maps, plot.chosen
        if filters is None or maps is None or index is None:
            return
        from tensorpeek.tui.kernels import kernel_words as words

        plot.border_title = Content(known.title())
        plot.border_subtitle = Content(known.subtitle(plot.sight(), is_page=plot.page is not None))
        facts = words.filter_text(index, filters, known.similarity)
        self.query_one("#kernel-facts", Static).update(facts, layout=False)
        limit = float(maps.limits[index]) if known.arrangement.per_tile else maps.limit
        center = 0.0 if maps.mode == "peak" else known.center
        if plot.page is not None:
            limit, center = plot.page.limit, plot.page.center
        scale = words.legend(limit, center, dark=plot.dark, ascii_only=self._ascii_only)
        legend = self.query_one("#kernel-legend", Static)
        legend.update(scale, layout=scale.cell_len != legend.content_size.width)

    def show_note(self, words: str, *, is_error: bool = False) -> None:
        """Show words instead of tiles."""
        style = self.app.theme_variables["error"] if is_error else ""
        self._plot.show_note(Text(words, style))
        self._plot.border_title = self._plot.border_subtitle = ""
        for name in ("#kernel-facts", "#kernel-legend"):
            self.query_one(name, Static).update("")

    # What the plot tells

    @on(told.TileChosen)
    def show_filter(self) -> None:
        """Describe the filter under the cursor."""
        self._describe()

    @on(told.EnlargingAsked)
    def enlarge(self, event: told.EnlargingAsked) -> None:
        """Fetch the values of a filter."""
        known = self._known
        job = known.fetching(event.index)
        if job is not None and self._plot.page is None:
            self._background.submit("part", job)

    @on(told.FilterRead)
    def show_values(self, event: told.FilterRead) -> None:
        """Show one filter in numbers."""
        if event.subject == self._known.subject:
            self._known.one = event
            self._show_page()

    def _show_page(self) -> None:
        from tensorpeek.tui.kernels.filter_page import FilterPage

        one = self._known.one
        if one is not None:
            shown = one.values[:, self._known.arrangement.depth]
            columns = self._plot.size.width
            page = FilterPage(one.index, shown, one.limit, one.center, columns, one.digits)
            self._plot.show_page(page)
            self._describe()

    @on(told.TilesAsked)
    def show_tiles_again(self) -> None:
        """Go back from one filter to all of them; stop fetching one."""
        self._background.cancel("part")
        self._known.one = None
        if self._plot.page is not None:
            self._plot.show_all()
            self._describe()

    # Keys

    def action_convolution(self, step: int) -> None:
        """Go to another convolution layer."""
        tensor = self._known.step(step)
        if tensor is not None:
            self._choice.choose_layer(tensor.layer)
            self._choice.choose_tensor(tensor.name)
            self._show_layer()

    def action_mode(self) -> None:
        """Show something else of the inputs."""
        self._known.next_mode()
        self._make_maps()

    def action_input(self, step: int) -> None:
        """Show another input."""
        self._known.step_input(step)
        self._make_maps()

    def _make_maps(self) -> None:
        job = self._known.mapping()
        if job is not None:
            self._background.submit("maps", job)

    def action_order(self) -> None:
        """Put the filters in another order."""
        self._known.arrangement.next_order()
        self._draw()

    def action_scaling(self) -> None:
        """Scale the colors over all tiles or for each one."""
        self._known.arrangement.per_tile = not self._known.arrangement.per_tile
        self._draw()

    def action_zoom(self, step: int) -> None:
        """Draw larger or smaller tiles."""
        self._known.zoom(self._plot.zoom, step)
        self._draw()

    def action_depth(self, step: int) -> None:
        """Show another slice of filters of three dimensions."""
        known = self._known
        known.arrangement.depth = (known.arrangement.depth + step) % max(known.depths, 1)
        self._draw()
        if self._plot.page is not None:
            self._show_page()

    def action_axes(self) -> None:
        """Read the axes in another order."""
        if self._known.next_layout():
            self.show_tensor()

    # Copying

    def shown_text(self) -> str:
        """Return the facts of all filters, or the values of one."""
        tensor, known = self._choice.tensor, self._known
        if tensor is None or known.filters is None or known.maps is None:
            return ""
        from tensorpeek.tui.kernels.kernel_words import tiles_text

        if self._plot.page is not None and known.one is not None:
            return known.values_text(tensor.name)
        return tiles_text(tensor.name, known.title(), known.filters, known.similarity, known.maps)

    def command_text(self) -> str:
        """Return the command that prints the statistics of this tensor."""
        subject = self._choice.subject
        if subject is None:
            return ""
        words = ["tensorpeek", "stats", str(subject.path), exact_pattern(subject.name)]
        return shlex.join([*words, *(["--view", "raw"] if subject.view == "raw" else [])])
