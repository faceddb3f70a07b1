"""The screen of all tensors: a table to look through, to sort, to filter, to mark."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Input, Label, Static

from tensorpeek.tui.layers import messages as told
from tensorpeek.tui.layers.columns import SORTABLE, Column, column_named
from tensorpeek.tui.layers.copied_text import command_line, table_text
from tensorpeek.tui.layers.filter_input import FilterInput
from tensorpeek.tui.layers.filtering import HINT
from tensorpeek.tui.layers.keys import LAYERS_KEYS, MOVING_ACTIONS, TABLE_ACTIONS, TREE_ACTIONS
from tensorpeek.tui.layers.layer_table import LayerTable
from tensorpeek.tui.layers.marking_screen import MarkingScreen


class LayersScreen(MarkingScreen):
    """Follows the keys; the table draws, the arrangement knows what is listed."""

    NAME = "layers"
    MAIN = "#table"
    MAIN_TYPE: ClassVar[type[Widget]] = LayerTable
    AUTO_FOCUS = "#table"
    CSS_PATH = "layers.tcss"
    BINDINGS: ClassVar[list[BindingType]] = LAYERS_KEYS

    def compose_body(self) -> ComposeResult:
        """Lay out the filter, the table and the lines under it."""
        with Horizontal(id="layers-filter-line"):
            yield Label("Filter", classes="field-name")
            yield FilterInput(placeholder=HINT, compact=True, id="layers-filter")
        yield LayerTable(id="table")
        yield Static(id="layers-totals", markup=False)
        yield Static(id="layers-detail", markup=False)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave keys to menus, and hide those without use."""
        if action in MOVING_ACTIONS and isinstance(self.focused, FilterInput):
            return True
        if action in TABLE_ACTIONS and self.is_mounted and self.focused is not self._table:
            return False
        shown = self._shown
        if action in TREE_ACTIONS and (shown is None or not shown.is_grouped):
            return False
        if action == "view":
            has_views = shown is not None and shown.inventory.has_views
            return has_views and not isinstance(self.focused, Input)
        return super().check_action(action, parameters)

    @on(told.RowClicked)
    async def take_click(self, event: told.RowClicked) -> None:
        """Move the cursor to a line; open it at the second click."""
        self._move_to(event.index)
        if event.is_double:
            await self.action_open()

    async def action_open(self) -> None:
        """Show the tensor in the histogram; fold or unfold a module."""
        if self._cursor_tensor is not None:
            self._follow_cursor()
            await self.action_show("histogram")
        else:
            self.action_fold()

    # Order

    def action_sort(self, step: int) -> None:
        """Sort by the column beside."""
        shown = self._shown
        if shown is not None:
            place = SORTABLE.index(shown.column)
            self._sort(SORTABLE[(place + step) % len(SORTABLE)], descending=shown.descending)

    def action_reverse(self) -> None:
        """Turn the order around."""
        shown = self._shown
        if shown is not None:
            self._sort(shown.column, descending=not shown.descending)

    @on(told.HeaderClicked)
    def sort_by_title(self, event: told.HeaderClicked) -> None:
        """Sort by a column; turn the order around if it is that column's already."""
        shown, column = self._shown, column_named(event.name)
        if shown is not None and column.is_sortable:
            is_same = column is shown.column
            self._sort(column, descending=shown.descending != is_same)

    def _sort(self, column: Column, *, descending: bool) -> None:
        """Sort and go to the top, where what is extreme stands."""
        shown = self._shown
        if shown is None:
            return
        shown.sort_by(column, descending=descending)
        self._table.reveal_column(column)
        self._table.rearranged(0)
        self._stays_on_top = True
        self._follow_cursor()

    def action_shift(self, step: int) -> None:
        """Scroll the columns."""
        self._table.shift(step)

    # Filter

    async def action_filter(self) -> None:
        """Go to the field of the filter."""
        self.set_focus(self.query_one(FilterInput))

    @on(Input.Changed, "#layers-filter")
    def filter_rows(self, event: Input.Changed) -> None:
        """List what matches; the cursor stays on its tensor where that is listed."""
        shown = self._shown
        if shown is None or event.value == shown.query:
            return
        line = self._table.cursor_line
        shown.filter_by(event.value)
        self._table.rearranged(shown.find(line) or 0)
        self._follow_cursor()
        self._show_status()

    async def action_escape(self) -> None:
        """Drop the filter; without one pause measuring, or go on."""
        field = self.query_one(FilterInput)
        if field.value:
            field.value = ""
            await field.is_followed()
            return
        self._is_paused = not self._is_paused
        self.measure_sight()

    # Tree

    def action_group(self) -> None:
        """Change between the tree of modules and the plain list."""
        shown, line = self._shown, self._table.cursor_line
        if shown is None:
            return
        place = None
        if line is not None:
            place = next(iter(shown.tensors_at(self._table.cursor)), None)
        shown.group(is_grouped=not shown.is_grouped)
        found = None if place is None else shown.nearest(place)
        self._table.rearranged(found or 0)
        self.refresh_bindings()
        self._follow_cursor()

    def action_fold(self) -> None:
        """Fold or unfold the module at the cursor, or the one that the tensor lies in."""
        shown, table = self._shown, self._table
        if shown is None or table.cursor_line is None:
            return
        if table.cursor_line.module is None:
            above = shown.parent_line(table.cursor)
            if above is None:
                return
            table.put_cursor(above)
        line = table.cursor_line
        self._fold(is_folded=not shown.is_folded(line))

    def _fold(self, *, is_folded: bool) -> None:
        shown, table = self._shown, self._table
        line = table.cursor_line
        if shown is None or line is None or line.module is None:
            return
        shown.fold(line.module, is_folded=is_folded)
        table.rearranged(shown.find(line) or 0)
        self._follow_cursor()

    def action_fold_all(self) -> None:
        """Fold all modules, or unfold them."""
        shown, table = self._shown, self._table
        if shown is None or table.cursor_line is None:
            return
        place = shown.tensors_at(table.cursor)[0]
        shown.fold_all()
        table.rearranged(shown.nearest(place) or 0)
        self._follow_cursor()

    def action_left(self) -> None:
        """Scroll the columns; in a tree fold a module, or go to it."""
        shown, table = self._shown, self._table
        if shown is None or table.cursor_line is None or not shown.is_grouped:
            self.action_shift(-1)
        elif table.cursor_line.module is not None and not shown.is_folded(table.cursor_line):
            self._fold(is_folded=True)
        else:
            above = shown.parent_line(table.cursor)
            self._move_to(table.cursor if above is None else above)

    def action_right(self) -> None:
        """Scroll the columns; in a tree unfold a module, or go into it."""
        shown, table = self._shown, self._table
        if shown is None or table.cursor_line is None or not shown.is_grouped:
            self.action_shift(1)
        elif shown.is_folded(table.cursor_line):
            self._fold(is_folded=False)
        elif table.cursor_line.module is not None:
            self.action_row(1)

    # Measures

    def action_condition(self) -> None:
        """Measure the condition number of the marked tensors, or of the one at the cursor."""
        shown, table = self._shown, self._table
        if shown is None or not len(shown):
            return
        shown.ledger.asked |= shown.marked or set(shown.tensors_at(table.cursor))
        table.reveal_column(column_named("condition"))
        self.measure_sight()

    # Copies

    def shown_text(self) -> str:
        """Return the table as tab-separated lines."""
        shown = self._shown
        if shown is None:
            return ""
        return table_text(shown, self._table.places_in_sight(), ascii_only=self._ascii_only)

    def command_text(self) -> str:
        """Return the command that prints these tensors."""
        shown, path = self._shown, self._choice.path
        if shown is None or path is None:
            return ""
        is_raw = shown.inventory.has_views and self._choice.wished_view == "raw"
        return command_line(path, shown, raw=is_raw)
