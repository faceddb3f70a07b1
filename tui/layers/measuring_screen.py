"""The part of the screen that measures: what is in sight first, and tells how far it has come."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from textual import on
from textual.css.query import NoMatches
from textual.widgets import Static

from tensorpeek.tui.layers import messages as told
from tensorpeek.tui.layers.agenda import Agenda, Sight
from tensorpeek.tui.layers.arrangement import Arrangement
from tensorpeek.tui.layers.columns import Kind
from tensorpeek.tui.layers.jobs import measure_all, prepare
from tensorpeek.tui.layers.layer_table import LayerTable
from tensorpeek.tui.layers.model_table import ModelTable
from tensorpeek.tui.layers.status_text import (
    at_both_ends,
    module_text,
    progress_text,
    tensor_text,
    totals_text,
)
from tensorpeek.tui.screens.tab_screen import TabScreen
from tensorpeek.tui.session import Session

if TYPE_CHECKING:
    from tensorpeek.loaders import Model

REST = 1.0
"""Seconds at least between two times that arriving measures put the lines into a new order."""

PATIENCE_FACTOR = 20
"""How many times as long as putting them into order took the lines then rest."""


class MeasuringScreen(TabScreen):
    """Keeps what was measured of each model, and has the rest measured while one looks."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._models: WeakKeyDictionary[Model, ModelTable] = WeakKeyDictionary()
        self._model: Model | None = None
        self._known: ModelTable | None = None
        self._arrangement: Arrangement | None = None
        self._agenda: Agenda | None = None
        self._is_paused = False
        self._is_stale = False
        self._under_way = ""
        self._rests_until = 0.0
        self._stays_on_top = False

    @property
    def _table(self) -> LayerTable:
        return self.query_one(LayerTable)

    @property
    def _shown(self) -> Arrangement | None:
        """The arrangement, None while another model is chosen that is not open yet."""
        return self._arrangement if self._model is self._choice.model else None

    def leave(self) -> None:
        """Stop measuring: another screen takes over."""
        super().leave()
        self._agenda = None

    def _go_to_model(self, path: Path) -> None:
        self._agenda = None
        super()._go_to_model(path)

    def _forget_model(self) -> None:
        """Show no model any more."""
        self._background.cancel("measure")
        self._model = self._known = self._arrangement = self._agenda = None

    # Measuring

    def _look_up(self, model: Model) -> ModelTable:
        """Return what is known of a model."""
        if model not in self._models:
            self._models[model] = ModelTable(model)
        return self._models[model]

    def _prepare(self) -> None:
        """Have the lists of the model made."""
        if self._known is not None and not self._known.inventory.is_prepared:
            self._background.submit("prepare", prepare(self._known.inventory))

    @on(told.Prepared)
    def take_lists(self) -> None:
        """Show the totals."""
        self._show_status()

    @on(told.SightChanged)
    def measure_sight(self) -> None:
        """Have measured what is in sight, then the rest."""
        known, shown = self._known, self._shown
        if known is None or shown is None or self._is_away:
            return
        sight = self._sight(shown)
        if self._agenda is not None:
            self._agenda.look(sight)  # if it is over, what it found last is still to come
        elif self._is_wanted(sight):
            self._agenda = known.agenda(shown.ledger, sight)
            view = self._choice.wished_view
            job = measure_all(known.inventory, shown.ledger, view, self._agenda, self._session)
            self._background.submit("measure", job)
        self._show_status()

    def _sight(self, shown: Arrangement) -> Sight:
        return Sight(
            self._table.places_in_sight(),
            self._kinds(),
            frozenset(shown.ledger.asked),
            is_patient=self._is_paused,
        )

    def _kinds(self) -> frozenset[Kind]:
        return self._table.kinds_in_sight() | {"figures"}

    def _is_wanted(self, sight: Sight) -> bool:
        """Whether anything is left to measure."""
        if self._known is None or self._arrangement is None:
            return False
        ledger = self._arrangement.ledger
        if self._is_paused and not ledger.asked:
            places = sight.places
            return any(not ledger.is_known(kind, at) for kind in sight.kinds for at in places)
        wanted = self._known.wanted(ledger, sight.kinds)
        return any(ledger.counts[kind] < count for kind, count in wanted.items())

    @on(told.Measured)
    def take_measures(self, event: told.Measured) -> None:
        """Keep what was measured, and show it where it is in sight."""
        for found in event.found:
            event.ledger.take(found)
        shown = self._arrangement
        if shown is None or event.ledger is not shown.ledger:
            return
        self._under_way = ""
        self._table.refresh_places({found.place for found in event.found})
        if shown.depends_on_measures and event.found:
            self._arrange_in_time(is_over=event.is_over)
        self._show_detail()
        if event.is_over:
            self._agenda = None
            self.measure_sight()
        self._show_status()

    @on(told.Measuring)
    def show_measuring(self, event: told.Measuring) -> None:
        """Say how far a large tensor has come."""
        self._under_way = f"({event.share:.0%} of one)"
        self._show_status()

    def _arrange_in_time(self, *, is_over: bool = False) -> None:
        """Put the lines into their new order, but not so often that keys would have to wait."""
        now = time.monotonic()
        self._is_stale = True
        if self._is_away:
            return  # another screen has the choice now
        if not is_over and now < self._rests_until:
            self.set_timer(self._rests_until - now, self._arrange_late, name="arrange")
            return
        self._arrange_again()
        took = time.monotonic() - now
        self._rests_until = time.monotonic() + max(REST, PATIENCE_FACTOR * took)

    def _arrange_late(self) -> None:
        if self._is_stale and self._shown is not None and time.monotonic() >= self._rests_until:
            with suppress(NoMatches):  # the app is closing
                self._arrange_in_time()

    def _arrange_again(self) -> None:
        """Filter and sort anew; the cursor stays on its tensor, or on top after sorting."""
        shown, table = self._arrangement, self._table
        if shown is None:
            return
        line, offset = table.cursor_line, table.cursor_offset
        self._is_stale = False
        shown.arrange()
        found = None if self._stays_on_top else shown.find(line)
        if found is None:
            table.rearranged(0 if self._stays_on_top else table.cursor)
            self._follow_cursor()
        else:
            table.rearranged(found, offset=offset)

    def _follow_cursor(self) -> None:
        """Choose the tensor at the cursor."""
        raise NotImplementedError

    # Showing

    def _show_status(self) -> None:
        shown, known = self._arrangement, self._known
        line = self.query_one("#layers-totals", Static)
        if shown is None or known is None:
            line.update("", layout=False)
            return
        wanted = known.wanted(shown.ledger, self._kinds())
        progress = progress_text(
            shown.ledger,
            wanted,
            is_paused=self._is_paused,
            tensor=self._under_way,
            ascii_only=self._ascii_only,
        )
        if known.inventory.has_views:
            progress = f"{self._choice.wished_view} view  {progress}"
        width, colors = self.size.width - 2, self.app.theme_variables
        room = width - len(progress) - 2
        totals = totals_text(shown, room) if known.inventory.is_prepared else "adding up …"
        line.update(at_both_ends(totals, progress, width, colors), layout=False)

    def _show_detail(self) -> None:
        """Describe the tensor at the cursor."""
        shown, line = self._arrangement, self._table.cursor_line
        detail = self.query_one("#layers-detail", Static)
        if shown is None or line is None:
            detail.update("" if shown is None else "nothing matches the filter", layout=False)
        elif line.place is None:
            detail.update(module_text(shown, line, self.app.theme_variables), layout=False)
        else:
            tensor = shown.inventory.tensors[line.place]
            colors = self.app.theme_variables
            detail.update(tensor_text(tensor, shown.ledger, line.place, colors), layout=False)
