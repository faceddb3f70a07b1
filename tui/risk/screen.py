"""The screen of risk: a whole model at once, what quantizing it would cost, what to look at."""

from __future__ import annotations

import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Static

from tensorpeek.tui.keys import FOCUS_KEYS
from tensorpeek.tui.long_lived import LongLived
from tensorpeek.tui.risk import jobs
from tensorpeek.tui.risk import messages as told
from tensorpeek.tui.risk.keys import RISK_KEYS
from tensorpeek.tui.risk.plot import PAGES, RiskPlot
from tensorpeek.tui.risk.scheme_line import SchemeLine
from tensorpeek.tui.screens.tab_screen import TabScreen
from tensorpeek.tui.session import Session
from tensorpeek.tui.widgets.cursor_line import CursorLine
from tensorpeek.tui.widgets.pickers import Pickers
from tensorpeek.tui.widgets.statistics_panel import StatisticsPanel

if TYPE_CHECKING:
    from tensorpeek.analysis.diagnosis import Thresholds
    from tensorpeek.analysis.risk import Scheme
    from tensorpeek.tui.risk.model_risk import ModelRisk

KEPT = 3
"""Models whose measures are kept: coming back to one is instant."""

FIRST_PAUSE, SHORTEST_PAUSE = 0.1, 0.25
"""Seconds before the first picture, and between two pictures of work that goes on, at least."""

SHARE = 8
"""So many times as long as a picture takes is the pause until the next one."""


