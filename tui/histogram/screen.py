"""The screen of one tensor: its histogram and its statistics."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical

from tensorpeek.tui.clipboard_text import command_line
from tensorpeek.tui.histogram import jobs
from tensorpeek.tui.histogram import messages as told
from tensorpeek.tui.histogram.inspection import Inspection
from tensorpeek.tui.histogram.keys import HISTOGRAM_KEYS
from tensorpeek.tui.histogram.plot import HistogramPlot
from tensorpeek.tui.histogram.range_fields import RangeFields
from tensorpeek.tui.histogram.scale_strip_plot import ScaleStripPlot
from tensorpeek.tui.histogram.scaled_screen import ScaledScreen, has_several_scales
from tensorpeek.tui.histogram.view_toggle import ViewToggle
from tensorpeek.tui.keys import FOCUS_KEYS
from tensorpeek.tui.question import Subject
from tensorpeek.tui.screens.choosing_screen import PATIENCE
from tensorpeek.tui.session import Session
from tensorpeek.tui.statistics_table import statistics_text
from tensorpeek.tui.widgets.cursor_line import CursorLine
from tensorpeek.tui.widgets.pickers import Pickers
from tensorpeek.tui.widgets.statistics_panel import StatisticsPanel


class HistogramScreen(ScaledScreen):
    """Holds what is chosen and what is known about it; the widgets show it."""

    NAME = "histogram"
    MAIN_TYPE = HistogramPlot
    BINDINGS: ClassVar[list[BindingType]] = [*HISTOGRAM_KEYS, *FOCUS_KEYS]

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._inspection = Inspection(session.settings.bins)
        self._drawn: Subject | None = None

    def compose_body(self) -> ComposeResult:
        """Lay out the regions from top to bottom."""
        drawn = {"ascii_only": self._ascii_only, "plain": self._session.plain}
        with Horizontal(id="controls"):
            yield RangeFields(id="range")
            yield ViewToggle(ascii_only=self._ascii_only, id="view")
        with Horizontal(id="body"):
            with Vertical(id="pictures"):
                yield HistogramPlot(id="plot", **drawn)
                yield ScaleStripPlot(id="scales", **drawn)
            yield StatisticsPanel(id="statistics")
        yield CursorLine(id="cursor", markup=False)

    async def on_mount(self) -> None:
        """Look up the files once the first frame is on the screen."""
        self.query_one(RangeFields).show_bins(self._inspection.bins)
        self.query_one(ViewToggle).display = False
        self.place_strip()

    async def lay_out_rest(self) -> None:
        """Show the menus and the fields."""
        await super().lay_out_rest()
        await self.query_one(RangeFields).show_fields()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Hide keys without use, and leave letters to a field or menu that is being typed in."""
        if action == "scales" and not has_several_scales(self._choice.tensor):
            return False
        if action == "statistics" and self.has_class("-wide"):
            return False
        return super().check_action(action, parameters)

    # Measuring

    def show_tensor(self) -> None:
        """Ask for the current tensor in the current view, with its own default range."""
        choice = self._choice
        tensor, subject = choice.tensor, choice.subject
        if tensor is None or subject is None:
            return
        self.query_one(Pickers).tensor_menu.choose(tensor.name)
        toggle = self.query_one(ViewToggle)
        toggle.display = len(tensor.views) > 1
        toggle.element, toggle.raw = tensor.dtype, choice.view == "raw"
        self.place_strip()
        self.refresh_bindings()
        if toggle.display:
            self._session.last_views.remember(subject.path, subject.view)
        question = self._inspection.start(subject, self._session.reloads)
        if tensor.error is not None:
            self._background.cancel("measure")
            self.show_measuring_failure(told.MeasuringFailed(subject, tensor.error))
            return
        self._background.submit("measure", jobs.measure_tensor(tensor, question))
        self.set_timer(PATIENCE, partial(self._admit_waiting, subject))

    def _admit_waiting(self, subject: Subject) -> None:
        """Take the last picture away when the next one takes its time."""
        if self._is_away:  # the time may run out while the app is closing
            return
        if subject == self._choice.subject and self._inspection.is_waiting:
            self.show_note("measuring …")
            self._show_statistics()

    def _count_again(self) -> None:
        """Ask for the bins and the range of the tensor that is measured already."""
        tensor, distribution = self._choice.tensor, self._inspection.distribution
        question = self._inspection.ask_again()
        if tensor is not None and distribution is not None and question is not None:
            self._background.submit("measure", jobs.count_bins(tensor, question, distribution))

    @on(told.Progressed)
    def show_progress(self, event: told.Progressed) -> None:
        """Say how far measuring has come."""
        if event.subject == self._choice.subject:
            self.query_one(CursorLine).show_progress(event.share)

    @on(told.Measured)
    def take_distribution(self, event: told.Measured) -> None:
        """Show the statistics and fill in the default range."""
        tensor = self._choice.tensor
        if event.subject != self._choice.subject or tensor is None:
            return
        known = self._inspection
        known.measured(event.distribution, event.facts)
        is_outdated = known.has_changed()
        if known.range is None:
            self.query_one(RangeFields).offer_range(*known.use_default_range())
        if tensor.params >= jobs.PREVIEW_FROM:  # or the counts come with the same paint
            self._show_statistics()
        if is_outdated:
            self._count_again()

    @on(told.Counted)
    def take_counts(self, event: told.Counted) -> None:
        """Draw the bars."""
        asked = self._inspection.asked
        if asked is None or event.question != asked:
            return
        self._inspection.counted(event.histogram, event.in_range)
        self._draw(keep_cursor=self._drawn == asked.subject)
        self._drawn = asked.subject
        self._show_statistics()
        self.ask_scales_now()

    @on(told.StripResized)
    def ask_scales_now(self) -> None:
        """Ask for the scales once the histogram is on the screen, which they never delay."""
        histogram = self._inspection.histogram
        if histogram is not None and histogram.exact:
            self.ask_scales()

    @on(told.MeasuringFailed)
    def show_measuring_failure(self, event: told.MeasuringFailed) -> None:
        """Say why a tensor has no numbers."""
        tensor = self._choice.tensor
        if event.subject != self._choice.subject or tensor is None:
            return
        self._inspection.failed()
        self.give_up_strip()
        self.show_note(f"{tensor.name}: {event.reason}", is_error=True)
        self.query_one(RangeFields).show_range("", "")
        self.query_one(StatisticsPanel).show_error(tensor.name, event.reason)

    # Showing

    def _draw(self, *, keep_cursor: bool = True) -> None:
        plot, histogram = self.query_one(HistogramPlot), self._inspection.histogram
        plot.border_title = self._inspection.plot_title()
        plot.border_subtitle = self._inspection.bins_note(self._choice.tensor)
        if histogram is None:
            return
        if self._inspection.is_empty:
            self.show_note("no finite values to draw")
            return
        plot.show_histogram(histogram, log=self._inspection.log, keep_cursor=keep_cursor)
        if plot.cursor is not None:
            self.query_one(CursorLine).show_bin(histogram, plot.cursor)

    def show_note(self, words: str, *, is_error: bool = False) -> None:
        """Show words instead of bars."""
        self._drawn = None
        style = self.app.theme_variables["error"] if is_error else ""
        self.query_one(HistogramPlot).show_note(Text(words, style))
        self.query_one(CursorLine).show_words("")
        self.forget_strip()
        if self._choice.tensor is None:
            self.place_strip()
            self.query_one(StatisticsPanel).show_statistics("", [])

    def _show_statistics(self) -> None:
        tensor = self._choice.tensor
        if tensor is not None:
            sections = self._inspection.sections(tensor)
            self.query_one(StatisticsPanel).show_statistics(tensor.name, sections)

    # What widgets tell

    @on(told.BinsChosen)
    def take_bins(self, event: told.BinsChosen) -> None:
        """Use another number of bins."""
        self._use_bins(event.bins)

    @on(told.RangeApplied)
    def take_range(self, event: told.RangeApplied) -> None:
        """Select another range."""
        self._inspection.range = (event.low, event.high)
        self._inspection.is_range_chosen = True
        self._count_again()

    @on(told.BinHovered)
    def show_bin(self, event: told.BinHovered) -> None:
        """Describe the bin under the cursor."""
        histogram = self._inspection.histogram
        if histogram is not None and event.index < histogram.counts.size:
            self.query_one(CursorLine).show_bin(histogram, event.index)

    # Keys

    def action_bins(self, step: int) -> None:
        """Use more or fewer bins."""
        bins = self._inspection.bins_after(step)
        if bins != self._inspection.bins:
            self._use_bins(bins)

    def _use_bins(self, bins: int) -> None:
        self._inspection.bins = bins
        self.query_one(RangeFields).show_bins(bins)
        self._count_again()

    def action_log(self) -> None:
        """Change between a linear and a logarithmic axis."""
        self._inspection.log = not self._inspection.log
        self._draw()

    def action_range(self) -> None:
        """Go to the fields of the range."""
        self.query_one(RangeFields).focus_range()

    def action_default_range(self) -> None:
        """Select mean - std to mean + std again."""
        self.query_one(RangeFields).show_range(*self._inspection.use_default_range())
        self._count_again()

    def action_statistics(self) -> None:
        """Turn the page of a narrow screen: the histogram or the statistics."""
        self.toggle_class("-statistics")

    def shown_text(self) -> str:
        """Return the statistics."""
        tensor = self._choice.tensor
        if tensor is None:
            return ""
        return statistics_text(tensor.name, self._inspection.sections(tensor))

    def command_text(self) -> str:
        """Return the command that prints this histogram."""
        subject, known = self._choice.subject, self._inspection
        if subject is None:
            return ""
        return command_line(subject, bins=known.bins, selection=known.range, log=known.log)
