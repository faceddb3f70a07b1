"""The pictures of a spectrum, and a cursor on its singular values."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.binding import BindingType

from tensorpeek.tui.charts.cells import Cells
from tensorpeek.tui.charts.chart import Chart
from tensorpeek.tui.charts.look import Look
from tensorpeek.tui.keys import widget_key
from tensorpeek.tui.spectrum.messages import IndexHovered

if TYPE_CHECKING:
    from tensorpeek.analysis.diagnosis.full_spectrum import FullSpectrum
    from tensorpeek.tui.charts.axes import Axis
    from tensorpeek.tui.spectrum.columns import ValueColumns

KINDS = ("values", "energy", "tail", "noise")
"""The pictures, in the order of their key."""


class SpectrumPlot(Chart):
    """Draws one of the pictures of a spectrum."""

    SMALLEST = (40, 8)
    BINDINGS: ClassVar[list[BindingType]] = [
        widget_key("left,h", "move(-1)", "Larger singular value", "spectrum.left"),
        widget_key("right,l", "move(1)", "Smaller singular value", "spectrum.right"),
        widget_key("shift+left,H", "move(-10)", "Ten to the left", "spectrum.far.left"),
        widget_key("shift+right,L", "move(10)", "Ten to the right", "spectrum.far.right"),
        widget_key("home,0", "jump(0)", "Largest singular value", "spectrum.first"),
        widget_key("end,dollar_sign", "jump(1)", "Smallest singular value", "spectrum.last"),
    ]

    def __init__(self, *, ascii_only: bool, plain: bool, id: str) -> None:  # noqa: A002
        super().__init__(ascii_only=ascii_only, plain=plain, id=id)
        self._found: FullSpectrum | None = None
        self._kind = KINDS[0]
        self._log = True
        self._index = 0
        self._columns: ValueColumns | None = None

    def show_spectrum(
        self, found: FullSpectrum, kind: str, *, log: bool, keep_cursor: bool
    ) -> None:
        """Show a picture of a spectrum; the cursor stays, or goes to the largest value."""
        self._found, self._kind, self._log = found, kind, log
        if not keep_cursor or self._index >= found.values.size:
            self._index = 0
        self.show_picture()

    @property
    def cursor(self) -> int:
        """The singular value under the cursor, from 0."""
        return self._index

    def put_cursor(self, index: int) -> None:
        """Put the cursor on a singular value and tell the screen."""
        if self._found is None or self._note is not None:
            return
        index = min(max(index, 0), self._found.values.size - 1)
        if index != self._index:
            self._index = index
            self.forget_picture()
            self.post_message(IndexHovered(index))

    def action_move(self, steps: int) -> None:
        """Move the cursor by values; by whole bars where a bar stands for several."""
        columns = self._columns
        after = self._index + steps
        self.put_cursor(after if columns is None else columns.index_after(self._index, steps))

    def action_jump(self, end: int) -> None:
        """Move the cursor to the first or the last value."""
        if self._found is not None:
            self.put_cursor(end * (self._found.values.size - 1))

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Let the cursor follow the mouse."""
        offset = event.get_content_offset(self)
        if self._columns is not None and offset is not None:
            index = self._columns.index_at(offset.x)
            if index is not None:
                self.put_cursor(index)

    def forget_places(self) -> None:
        """Forget which value lies in which column."""
        self._columns = None

    def paint(self, cells: Cells, look: Look) -> bool:
        """Draw the picture that was asked for."""
        if self._found is None:
            return False
        if self._kind in ("values", "energy"):
            self._paint_by_index(cells, look, self._found)
        else:
            self._paint_by_value(cells, look, self._found)
        return True

    def _paint_by_index(self, cells: Cells, look: Look, found: FullSpectrum) -> None:
        from tensorpeek.tui.spectrum.energy_picture import draw_energy, energy_title
        from tensorpeek.tui.spectrum.value_picture import draw_values

        if self._kind == "energy":
            columns, title = draw_energy(cells, look, found), energy_title(found)
        else:
            columns = draw_values(cells, look, found, log=self._log)
            group = f", up to {columns.most:,} to a bar" if columns.most > 1 else ""
            scale = "log scale" if self._log else "linear"
            title = f"singular values by index, {scale}{group}"
        self._columns = columns
        cells.words(1, 0, title, look.style("axis"))
        self._mark(cells, look, columns.column_of(self._index))

    def _paint_by_value(self, cells: Cells, look: Look, found: FullSpectrum) -> None:
        from tensorpeek.tui.bar_columns import LEFT
        from tensorpeek.tui.spectrum.bulk_picture import bulk_title, draw_bulk
        from tensorpeek.tui.spectrum.tail_picture import draw_tail, tail_title

        value = float(found.values[self._index])
        axis: Axis | None
        if self._kind == "tail":
            axis, title = draw_tail(cells, look, found), tail_title(found)
            value *= value
        else:
            axis, title = draw_bulk(cells, look, found), bulk_title(found)
        cells.words(1, 0, title, look.style("axis"))
        if axis is None:
            cells.words(2, cells.height // 2, "no two different values to draw")
        elif value <= axis.high:
            self._mark(cells, look, LEFT + axis.cell(value))

    def _mark(self, cells: Cells, look: Look, column: int) -> None:
        letter = "^" if look.ascii_only else "▲"
        cells.put(column, cells.height - 2, letter, look.style("mark", bold=True))


class EnergyPlot(Chart):
    """Draws the cumulative energy alone, under another picture."""

    SMALLEST = (40, 5)

    def __init__(self, *, ascii_only: bool, plain: bool, id: str) -> None:  # noqa: A002
        super().__init__(ascii_only=ascii_only, plain=plain, id=id)
        self.can_focus = False
        self._found: FullSpectrum | None = None

    def show_spectrum(self, found: FullSpectrum) -> None:
        """Show the energy of a spectrum."""
        self._found = found
        self.show_picture()

    def paint(self, cells: Cells, look: Look) -> bool:
        """Draw the energy."""
        from tensorpeek.tui.spectrum.energy_picture import draw_energy, energy_title

        if self._found is None:
            return False
        draw_energy(cells, look, self._found)
        cells.words(1, 0, energy_title(self._found), look.style("axis"))
        return True
