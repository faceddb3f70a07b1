"""The screen of an overlay: the distributions of marked tensors, pushed over the table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from tensorpeek.tui.overlay import messages as told
from tensorpeek.tui.overlay.chart import OverlayChart
from tensorpeek.tui.overlay.copied_text import overlay_command, overlay_text
from tensorpeek.tui.overlay.jobs import count_together
from tensorpeek.tui.overlay.keys import OVERLAY_KEYS
from tensorpeek.tui.overlay.marks import Marks
from tensorpeek.tui.overlay.overlaid import Marked, Overlaid, bins_words
from tensorpeek.tui.question import BINS_STEP, MAX_BINS, MIN_BINS
from tensorpeek.tui.screens.painting_screen import PaintingScreen
from tensorpeek.tui.session import Session
from tensorpeek.tui.widgets.key_bar import KeyBar
from tensorpeek.tui.widgets.title_bar import TitleBar


class OverlayScreen(PaintingScreen):
    """Counts tensors in the same bins and draws their outlines; ``count`` were marked."""

    MAIN = "#overlay-chart"
    MAIN_TYPE: ClassVar[type[Widget]] = OverlayChart
    AUTO_FOCUS = "#overlay-chart"
    CSS_PATH = "overlay.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [*OVERLAY_KEYS]

    def __init__(self, session: Session, marked: Sequence[Marked], count: int) -> None:
        super().__init__(session)
        self._marked = list(marked)
        self._count = count
        self._bins = session.settings.bins
        self._log = False
        self._shown: Overlaid | None = None

    def compose(self) -> ComposeResult:
        """Lay out the picture, and the legend under it."""
        yield TitleBar(id="title", markup=False)
        yield Static(id="overlay-line", markup=False)
        drawn = {"ascii_only": self._ascii_only, "plain": self._session.plain}
        yield OverlayChart(id="overlay-chart", **drawn)
        yield Static(id="overlay-legend", markup=False)
        yield KeyBar(id="keys")

    def on_mount(self) -> None:
        """Begin to measure."""
        model = self._session.choice.model
        if model is not None:
            self.query_one(TitleBar).show_model(model)
        self._chart.border_title = Content("percent of each tensor's values")
        self._chart.show_note(Text("measuring …"))
        self._count_bins()

    def on_unmount(self) -> None:
        """Tell the background to stop."""
        self._background.close()

    @property
    def _chart(self) -> OverlayChart:
        return self.query_one(OverlayChart)

    def _headline(self) -> Text:
        """Say what is laid over each other, and what is not."""
        line = Text(no_wrap=True, overflow="ellipsis")
        left = self._count - len(self._marked)
        if left:
            words = f"{self._count:,} are marked: the first {len(self._marked)} in table order"
            line.append(words, self.app.theme_variables["warning"])
        else:
            line.append(f"{self._count} marked tensors", "bold")
        shown = self._shown
        bins = "bins" if shown is None or shown.edges is None else bins_words(shown.edges)
        line.append(f"  over the same {bins}, dequantized")
        return line.append(", log scale" if self._log else "")

    # Counting

    def _count_bins(self) -> None:
        self._background.submit("overlay", count_together(self._marked, self._bins))
        self._describe_picture("counting …" if self._shown is not None else "")

    @on(told.OverlayProgressed)
    def show_progress(self, event: told.OverlayProgressed) -> None:
        """Say how far measuring has come."""
        if self._shown is None:
            self._chart.show_note(Text(f"{event.words} … {event.share:.0%}"))

    @on(told.OverlayCounted)
    def take_overlay(self, event: told.OverlayCounted) -> None:
        """Show the outlines."""
        self._shown = event.overlaid
        self._draw()

    # Showing

    def _draw(self) -> None:
        shown = self._shown
        if shown is None:
            return
        if shown.edges is None:
            self._chart.show_note(Text("none of these tensors has values to draw"))
        else:
            self._chart.show_overlay(shown, log=self._log)
        self._describe_picture()
        self._show_legend()

    def _describe_picture(self, words: str = "") -> None:
        self.query_one("#overlay-line", Static).update(self._headline())
        self._chart.border_subtitle = Content(words)

    @on(told.SharedBinHovered)
    def _show_legend(self) -> None:
        from tensorpeek.tui.overlay.legend import bin_words, legend

        shown, index = self._shown, self._chart.cursor
        if shown is None:
            return
        plain, dark = self._session.plain, self.app.current_theme.dark
        marks = Marks.of(dark=dark, plain=plain, ascii_only=self._ascii_only)
        quiet = "" if plain else self.app.theme_variables["plot-axis"]
        text = legend(shown, index, self.size.width - 2, marks, quiet)
        if shown.edges is not None and index is not None:
            words = bin_words(shown.edges, index)
            accent = "" if plain else self.app.theme_variables["accent"]
            head = Text(no_wrap=True, overflow="ellipsis").append(words, accent)
            text = head.append("\n").append_text(text)
        self.query_one("#overlay-legend", Static).update(text)

    def on_resize(self) -> None:
        """Use the room there is."""
        self._show_legend()

    # Keys

    def action_back(self) -> None:
        """Go back to the table."""
        self.dismiss(None)

    async def action_show(self, name: str) -> None:
        """Go to another screen."""
        await self.dismiss(None)
        await self.app.run_action(f"show({name!r})", self.app.screen)

    def action_bins(self, step: int) -> None:
        """Use more or fewer bins."""
        bins = min(max(self._bins + step * BINS_STEP, MIN_BINS), MAX_BINS)
        if bins != self._bins:
            self._bins = bins
            self._count_bins()

    def action_log(self) -> None:
        """Change between a linear and a logarithmic axis."""
        self._log = not self._log
        self._draw()

    # Copying

    def shown_text(self) -> str:
        """Return the counts of all bins as lines of text."""
        return "" if self._shown is None else overlay_text(self._shown)

    def command_text(self) -> str:
        """Return the command that draws this to a file."""
        return overlay_command(self._marked, self._bins, log=self._log)

    def action_copy_command(self) -> None:
        """Copy the command; there is none for tensors of several files."""
        if not self.command_text():
            words = "no command draws tensors of several files over each other by name"
            self.notify(words, severity="warning", markup=False)
        super().action_copy_command()
