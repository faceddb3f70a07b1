"""The table of tensors: draws only the lines in sight, so that 100,000 cost no more than 30."""

from __future__ import annotations

from rich.style import Style
from rich.text import Text
from textual import events
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tensorpeek.tui.layers.column_layout import (
    Layout,
    column_widths,
    first_that_shows,
    last_first,
    lay_out,
)
from tensorpeek.tui.layers.columns import NAME, NUMBER, Column, Kind
from tensorpeek.tui.layers.messages import HeaderClicked, RowClicked, SightChanged
from tensorpeek.tui.layers.module_tree import Line
from tensorpeek.tui.layers.row_painter import RowPainter

_PARTS = ("row", "header", "sorted", "dim", "spark", "loud", "mark", "group", "cursor")

_GROUNDS = ("row", "header", "cursor")
"""Styles with a background of their own; the others lie on them."""


class LayerTable(ScrollView, can_focus=True):
    """A header that stays, and the lines of an arrangement under it, one of them the cursor's."""

    COMPONENT_CLASSES = {f"layers--{part}" for part in _PARTS}  # noqa: RUF012 (as Textual's)

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._painter: RowPainter | None = None
        self._note = Text()
        self._widths: dict[str, int] = {}
        self._first = 0
        self._cursor = 0
        self._known_layout: tuple[object, Layout] | None = None

    # Showing

    def show_note(self, note: Text) -> None:
        """Show words instead of lines."""
        self._painter, self._note = None, note
        self.virtual_size = Size(1, 1)
        self.refresh()

    def show_rows(self, painter: RowPainter, cursor: int) -> None:
        """Show an arrangement."""
        self._painter = painter
        self._widths = column_widths(painter.arrangement.inventory)
        self._restyle()
        self.rearranged(cursor)

    def rearranged(self, cursor: int, *, offset: int | None = None) -> None:
        """Show lines that were put into another order, the cursor on one of them.

        ``offset`` is the line of the screen on which it is to stay.
        """
        self._cursor = min(max(cursor, 0), max(self._count - 1, 0))
        self.virtual_size = Size(1, self._count + 1)
        if offset is not None:
            self.scroll_to(y=max(self._cursor - offset, 0), animate=False, immediate=True)
        self._reveal()
        self.refresh()
        self.post_message(SightChanged())

    @property
    def cursor(self) -> int:
        """The line of the cursor, from 0."""
        return self._cursor

    @property
    def cursor_line(self) -> Line | None:
        """What stands on the line of the cursor."""
        if self._painter is None or not self._count:
            return None
        return self._painter.arrangement.line(self._cursor)

    @property
    def cursor_offset(self) -> int:
        """How many lines stand above the cursor on the screen."""
        return self._cursor - self.scroll_offset.y

    @property
    def page(self) -> int:
        """How many lines fit under the header."""
        return max(self.size.height - 1, 1)

    def put_cursor(self, index: int) -> None:
        """Put the cursor on a line, at most on the last, and scroll until it is in sight."""
        before, self._cursor = self._cursor, min(max(index, 0), max(self._count - 1, 0))
        if not self._reveal():
            self.refresh_line(before + 1)
            self.refresh_line(self._cursor + 1)

    def refresh_places(self, places: set[int]) -> None:
        """Draw the lines of some tensors again, those in sight."""
        if self._painter is None:
            return
        for index in self._lines_in_sight():
            if self._painter.arrangement.line(index).place in places:
                self.refresh_line(index + 1)

    # Columns

    def shift(self, step: int) -> None:
        """Scroll the columns beside the name."""
        most = last_first(self._line_width, self._widths)
        self._show_from(min(max(self._first + step, 0), most))

    def reveal_column(self, column: Column) -> None:
        """Scroll the columns until one is in sight."""
        self._show_from(first_that_shows(column, self._line_width, self._widths, self._first))

    def _show_from(self, first: int) -> None:
        if first != self._first:
            self._first = first
            self.refresh()
            self.post_message(SightChanged())

    def places_in_sight(self) -> tuple[int, ...]:
        """Return the tensors that have a line in sight."""
        if self._painter is None:
            return ()
        lines = map(self._painter.arrangement.line, self._lines_in_sight())
        return tuple(line.place for line in lines if line.place is not None)

    def kinds_in_sight(self) -> frozenset[Kind]:
        """Return what must be measured for the columns in sight."""
        kinds = (placed.column.kind for placed in self._layout.columns)
        return frozenset(kind for kind in kinds if kind is not None)

    # Drawing

    def render_line(self, y: int) -> Strip:
        """Return the header or one line in sight."""
        width = self._width
        index = y - 1 + self.scroll_offset.y
        if self._painter is None:
            words = self._note.copy() if y == 1 else Text()
            words.pad_left(2)
            line = Strip(words.render(self.app.console, end=""))
            return line.apply_style(self.rich_style).adjust_cell_length(width, self.rich_style)
        if y == 0:
            return self._painter.header(self._layout, width)
        if index >= self._count:
            return Strip.blank(width, self._painter.styles["row"])
        is_cursor = index == self._cursor
        return self._painter.row(index, self._layout, width, is_cursor=is_cursor)

    def notify_style_update(self) -> None:
        """Follow the theme."""
        super().notify_style_update()
        self._restyle()

    def _restyle(self) -> None:
        if self._painter is not None and self.is_attached:
            self._painter.styles = {part: self._style_of(part) for part in _PARTS}

    def _style_of(self, part: str) -> Style:
        style = self.get_component_rich_style(f"layers--{part}")
        if part in _GROUNDS:
            return style
        return Style(color=style.color, bold=style.bold, italic=style.italic)

    @property
    def _layout(self) -> Layout:
        key = (self._line_width, self._first, id(self._widths))
        if self._known_layout is None or self._known_layout[0] != key:
            self._known_layout = (key, lay_out(self._line_width, self._widths, self._first))
        return self._known_layout[1]

    @property
    def _line_width(self) -> int:
        """Cells of a line but for one, which tells that there are more columns."""
        return max(self._width - 1, 1)

    @property
    def _width(self) -> int:
        """Cells of a line, those of the scroll bar left out."""
        return self.scrollable_content_region.width

    @property
    def _count(self) -> int:
        return 0 if self._painter is None else len(self._painter.arrangement)

    def _lines_in_sight(self) -> range:
        top = self.scroll_offset.y
        return range(top, min(top + self.page, self._count))

    def _reveal(self) -> bool:
        """Scroll until the cursor is in sight; tell whether that moved anything."""
        top = self.scroll_offset.y
        wanted = min(max(top, self._cursor - self.page + 1), self._cursor)
        if wanted == top:
            return False
        self.scroll_to(y=wanted, animate=False, immediate=True)
        return True

    # Following

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Tell that other lines are in sight."""
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) != round(new_value):
            self.post_message(SightChanged())

    def on_resize(self) -> None:
        """Use the room there is."""
        if self._painter is not None:
            self._first = min(self._first, last_first(self._line_width, self._widths))
            self._reveal()
            self.post_message(SightChanged())

    def on_click(self, event: events.Click) -> None:
        """Choose the line, or the column, under the mouse."""
        offset = event.get_content_offset(self)
        if offset is None or self._painter is None:
            return
        if offset.y:
            index = offset.y - 1 + self.scroll_offset.y
            if index < self._count:
                self.post_message(RowClicked(index, event.chain > 1))
            return
        layout = self._layout
        column = layout.column_at(offset.x)
        if column is None:
            is_name = layout.name_start <= offset.x < layout.name_start + layout.name
            column = NAME if is_name else NUMBER
        self.post_message(HeaderClicked(column.name))
