"""The pictures of one pair."""

from __future__ import annotations

from tensorpeek.tui.charts.cells import Cells
from tensorpeek.tui.charts.chart import Chart
from tensorpeek.tui.charts.look import Look
from tensorpeek.tui.compare.messages import PairView


class PairChart(Chart, can_focus=False):
    """Both histograms, the histogram of the difference, the error of each channel."""

    def __init__(self, *, ascii_only: bool, plain: bool, id: str) -> None:  # noqa: A002
        super().__init__(ascii_only=ascii_only, plain=plain, id=id)
        self._view: PairView | None = None

    def show_view(self, view: PairView) -> None:
        """Show a pair."""
        self._view = view
        self.show_picture()

    @property
    def view(self) -> PairView | None:
        """The pair that is shown, None while there are words instead."""
        return self._view if self._note is None else None

    def paint(self, cells: Cells, look: Look) -> bool:
        """Draw the pair."""
        from tensorpeek.tui.compare.pair_picture import draw_pair

        return self._view is not None and draw_pair(cells, look, self._view)
