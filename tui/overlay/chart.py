"""The picture of an overlay, and the cursor on its bins."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.color import Color
from textual.geometry import Region
from textual.strip import Strip

from tensorpeek.tui.bar_columns import LEFT
from tensorpeek.tui.charts.cells import Cells
from tensorpeek.tui.charts.chart import Chart
from tensorpeek.tui.charts.look import Look
from tensorpeek.tui.overlay.keys import CURSOR_KEYS
from tensorpeek.tui.overlay.marks import Marks
from tensorpeek.tui.overlay.messages import SharedBinHovered
from tensorpeek.tui.overlay.overlaid import Overlaid

if TYPE_CHECKING:
    from tensorpeek.tui.overlay.picture import Bars

AXIS_LINES = 2
"""Lines under the outlines: the axis and its labels."""


class OverlayChart(Chart):
    """Draws the outlines once; the cursor is laid over them."""

    SMALLEST = (LEFT + 20, 6)
    BINDINGS: ClassVar[list[BindingType]] = [*CURSOR_KEYS]

    def __init__(self, *, ascii_only: bool, plain: bool, id: str) -> None:  # noqa: A002
        super().__init__(ascii_only=ascii_only, plain=plain, id=id)
        self._shown: Overlaid | None = None
        self._log = False
        self._bin: int | None = None
        self._bars: Bars | None = None

    def show_overlay(self, shown: Overlaid, *, log: bool) -> None:
        """Show outlines; the cursor stays on its bin, or goes to the fullest one."""
        before = self._shown
        self._shown, self._log = shown, log
        bins = 0 if shown.edges is None else shown.edges.bins
        had = bins if before is None or before.edges is None else before.edges.bins
        if self._bin is None or had != bins:
            self._bin = shown.fullest
        self.show_picture()

    @property
    def cursor(self) -> int | None:
        """The bin under the cursor, from 0; None without a picture."""
        return self._bin if self._note is None else None

    def put_cursor(self, index: int) -> None:
        """Put the cursor on a bin and tell the screen."""
        if self._bars is None or self._bin is None:
            return
        index = min(max(index, 0), self._bars.bins - 1)
        if index == self._bin:
            return
        for place in (self._bin, index):
            start, end = self._bars.columns(place)
            self.refresh(Region(start, 0, end - start, self.size.height))
        self._bin = index
        self.post_message(SharedBinHovered(index))

    def action_move(self, steps: int) -> None:
        """Move the cursor by bins; by whole bars where one bar stands for several bins."""
        if self._bars is not None and self._bin is not None:
            self.put_cursor(self._bin + steps * self._bars.group)

    def action_jump(self, end: int) -> None:
        """Move the cursor to the first or to the last bin."""
        if self._bars is not None:
            self.put_cursor(end * (self._bars.bins - 1))

    def action_fullest(self) -> None:
        """Move the cursor to the bin with the largest share of any tensor."""
        if self._shown is not None:
            self.put_cursor(self._shown.fullest)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Let the cursor follow the mouse."""
        offset = event.get_content_offset(self)
        index = None if offset is None or self._bars is None else self._bars.bin_at(offset.x)
        if index is not None:
            self.put_cursor(index)

    def forget_places(self) -> None:
        """Forget where the bins lie."""
        self._bars = None

    def paint(self, cells: Cells, look: Look) -> bool:
        """Draw the outlines."""
        from tensorpeek.tui.overlay.picture import draw_overlay

        if self._shown is not None:
            dark = self.app.current_theme.dark
            marks = Marks.of(dark=dark, plain=self._plain, ascii_only=self._ascii_only)
            self._bars = draw_overlay(cells, look, self._shown, log=self._log, marks=marks)
        return self._bars is not None

    def render_line(self, y: int) -> Strip:
        """Return one line of the picture, the cursor's columns marked."""
        strip = super().render_line(y)
        axis = self.size.height - AXIS_LINES
        if self._bars is None or self._bin is None or self._note is not None or y > axis:
            return strip
        start, end = self._bars.columns(self._bin)
        if y == axis:
            middle = (start + end - 1) // 2
            sign = Segment("^" if self._ascii_only else "▲", self.rich_style + Style(bold=True))
            return Strip.join([strip.crop(0, middle), Strip([sign]), strip.crop(middle + 1)])
        if self._plain:
            return strip
        ground = Color.parse(self.app.theme_variables["plot-cursor"]).rich_color
        tinted = [
            Segment(segment.text, (segment.style or Style()) + Style(bgcolor=ground))
            for segment in strip.crop(start, end)
        ]
        return Strip.join([strip.crop(0, start), Strip(tinted), strip.crop(end)])
