"""The widget of kernels: tiles with a cursor, or one filter in numbers, or words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.color import Color as RichColor
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.binding import BindingType
from textual.strip import Strip
from textual.widget import Widget

from tensorpeek.tui.kernels.keys import TILE_KEYS
from tensorpeek.tui.kernels.messages import EnlargingAsked, TileChosen, TilesAsked

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tensorpeek.tui.kernels.filter_page import FilterPage
    from tensorpeek.tui.kernels.tile_grid import TileGrid
    from tensorpeek.tui.kernels.tile_maps import TileMaps


@dataclass(frozen=True, eq=False)
class Tiles:
    """What the tiles show: pictures in an order, a mark for each filter."""

    maps: TileMaps
    order: NDArray[np.intp]
    marks: Sequence[str]
    depth: int
    per_tile: bool
    zoom: int | None


class KernelPlot(Widget, can_focus=True):
    """Draws the rows of tiles that are in sight; keeps them until something changes."""

    BINDINGS: ClassVar[list[BindingType]] = [*TILE_KEYS]

    def __init__(self, *, ascii_only: bool, plain: bool, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._ascii_only = ascii_only
        self._plain = plain
        self._tiles: Tiles | None = None
        self._page: FilterPage | None = None
        self._note = Text()
        self._grid: TileGrid | None = None
        self._cursor = 0
        self._top = 0
        self._line = 0
        self._column = 0
        self._rows: dict[int, list[Strip]] = {}
        self._drawn_for: object = None

    # What is shown

    def show_tiles(self, tiles: Tiles, *, keep_cursor: bool) -> None:
        """Show tiles; the cursor stays on its filter, or goes to the first one."""
        chosen = self.chosen if keep_cursor else None
        self._tiles, self._page, self._note = tiles, None, Text()
        self._cursor = tiles.order.tolist().index(chosen) if chosen is not None else 0
        self._forget()

    def show_page(self, page: FilterPage) -> None:
        """Show one filter in numbers."""
        if self._page is None or self._page.index != page.index:
            self._line = self._column = 0
        self._page = page
        self._forget()

    def show_all(self) -> None:
        """Show the tiles again."""
        self._page = None
        self._forget()

    def show_note(self, note: Text) -> None:
        """Show a text instead of tiles."""
        self._tiles, self._page, self._note = None, None, note
        self._cursor = self._top = 0
        self._forget()

    @property
    def chosen(self) -> int | None:
        """The filter under the cursor, None without tiles."""
        if self._tiles is None or self._cursor >= len(self._tiles.order):
            return None
        return int(self._tiles.order[self._cursor])

    @property
    def page(self) -> FilterPage | None:
        """The filter that is shown in numbers, if one is."""
        return self._page

    @property
    def dark(self) -> bool | None:
        """Whether colors are those for a dark screen; None without colors."""
        return None if self._plain else self.app.current_theme.dark

    @property
    def zoom(self) -> int | None:
        """Columns that a value takes now."""
        self._place()
        return self._grid.zoom if self._grid is not None else None

    def sight(self) -> str:
        """Return which rows are in sight where not all are."""
        self._place()
        if self._page is not None:
            last = min(self._line + self.size.height, self._page.lines)
            is_whole = self._page.lines <= self.size.height
            return "" if is_whole else f"lines {self._line + 1:,}–{last:,} of {self._page.lines:,}"
        if self._grid is None or self._grid.rows <= self._visible:
            return ""
        last = min(self._top + self._visible, self._grid.rows)
        return f"rows {self._top + 1:,}–{last:,} of {self._grid.rows:,}"

    # Keys

    def action_move(self, across: int, down: int) -> None:
        """Move the cursor by tiles, or scroll the numbers."""
        if self._page is not None:
            self._scroll(across * self._page.digits, down)
        elif self._grid is not None:
            self._put_cursor(self._cursor + across + down * self._grid.per_row, is_step=True)

    def action_page(self, step: int) -> None:
        """Move by what is in sight."""
        if self._page is not None:
            self._scroll(0, step * max(self.size.height - 1, 1))
        elif self._grid is not None:
            self._put_cursor(self._cursor + step * self._visible * self._grid.per_row)

    def action_jump(self, end: int) -> None:
        """Go to the first or the last tile, or line."""
        if self._page is not None:
            self._scroll(0, self._page.lines * (2 * end - 1))
        elif self._tiles is not None:
            self._put_cursor(end * (len(self._tiles.order) - 1))

    def action_enlarge(self) -> None:
        """Ask for the values of the filter under the cursor."""
        if self.chosen is not None:
            self.post_message(EnlargingAsked(self.chosen))

    def action_tiles(self) -> None:
        """Ask for all filters."""
        self.post_message(TilesAsked())

    def _put_cursor(self, place: int, *, is_step: bool = False) -> None:
        if self._tiles is None or self._grid is None:
            return
        last = len(self._tiles.order) - 1
        if is_step and not 0 <= place <= last:
            return
        before, self._cursor = self._cursor, min(max(place, 0), last)
        for cursor in (before, self._cursor):
            self._rows.pop(cursor // self._grid.per_row, None)
        self._reveal()
        self.refresh()
        if self.chosen is not None:
            self.post_message(TileChosen(self.chosen))

    def _scroll(self, across: int, down: int) -> None:
        if self._page is None:
            return
        lowest = max(self._page.lines - self.size.height, 0)
        widest = max(self._page.width - self.size.width, 0)
        self._line = min(max(self._line + down, 0), lowest)
        self._column = min(max(self._column + across, 0), widest)
        self.refresh()
        if self.chosen is not None:
            self.post_message(TileChosen(self.chosen))

    # Drawing

    def render_line(self, y: int) -> Strip:
        """Return one line of tiles, of numbers or of the note."""
        self._place()
        strip = self._strip(y).apply_style(self.rich_style)
        return strip.adjust_cell_length(self.size.width, self.rich_style)

    def notify_style_update(self) -> None:
        """Draw again in the new theme's colors."""
        super().notify_style_update()
        self._drawn_for = None

    def _strip(self, y: int) -> Strip:
        if self._page is not None:
            line = self._line + y
            if line >= self._page.lines:
                return Strip([])
            segments = self._page.line(line, dark=self.dark, quiet=self._quiet())
            return Strip(segments).crop(self._column, self._column + self.size.width)
        if self._tiles is None or self._grid is None:
            return self._note_strip(y)
        row, line = divmod(y, self._grid.lines)
        row += self._top
        if row >= self._grid.rows:
            return Strip([])
        if row not in self._rows:
            self._rows[row] = self._draw_row(self._tiles, self._grid, row)
        return self._rows[row][line]

    def _draw_row(self, tiles: Tiles, grid: TileGrid, row: int) -> list[Strip]:
        from tensorpeek.tui.kernels.tile_grid import label_line

        first = row * grid.per_row
        shown = tiles.order[first : first + grid.per_row]
        place = self._cursor - first
        cursor = place if 0 <= place < len(shown) else None
        sign = ">" if self._ascii_only else "▸"
        labels = [
            f"{sign if at == cursor else ' '}{index}{tiles.marks[index]}"
            for at, index in enumerate(shown.tolist())
        ]
        chosen = self._quiet() + Style(bold=True, reverse=True)
        lines = [label_line(labels, grid.columns, cursor, self._quiet(), chosen)]
        levels = tiles.maps.levels(shown, tiles.depth, per_tile=tiles.per_tile)
        lines += grid.picture_lines(levels, dark=self.dark)
        return [Strip(line) for line in lines]

    def _place(self) -> None:
        """Find out where tiles lie, once for each size and theme."""
        key = (self.size, self.app.theme)
        if self._drawn_for == key:
            return
        self._drawn_for = key
        self._rows.clear()
        self._grid = None
        if self._tiles is None or not self.size.width or not self.size.height:
            return
        from tensorpeek.tui.kernels.tile_grid import tile_grid

        count = len(self._tiles.order)
        self._grid = tile_grid(
            count,
            (self._tiles.maps.values.shape[2], self._tiles.maps.values.shape[3]),
            len(str(count - 1)) + 2,
            (self.size.width, self.size.height),
            zoom=self._tiles.zoom,
            is_halved=not (self._ascii_only or self._plain),
        )
        self._reveal()

    @property
    def _visible(self) -> int:
        """Rows of tiles in sight, at least one."""
        return max(1, self.size.height // self._grid.lines) if self._grid is not None else 1

    def _reveal(self) -> None:
        if self._grid is None:
            return
        row = self._cursor // self._grid.per_row
        top = min(max(self._top, row - self._visible + 1), row)
        self._top = max(0, min(top, self._grid.rows - self._visible))

    def _forget(self) -> None:
        self._drawn_for = None
        self.refresh()

    def _quiet(self) -> Style:
        if self._plain:
            return Style()
        return Style(color=RichColor.parse(self.app.theme_variables["plot-axis"]))

    def _note_strip(self, y: int) -> Strip:
        console = self.app.console
        lines = list(self._note.wrap(console, max(self.size.width - 4, 10)))
        at = y - max((self.size.height - len(lines)) // 2, 0)
        if not 0 <= at < len(lines):
            return Strip([])
        return Strip([Segment("  "), *lines[at].render(console, end="")])
