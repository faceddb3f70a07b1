"""The widget that shows a heatmap and moves its cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import BindingType
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from tensorpeek.tui.heatmap.geometry import Room, room_in
from tensorpeek.tui.heatmap.keys import CURSOR_KEYS
from tensorpeek.tui.heatmap.messages import CellChosen, CellPointed, RoomChanged, WindowPanned

if TYPE_CHECKING:
    from tensorpeek.analysis.heatmap import ColorMap, Mode, Pooled, Scaling
    from tensorpeek.tui.heatmap.drawing import Drawing, Looks

FAR = 1 << 30
"""Cells that lead to the end of a row from anywhere."""


class HeatmapPlot(Widget, can_focus=True):
    """Draws the cells of one picture, or words in its place; keeps lines until they change."""

    BINDINGS: ClassVar[list[BindingType]] = CURSOR_KEYS

    def __init__(self, *, ascii_only: bool, plain: bool, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._characters = ascii_only or plain
        self._plain = plain
        self._note = Text()
        self._shown: tuple[Pooled, Mode, Scaling, ColorMap] | None = None
        self._last_row = 0
        self._profiles = False
        self._cursor = (0, 0)
        self._drawing: Drawing | None = None
        self._looks: Looks | None = None
        self._drawn_for: object = None
        self._kept: dict[int, Strip] = {}

    # What is shown

    def room(self, last_row: int, *, profiles: bool) -> Room:
        """Return the room for a picture whose largest label is ``last_row`` (-1: none)."""
        size = self.content_size
        return room_in(
            size.width, size.height, last_row, profiles=profiles, characters=self._characters
        )

    def show_picture(
        self,
        shown: tuple[Pooled, Mode, Scaling, ColorMap],
        cursor: tuple[int, int],
        *,
        last_row: int,
        profiles: bool,
    ) -> None:
        """Show cells, the cursor on one of them."""
        self._shown, self._cursor = shown, cursor
        self._last_row, self._profiles = last_row, profiles
        self._forget()

    def show_note(self, note: Text) -> None:
        """Show a text instead."""
        self._shown, self._note = None, note
        self._forget()

    @property
    def has_picture(self) -> bool:
        """Whether cells are shown."""
        return self._shown is not None

    @property
    def note(self) -> str:
        """The words that stand in the place of a picture."""
        return "" if self.has_picture else self._note.plain

    def put_cursor(self, cursor: tuple[int, int]) -> None:
        """Put the cursor on a cell; only the lines that change are drawn again."""
        before, self._cursor = self._cursor, cursor
        if cursor == before or self._drawing is None:
            return
        changed = {self._drawing.axis_line}
        for row, _ in (before, cursor):
            changed.update(self._drawing.lines_of(row))
        for y in changed:
            self._kept.pop(y, None)
        width = self.content_size.width
        self.refresh(*(Region(0, y, width, 1) for y in changed))

    @property
    def drawing(self) -> Drawing | None:
        """What is drawn now."""
        self._draw()
        return self._drawing

    # Keys and mouse

    def action_move(self, rows: int, columns: int) -> None:
        """Move the cursor by cells."""
        self.post_message(CellChosen(rows, columns))

    def action_pan(self, down: int, across: int) -> None:
        """Move the window by half of it."""
        self.post_message(WindowPanned(down / 2, across / 2))

    def action_jump(self, direction: int) -> None:
        """Move the cursor to the first or the last cell of its row."""
        self.post_message(CellChosen(0, direction * FAR))

    def on_click(self, event: events.Click) -> None:
        """Put the cursor where the mouse is."""
        offset = event.get_content_offset(self)
        if offset is None or self._drawing is None:
            return
        cell = self._drawing.cell_at(offset.x, offset.y)
        if cell is not None:
            self.post_message(CellPointed(*cell))

    def on_resize(self) -> None:
        """Tell that there is another room."""
        self.post_message(RoomChanged())

    # Drawing

    def render_line(self, y: int) -> Strip:
        """Return one line."""
        self._draw()
        strip = self._kept.get(y)
        if strip is None:
            strip = self._kept[y] = self._line(y)
        return strip

    def notify_style_update(self) -> None:
        """Draw again in the new theme's colors."""
        super().notify_style_update()
        self._drawn_for = None

    def _forget(self) -> None:
        self._drawn_for = None
        self.refresh()

    def _draw(self) -> None:
        key = (self.content_size, self.app.theme)
        if self._drawn_for == key:
            return
        self._drawn_for = key
        self._kept.clear()
        self._drawing = None
        if self._shown is None:
            return
        from tensorpeek.tui.heatmap.drawing import Drawing, Looks
        from tensorpeek.tui.heatmap.inks import Inks

        pooled, mode, scaling, color_map = self._shown
        room = self.room(self._last_row, profiles=self._profiles)
        if pooled.shape[0] > room.rows or pooled.shape[1] > room.columns or not room.rows:
            return
        inks = Inks(
            color_map,
            dark=self.app.current_theme.dark,
            characters=self._characters,
            plain=self._plain,
        )
        self._drawing = Drawing(pooled, mode, scaling, inks, room)
        self._looks = Looks(
            axis=self._style("plot-axis"),
            mark=self._style("accent") + Style(bold=True),
            bars=self._style("plot-outside"),
        )

    def _line(self, y: int) -> Strip:
        width, style = self.content_size.width, self.rich_style
        if self._drawing is None or self._looks is None:
            return self._note_line(y).apply_style(style).adjust_cell_length(width, style)
        segments = self._drawing.line(y, self._cursor, self._looks)
        return Strip([_behind(each, style) for each in segments]).adjust_cell_length(width, style)

    def _note_line(self, y: int) -> Strip:
        note = self._note if self._shown is None else Text("too small for a picture")
        console = self.app.console
        lines = list(note.wrap(console, max(self.content_size.width - 4, 10)))
        above = max((self.content_size.height - len(lines)) // 2, 0)
        if not 0 <= y - above < len(lines):
            return Strip([])
        return Strip([Segment("  "), *lines[y - above].render(console, end="")])

    def _style(self, name: str) -> Style:
        return Style() if self._plain else Style.parse(self.app.theme_variables[name])


def _behind(segment: Segment, style: Style) -> Segment:
    """Put a style behind a segment that leaves the background open; dots do not."""
    own = segment.style
    if own is None:
        return Segment(segment.text, style)
    return segment if own.bgcolor is not None else Segment(segment.text, style + own)