class RiskScreen(TabScreen):
    """Surveys the chosen model in the background; the chosen tensor is the cursor."""

    NAME = "risk"
    CSS_PATH = "risk.tcss"
    MAIN_TYPE: ClassVar[type[Widget]] = RiskPlot
    BINDINGS: ClassVar[list[BindingType]] = [*RISK_KEYS, *FOCUS_KEYS]

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._page = PAGES[0]
        self._scheme: Scheme | None = None
        self._risks: dict[Path, ModelRisk] = {}
        self._risk: ModelRisk | None = None
        self._working: set[str] = set()
        self._is_stopped = False
        self._pending: list[told.Surveyed | told.Examined] = []
        self._pause = FIRST_PAUSE
        self._results = LongLived()

    def compose_body(self) -> ComposeResult:
        """Lay out the choices, what they would do, the page and the details."""
        yield SchemeLine(id="scheme")
        yield Static(id="what-if", markup=False)
        with Horizontal(id="body"):
            yield RiskPlot(id="plot", ascii_only=self._ascii_only, plain=self._session.plain)
            yield StatisticsPanel(id="statistics")
        yield CursorLine(id="cursor", markup=False)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Hide keys without use, and leave letters to a field or menu that is being typed in."""
        if action == "statistics" and self.has_class("-wide"):
            return False
        if action == "give_up":
            return bool(self._working) and self.focused is self.main_widget
        if action == "go_on" and not self._is_stopped:
            return False
        if action == "open" and self.focused is not self.main_widget:
            return False
        return super().check_action(action, parameters)

    @property
    def scheme(self) -> Scheme:
        """The way to quantize that is tried."""
        if self._scheme is None:
            from tensorpeek.analysis.risk import Scheme

            self._scheme = Scheme()
        return self._scheme

    @property
    def _cursor(self) -> int | None:
        return None if self._risk is None else self._risk.place_of(self._choice.tensor)

    # Measuring

    def show_tensor(self) -> None:
        """Show the model of the chosen tensor, the cursor on it; go on measuring."""
        model, path = self._choice.model, self._choice.path
        if model is None or path is None:
            return
        if self._choice.tensor is not None:
            self.query_one(Pickers).tensor_menu.choose(self._choice.tensor.name)
        risk = self._risks.get(path)
        if risk is None or risk.model is not model:
            from tensorpeek.tui.risk.model_risk import ModelRisk

            risk = self._risks[path] = ModelRisk(model, self._thresholds())
            while len(self._risks) > KEPT:
                del self._risks[next(iter(self._risks))]
        if risk is not self._risk:
            self._stop_work()
            self._risk, self._is_stopped = risk, False
        self._go_on()
        self._show()

    def _thresholds(self) -> Thresholds:
        """Return the limits of the user's settings; the default ones where those are wrong."""
        from tensorpeek.analysis.diagnosis.thresholds import Thresholds, check_thresholds

        try:
            return check_thresholds(self._session.settings.thresholds)
        except ValueError as error:
            self.notify(str(error), title="thresholds", severity="warning", markup=False)
            return Thresholds()

    def _go_on(self) -> None:
        """Begin what is left to do, unless it was stopped: spectra wait for the cheap measures."""
        risk = self._risk
        if risk is None or self._is_stopped:
            return
        if jobs.SURVEY not in self._working:
            places = list(dict.fromkeys([*risk.unsurveyed(self.scheme), *risk.unseen()]))
            if places:
                self._working.add(jobs.SURVEY)
                survey = jobs.survey(risk, places, self.scheme, self._session.results)
                self._background.submit(jobs.SURVEY, survey)
                return
        is_ready = jobs.SURVEY not in self._working or bool(risk.diagnoses)
        if is_ready and jobs.EXAMINE not in self._working:
            places = risk.unexamined()
            if places:
                self._working.add(jobs.EXAMINE)
                examine = jobs.examine(risk, places, self._session.results)
                self._background.submit(jobs.EXAMINE, examine)

    def _stop_work(self) -> None:
        for lane in self._working:
            self._background.cancel(lane)
        self._working.clear()

    def leave(self) -> None:
        """Stop all work: another screen takes over."""
        super().leave()
        self._working.clear()

    @on(told.Surveyed)
    @on(told.Examined)
    def take_results(self, event: told.Surveyed | told.Examined) -> None:
        """Take in results in a while: to show each batch of a large model would stop the keys."""
        self._pending.append(event)
        if len(self._pending) == 1:
            self.set_timer(self._pause, self._take_pending)

    def _take_pending(self) -> None:
        started = time.monotonic()
        pending, self._pending = self._pending, []
        for event in pending:
            if isinstance(event, told.Surveyed):
                event.risk.take(event.findings)
                self._results.add(len(event.findings))
            else:
                event.risk.take_diagnoses(event.diagnoses)
                self._results.add(len(event.diagnoses))
        if pending:
            self._show()
            took = time.monotonic() - started + self.query_one(RiskPlot).painted_in
            self._pause = max(SHORTEST_PAUSE, SHARE * took)

    @on(told.WorkEnded)
    def take_end(self, event: told.WorkEnded) -> None:
        """Begin what waited for this."""
        self._take_pending()
        if event.risk is self._risk:
            self._working.discard(event.lane)
            self._go_on()
            self._show()

    def action_give_up(self) -> None:
        """Stop measuring; what is known stays."""
        self._stop_work()
        self._is_stopped = True
        self._take_pending()
        self._show()

    def action_go_on(self) -> None:
        """Go on measuring."""
        self._is_stopped = False
        self._go_on()
        self._show()

    # Showing

    def _show(self) -> None:
        risk = self._risk
        if risk is None:
            return
        from tensorpeek.tui.risk.what_if import health_words, progress_words, what_if_words

        self.set_class(self._page == "health", "-health")
        self.query_one(SchemeLine).show_scheme(self.scheme)
        words = what_if_words(risk, self.scheme, self.size.width - 2)
        self.query_one("#what-if", Static).update(Text(words), layout=False)
        self.query_one(RiskPlot).show_page(risk, self.scheme, self._page, self._cursor)
        state = "stopped" if self._is_stopped else "…" if self._working else ""
        words = progress_words(risk, self.scheme, self._cursor, state)
        if self._page == "health":
            words = health_words(risk, self._cursor, ascii_only=self._ascii_only) or words
        self.query_one(CursorLine).show_words(words)
        self._show_details(risk)
        self.refresh_bindings()

    def _show_details(self, risk: ModelRisk) -> None:
        from tensorpeek.tui.risk.details import place_sections, worst_section

        cursor = self._cursor
        name = "" if cursor is None else risk.tensors[cursor].name
        sections = [] if cursor is None else place_sections(risk, cursor, self.scheme)
        marks = risk.marks(self.scheme)
        sections.append(worst_section(risk, marks, ascii_only=self._ascii_only))
        self.query_one(StatisticsPanel).show_statistics(name, sections)

    def show_note(self, words: str, *, is_error: bool = False) -> None:
        """Show words instead of a model."""
        self._stop_work()
        self._risk = None
        style = self.app.theme_variables["error"] if is_error else ""
        self.query_one(RiskPlot).show_note(Text(words, style))
        self.query_one("#what-if", Static).update("", layout=False)
        self.query_one(CursorLine).show_words("")
        self.query_one(StatisticsPanel).show_statistics("", [])

    # Keys

    @on(told.CursorMoved)
    def move_cursor(self, event: told.CursorMoved) -> None:
        """Go to another tensor in the order of the page."""
        order = self._order()
        if not order:
            return
        cursor = self._cursor
        place = order.index(cursor) + event.steps if cursor in order else 0
        if event.to_end is not None:
            place = event.to_end * (len(order) - 1)
        self._choose(order[min(max(place, 0), len(order) - 1)])

    @on(told.PlaceChosen)
    def take_place(self, event: told.PlaceChosen) -> None:
        """Go to the tensor that was clicked."""
        self._choose(event.place)

    def _order(self) -> list[int]:
        from tensorpeek.tui.risk.dashboard_picture import health_order
        from tensorpeek.tui.risk.rankings import ranking_of

        if self._risk is None:
            return []
        if self._page == "scatter":
            return [mark.place for mark in self._risk.marks(self.scheme)]
        if self._page == "health":
            return health_order(self._risk)
        return [row.place for row in ranking_of(self._risk, self._page).rows]

    def _choose(self, place: int) -> None:
        if self._risk is None:
            return
        tensor = self._risk.tensors[place]
        self._choice.choose_layer(tensor.layer)
        self._choice.choose_tensor(tensor.name)
        self._show_layer()

    def action_page(self, step: int) -> None:
        """Turn to another page."""
        self._page = PAGES[(PAGES.index(self._page) + step) % len(PAGES)]
        self._show()

    def action_grid(self, step: int) -> None:
        """Try another grid."""
        self._try(self.scheme.with_grid(step))

    def action_unit(self, step: int) -> None:
        """Let more or fewer values share a scale."""
        if self.scheme.has_free_unit:
            self._try(self.scheme.with_granularity(step))

    def action_symmetry(self) -> None:
        """Try integers of the other kind."""
        if self.scheme.is_integer:
            self._try(self.scheme.with_other_kind())

    @on(SchemeLine.Clicked)
    def take_scheme(self, event: SchemeLine.Clicked) -> None:
        """Try what was clicked."""
        self._try(event.scheme)

    def _try(self, scheme: Scheme) -> None:
        self._scheme = scheme
        if jobs.SURVEY in self._working:
            self._background.cancel(jobs.SURVEY)
            self._working.discard(jobs.SURVEY)
        self._is_stopped = False
        self._go_on()
        self._show()

    def action_everything(self) -> None:
        """Show matrices only, or all tensors."""
        if self._risk is not None and self._risk.has_both:
            self._risk.everything = not self._risk.everything
            self._stop_work()
            self._go_on()
            self._show()

    async def action_open(self) -> None:
        """Open the tensor under the cursor in the histogram."""
        await self.action_show("histogram")

    def action_statistics(self) -> None:
        """Turn the page of a narrow screen: the picture or the details."""
        self.toggle_class("-statistics")

    def shown_text(self) -> str:
        """Return the measures of all tensors in question as a table."""
        if self._risk is None:
            return ""
        from tensorpeek.tui.risk.table import risk_table

        order = dict.fromkeys([*self._order(), *self._risk.places])
        return risk_table(self._risk, self.scheme, list(order))

    def command_text(self) -> str:
        """Return the command that measures all this."""
        path = self._choice.path
        if path is None:
            return ""
        words = ["tensorpeek", "scan", str(path), "--metrics"]
        words.append("basic,sparsity,quantization,spectral")
        grid = self.scheme.grid
        widths = dict.fromkeys(["8", "4", *([grid[3:]] if self.scheme.is_integer else [])])
        return shlex.join([*words, "--bits", ",".join(widths)])
