"""The pages of the screen of risk as one widget with a cursor on tensors."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.binding import BindingType

from tensorpeek.tui.charts.cells import Cells
from tensorpeek.tui.charts.chart import Chart
from tensorpeek.tui.charts.look import Look
from tensorpeek.tui.keys import widget_key
from tensorpeek.tui.risk.messages import CursorMoved, PlaceChosen

if TYPE_CHECKING:
    from tensorpeek.analysis.risk import Scheme
    from tensorpeek.tui.risk.model_risk import ModelRisk
    from tensorpeek.tui.risk.scatter_picture import ScatterPlaces

PAGES = ("scatter", "condition", "rank", "health")
"""The pages, in the order of their key."""


class RiskPlot(Chart):
    """Draws a page for a scheme; the screen moves the cursor.

    ``painted_in`` are the seconds that the last picture took.
    """

    SMALLEST = (50, 9)
    BINDINGS: ClassVar[list[BindingType]] = [
        widget_key("down,right,l", "move(1)", "The next one in the order of the page", "risk.down"),
        widget_key("up,left,h", "move(-1)", "The one before", "risk.up"),
        widget_key("pagedown", "move(10)", "Ten on", "risk.far.down"),
        widget_key("pageup", "move(-10)", "Ten back", "risk.far.up"),
        widget_key("home,0", "jump(0)", "The worst one", "risk.first"),
        widget_key("end,dollar_sign", "jump(1)", "The best one", "risk.last"),
    ]

    def __init__(self, *, ascii_only: bool, plain: bool, id: str) -> None:  # noqa: A002
        super().__init__(ascii_only=ascii_only, plain=plain, id=id)
        self._risk: ModelRisk | None = None
        self._scheme: Scheme | None = None
        self._page = PAGES[0]
        self._cursor: int | None = None
        self._asked: object = None
        self.painted_in = 0.0
        self._places: ScatterPlaces | None = None
        self._lines: dict[int, int] = {}

    def show_page(self, risk: ModelRisk, scheme: Scheme, page: str, cursor: int | None) -> None:
        """Show a page with the tensor at place ``cursor`` marked."""
        self._risk, self._scheme, self._page, self._cursor = risk, scheme, page, cursor
        known = risk.marks(scheme) if page == "scatter" else (risk.version, risk.everything)
        asked = (risk, scheme, page, cursor, known)
        if asked != self._asked or self._note is not None:
            self._asked = asked
            self.show_picture()

    def forget_places(self) -> None:
        """Forget which tensor lies where."""
        self._places, self._lines = None, {}

    def paint(self, cells: Cells, look: Look) -> bool:
        """Draw the page."""
        if self._risk is None or self._scheme is None:
            return False
        started = time.monotonic()
        self._paint_page(cells, look, self._risk, self._scheme)
        self.painted_in = time.monotonic() - started
        return True

    def _paint_page(self, cells: Cells, look: Look, risk: ModelRisk, scheme: Scheme) -> None:
        if self._page == "scatter":
            from tensorpeek.tui.risk.scatter_picture import draw_scatter

            self._places = draw_scatter(cells, look, risk, risk.marks(scheme), self._cursor)
        elif self._page == "health":
            from tensorpeek.tui.risk.dashboard_picture import draw_dashboard

            self._lines = draw_dashboard(cells, look, risk, scheme, self._cursor)
        else:
            from tensorpeek.tui.risk.ranking_picture import draw_ranking
            from tensorpeek.tui.risk.rankings import ranking_of

            ranking = ranking_of(risk, self._page)
            self._lines = draw_ranking(cells, look, risk, ranking, self._cursor)

    def action_move(self, steps: int) -> None:
        """Move the cursor by ranks."""
        self.post_message(CursorMoved(steps))

    def action_jump(self, end: int) -> None:
        """Move the cursor to the worst or the best."""
        self.post_message(CursorMoved(to_end=end))

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on what was clicked."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        place = self._lines.get(offset.y)
        if self._places is not None:
            place = self._places.nearest(offset.x, offset.y)
        if place is not None:
            self.post_message(PlaceChosen(place))
