"""The part of the screen that knows which row is which tensor, and follows the shared choice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from tensorpeek.tui.layers.cell_text import Cells
from tensorpeek.tui.layers.filter_input import FilterInput
from tensorpeek.tui.layers.measuring_screen import MeasuringScreen
from tensorpeek.tui.layers.row_painter import RowPainter, Signs
from tensorpeek.tui.widgets.pickers import Pickers

if TYPE_CHECKING:
    from tensorpeek.loaders import Model, Tensor


class RowScreen(MeasuringScreen):
    """The row at the cursor is the tensor that all screens show."""

    # What is shown

    def show_tensor(self) -> None:
        """Show the model of the chosen tensor, the cursor on the tensor."""
        model = self._choice.model
        if model is None:
            return
        view = self._choice.wished_view
        known, shown = self._known, self._arrangement
        if model is not self._model or known is None:
            self._enter(model)
        elif shown is not None and shown.ledger is not known.ledger(view):
            self._agenda = None
            self._arrangement = known.arrangement(view, shown)
            self._paint()
        else:
            self._take_marks()
            if self._is_stale and shown is not None:
                self._is_stale = False
                shown.arrange()
                self._table.rearranged(0)
            self._put_on_choice()
        self._prepare()
        self._show_choice_in_menus()
        self.refresh_bindings()
        self._show_detail()
        self.measure_sight()

    def _enter(self, model: Model) -> None:
        self._model, self._agenda = model, None
        self._known = self._look_up(model)
        self._arrangement = self._known.arrangement(self._choice.wished_view, self._arrangement)
        self._take_marks()
        self._paint()

    def _take_marks(self) -> None:
        """Mark what is marked in the session."""
        shown, path = self._arrangement, self._choice.path
        if shown is not None:
            places = shown.inventory.places
            names = [name for marked_in, name in self._session.marked if marked_in == path]
            shown.use_marks(places[name] for name in names if name in places)

    def _paint(self) -> None:
        shown = self._arrangement
        if shown is None:
            return
        cells = Cells(shown.ledger, ascii_only=self._ascii_only)
        painter = RowPainter(shown, cells, Signs.of(ascii_only=self._ascii_only))
        self._table.show_rows(painter, 0)
        self._put_on_choice()

    def _put_on_choice(self) -> None:
        """Put the cursor on the chosen tensor, or on the module that hides it."""
        shown, tensor = self._arrangement, self._choice.tensor
        if shown is None or tensor is None:
            return
        found = shown.nearest(shown.inventory.places[tensor.name])
        if found is not None:
            self._table.put_cursor(found)

    def show_note(self, words: str, *, is_error: bool = False) -> None:
        """Show words instead of a table."""
        self._forget_model()
        style = self.app.theme_variables["error"] if is_error else ""
        self._table.show_note(Text(words, style))
        self._show_status()
        self._show_detail()

    def _show_choice_in_menus(self) -> None:
        choice, pickers = self._choice, self.query_one(Pickers)
        if choice.tensor is None or choice.model is not self._model:
            return
        pickers.layer_menu.choose(choice.layer)
        entries = [(tensor.label, tensor.name) for tensor in choice.tensors]
        pickers.tensor_menu.fill(entries, choice.tensor.name)

    def _follow_cursor(self) -> None:
        """Choose the tensor at the cursor; the menus follow."""
        self._show_detail()
        tensor = self._cursor_tensor
        if tensor is None or tensor is self._choice.tensor:
            return
        if tensor.layer != self._choice.layer:
            self._choice.choose_layer(tensor.layer)
        self._choice.choose_tensor(tensor.name)
        self._show_choice_in_menus()

    @property
    def _cursor_tensor(self) -> Tensor | None:
        shown, line = self._shown, self._table.cursor_line
        if shown is None or line is None or line.place is None:
            return None
        return shown.inventory.tensors[line.place]

    # Rows

    def _move_to(self, index: int) -> None:
        self._stays_on_top = False
        if self._agenda is not None:
            self._agenda.rest()
        self._table.put_cursor(index)
        self._follow_cursor()

    def action_row(self, steps: int) -> None:
        """Move the cursor."""
        self._move_to(self._table.cursor + steps)

    async def action_step(self, steps: int) -> None:
        """Move the cursor, also while a filter is typed."""
        await self.query_one(FilterInput).is_followed()
        self.action_row(steps)

    async def action_page(self, pages: int) -> None:
        """Move the cursor by as many lines as there are in sight."""
        await self.action_step(pages * self._table.page)

    def action_jump(self, end: int) -> None:
        """Move the cursor to the first or to the last line."""
        shown = self._shown
        self._move_to(end * (len(shown) - 1) if shown is not None else 0)
