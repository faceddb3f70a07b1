"""The histogram: bars by plotext, a bin cursor moved by keys and mouse."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import BindingType
from textual.color import Color
from textual.geometry import Region
from textual.strip import Strip

from tensorpeek.tui.histogram.keys import BIN_KEYS
from tensorpeek.tui.histogram.messages import BinHovered
from tensorpeek.tui.widgets.line_widget import LineWidget
from tensorpeek.tui.widgets.note_strips import note_strips

if TYPE_CHECKING:
    from tensorpeek.analysis import Histogram
    from tensorpeek.tui.histogram.drawing import HistogramDrawing

AXIS_LINES = 2
"""Lines under the bars: the axis and its labels."""


class HistogramPlot(LineWidget, can_focus=True):
    """Draws one histogram; keeps the drawing until the histogram, the size or the theme change."""

    BINDINGS: ClassVar[list[BindingType]] = [*BIN_KEYS]

    def __init__(self, *, ascii_only: bool, plain: bool, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._ascii_only = ascii_only
        self._plain = plain
        self._histogram: Histogram | None = None
        self._note = Text()
        self._log = False
        self._bin: int | None = None
        self._drawn: HistogramDrawing | None = None
        self._strips: list[Strip] = []
        self._drawn_for: object = None
        self._lighter: dict[Style, Style] = {}

    def show_histogram(self, histogram: Histogram, *, log: bool, keep_cursor: bool) -> None:
        """Show bars; the cursor stays on its bin, or goes to the fullest one."""
        self._histogram, self._log = histogram, log
        if not keep_cursor or self._bin is None or self._bin >= histogram.counts.size:
            self._bin = int(histogram.counts.argmax())
        self._forget()

    def show_note(self, note: Text) -> None:
        """Show a text instead of bars."""
        self._histogram, self._bin, self._note = None, None, note
        self._forget()

    @property
    def cursor(self) -> int | None:
        """The bin under the cursor, from 0; None without a histogram."""
        return self._bin

    def put_cursor(self, index: int) -> None:
        """Put the cursor on a bin and tell the screen."""
        if self._histogram is None:
            return
        index = min(max(index, 0), self._histogram.counts.size - 1)
        if index == self._bin:
            return
        before, self._bin = self._bin, index
        self._refresh_columns(before)
        self._refresh_columns(index)
        self.post_message(BinHovered(index))

    def action_move(self, steps: int) -> None:
        """Move the cursor by bins; by whole bars where one bar stands for several bins."""
        group = self._drawn.bins_per_bar if self._drawn is not None else 1
        self.put_cursor((self._bin or 0) + steps * group)

    def action_jump(self, end: int) -> None:
        """Move the cursor to the first or the last bin."""
        if self._histogram is not None:
            self.put_cursor(end * (self._histogram.counts.size - 1))

    def action_mode(self) -> None:
        """Move the cursor to the fullest bin."""
        if self._histogram is not None:
            self.put_cursor(int(self._histogram.counts.argmax()))

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Let the cursor follow the mouse."""
        if self._drawn is not None:
            offset = event.get_content_offset(self)
            index = None if offset is None else self._drawn.bin_at_column(offset.x)
            if index is not None:
                self.put_cursor(index)

    def render_line(self, y: int) -> Strip:
        """Return one line of the drawing, the cursor's columns marked."""
        self._draw()
        if y >= len(self._strips):
            return Strip.blank(self.size.width, self.base_style)
        return self._strips[y] if self._drawn is None else self._mark(self._strips[y], y)

    def notify_style_update(self) -> None:
        """Draw again in the new theme's colors."""
        super().notify_style_update()
        self._drawn_for = None

    def _forget(self) -> None:
        self._drawn_for = None
        self.refresh()

    def _draw(self) -> None:
        key = (self.size, self.app.theme, self.base_style)
        if self._drawn_for == key:
            return
        self._drawn_for = key
        self._lighter = {}
        width, base = self.size.width, self.base_style
        strips = [strip.apply_style(base) for strip in self._plain_strips()]
        self._strips = [strip.adjust_cell_length(width, base) for strip in strips]

    def _plain_strips(self) -> list[Strip]:
        """Draw what there is, in its own colors alone."""
        self._drawn = None
        if self._histogram is None:
            return note_strips(self._note, self.size, self.app.console)
        from tensorpeek.tui.histogram.drawing import draw_histogram

        self._drawn = draw_histogram(
            self._histogram,
            width=self.size.width,
            height=self.size.height,
            ascii_only=self._ascii_only,
            color=not self._plain,
            log=self._log,
            in_color=self._theme_color("plot-inside"),
            out_color=self._theme_color("plot-outside"),
            axis_color=self._theme_color("plot-axis"),
        )
        if self._drawn is None:
            return note_strips(Text("too small for a plot"), self.size, self.app.console)
        console = self.app.console
        lines = [Strip(line.render(console, end="")) for line in self._drawn.lines]
        return lines if self._plain or self._ascii_only else list(map(_solid, lines))

    def _theme_color(self, name: str) -> tuple[int, int, int]:
        return Color.parse(self.app.theme_variables[name]).rgb

    def _columns(self, index: int) -> tuple[int, int]:
        """Return the first column of a bin's bar and the one after its last."""
        if self._drawn is None:
            return 0, 0
        bar = index // self._drawn.bins_per_bar
        return self._drawn.starts[bar], self._drawn.starts[bar + 1]

    def _mark(self, strip: Strip, y: int) -> Strip:
        if self._bin is None or self._drawn is None or y >= len(self._drawn.lines) - 1:
            return strip
        start, end = self._columns(self._bin)
        if y == len(self._drawn.lines) - AXIS_LINES:
            start = self._drawn.column_of_bin(self._bin)
            mark = "^" if self._ascii_only else "▲"
            marked = [Segment(mark, self.base_style + Style(bold=True))]
            end = start + 1
        elif self._plain:
            return strip
        else:
            marked = []
        left, bar, right = strip.divide([start, end, strip.cell_length])
        marked = marked or [self._highlighted(segment) for segment in bar]
        return Strip([*left, *marked, *right], strip.cell_length)

    def _highlighted(self, segment: Segment) -> Segment:
        """Return a piece of the cursor's column: bars lighter, the empty part tinted."""
        style = segment.style or Style()
        if style not in self._lighter:
            self._lighter[style] = self._made_lighter(style)
        return Segment(segment.text, self._lighter[style])

    def _made_lighter(self, style: Style) -> Style:
        front = Color.parse(self.app.theme_variables["foreground"])
        color, behind = style.color, style.bgcolor
        if behind is None or behind == self.base_style.bgcolor:
            behind = Color.parse(self.app.theme_variables["plot-cursor"]).rich_color
        else:
            behind = Color.from_rich_color(behind).blend(front, 0.5).rich_color
        if color is not None:
            color = Color.from_rich_color(color).blend(front, 0.5).rich_color
        return Style(color=color, bgcolor=behind)

    def _refresh_columns(self, index: int | None) -> None:
        if index is None or self._drawn is None:
            return
        start, end = self._columns(index)
        self.refresh(Region(start, 0, end - start, self.size.height))


def _solid(strip: Strip) -> Strip:
    """Give full blocks a background of their own color: no font leaves gaps between those."""
    segments = [piece for segment in strip for piece in _solid_pieces(segment)]
    return Strip(segments, strip.cell_length)


def _solid_pieces(segment: Segment) -> Iterator[Segment]:
    style = segment.style
    if style is None or style.color is None:
        yield segment
        return
    for is_full, letters in groupby(segment.text, key="█".__eq__):
        solid = style + Style(bgcolor=style.color) if is_full else style
        yield Segment("".join(letters), solid)
