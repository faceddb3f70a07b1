"""The screen of singular values: pictures, measures, what noise would have."""

from __future__ import annotations

import shlex
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.timer import Timer
from textual.widget import Widget

from tensorpeek.tui.clipboard_text import exact_pattern
from tensorpeek.tui.keys import FOCUS_KEYS
from tensorpeek.tui.question import Subject
from tensorpeek.tui.screens.choosing_screen import PATIENCE
from tensorpeek.tui.screens.tab_screen import TabScreen
from tensorpeek.tui.session import Session
from tensorpeek.tui.spectrum.jobs import compute_spectrum, find_spectrum
from tensorpeek.tui.spectrum.keys import SPECTRUM_KEYS
from tensorpeek.tui.spectrum.measures import (
    cost_words,
    no_matrix_words,
    spectrum_sections,
    value_words,
)
from tensorpeek.tui.spectrum.messages import (
    IndexHovered,
    SpectrumFound,
    SpectrumMissed,
    SpectrumProgressed,
    SpectrumRefused,
)
from tensorpeek.tui.spectrum.plot import KINDS, EnergyPlot, SpectrumPlot
from tensorpeek.tui.statistics_table import Section, statistics_text
from tensorpeek.tui.widgets.cursor_line import CursorLine
from tensorpeek.tui.widgets.pickers import Pickers
from tensorpeek.tui.widgets.statistics_panel import StatisticsPanel

if TYPE_CHECKING:
    from tensorpeek.analysis.diagnosis.full_spectrum import FullSpectrum, SpectrumCost
    from tensorpeek.loaders import Tensor

AUTOMATIC = 4.0
"""Seconds of work that begin without being asked for: stepping through layers must stay quick."""

KEPT = 64
"""Spectra that are kept: coming back to one is instant."""

ROOMY = 30
"""Lines of a terminal from which the energy has a picture of its own."""


class SpectrumScreen(TabScreen):
    """Computes the spectrum of the chosen tensor and shows it."""

    NAME = "spectrum"
    CSS_PATH = "spectrum.tcss"
    MAIN_TYPE: ClassVar[type[Widget]] = SpectrumPlot
    BINDINGS: ClassVar[list[BindingType]] = [*SPECTRUM_KEYS, *FOCUS_KEYS]

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._kind = KINDS[0]
        self._log = True
        self._by_median = False
        self._kept: dict[Subject, tuple[Tensor, FullSpectrum]] = {}
        self._drawn: Subject | None = None
        self._computing: Subject | None = None
        self._offered: Subject | None = None
        self._started = 0.0
        self._ticking: Timer | None = None

    def compose_body(self) -> ComposeResult:
        """Lay out the pictures, the measures and the line under them."""
        drawn = {"ascii_only": self._ascii_only, "plain": self._session.plain}
        with Horizontal(id="body"):
            with Vertical(id="pictures"):
                yield SpectrumPlot(id="plot", **drawn)
                yield EnergyPlot(id="energy", **drawn)
            yield StatisticsPanel(id="statistics")
        yield CursorLine(id="cursor", markup=False)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Hide keys without use, and leave letters to a field or menu that is being typed in."""
        if action == "statistics" and self.has_class("-wide"):
            return False
        if action == "compute":
            return self._offered is not None and self.focused is self.main_widget
        if action == "give_up":
            return self._computing is not None and self.focused is self.main_widget
        if action in ("log", "noise") and self._kind != {"log": "values"}.get(action, action):
            return False
        return super().check_action(action, parameters)

    # Computing

    def show_tensor(self) -> None:
        """Show the spectrum of the chosen tensor, or what stands in its way."""
        tensor, subject = self._choice.tensor, self._choice.subject
        if tensor is None or subject is None:
            return
        self.query_one(Pickers).tensor_menu.choose(tensor.name)
        self._background.cancel("spectrum")
        self._computing = self._offered = None
        kept = self._kept.get(subject)
        if kept is not None and kept[0] is tensor:
            self._show(subject, kept[1])
        elif tensor.error is not None:
            self._refuse(tensor.error, is_error=True)
        else:
            self._begin(tensor, subject)
        self.refresh_bindings()

    def _begin(self, tensor: Tensor, subject: Subject) -> None:
        from tensorpeek.analysis.diagnosis.full_spectrum import spectrum_cost

        cost = spectrum_cost(tensor, subject.view)
        if cost is None:
            self._refuse(no_matrix_words(tensor))
        elif cost.is_large or cost.seconds > AUTOMATIC:
            self._computing, self._started = subject, time.monotonic()
            find = find_spectrum(tensor, subject, self._session.results)
            self._background.submit("spectrum", find)
        else:
            self._compute(tensor, subject, huge=False)

    @on(SpectrumMissed)
    def offer_spectrum(self, event: SpectrumMissed) -> None:
        """Offer to compute what takes its time."""
        from tensorpeek.analysis.diagnosis.full_spectrum import spectrum_cost

        tensor = self._choice.tensor
        if event.subject != self._computing or tensor is None:
            return
        self._computing = None
        cost = spectrum_cost(tensor, event.subject.view)
        if cost is not None:
            self._offer(event.subject, cost)
        self.refresh_bindings()

    def _offer(self, subject: Subject, cost: SpectrumCost, words: str = "") -> None:
        self._offered = subject
        self._refuse(f"{words}{cost_words(cost)}. Enter computes it.")

    def _compute(self, tensor: Tensor, subject: Subject, *, huge: bool) -> None:
        self._computing, self._offered = subject, None
        self._started = time.monotonic()
        job = compute_spectrum(tensor, subject, self._session.results, huge=huge)
        self._background.submit("spectrum", job)
        self.set_timer(PATIENCE, partial(self._admit_waiting, subject))
        self.refresh_bindings()

    def _admit_waiting(self, subject: Subject) -> None:
        """Take the last picture away when the next one takes its time, and count the seconds."""
        if subject != self._computing:
            return
        self._show_waiting()
        if self._ticking is None:
            self._ticking = self.set_interval(1.0, self._show_waiting)

    def _show_waiting(self) -> None:
        tensor = self._choice.tensor
        if self._computing is None or tensor is None:
            if self._ticking is not None:
                self._ticking.stop()
                self._ticking = None
            return
        from tensorpeek.analysis.diagnosis.full_spectrum import spectrum_cost

        cost = spectrum_cost(tensor, self._computing.view)
        seconds = time.monotonic() - self._started
        words = "" if cost is None else f" {cost_words(cost)}."
        self.show_note(f"computing … {seconds:.0f} s.{words} Escape stops.")
        self._show_rows([])

    @on(SpectrumProgressed)
    def show_progress(self, event: SpectrumProgressed) -> None:
        """Say how far reading has come."""
        if event.subject == self._computing:
            self.query_one(CursorLine).show_words(f"reading … {event.share:.0%}")

    @on(SpectrumFound)
    def take_spectrum(self, event: SpectrumFound) -> None:
        """Keep a spectrum and show it."""
        tensor = self._choice.tensor
        if event.subject != self._computing or tensor is None:
            return
        self._computing = None
        self._kept[event.subject] = (tensor, event.found)
        while len(self._kept) > KEPT:
            del self._kept[next(iter(self._kept))]
        self._show(event.subject, event.found)
        self.refresh_bindings()

    @on(SpectrumRefused)
    def take_refusal(self, event: SpectrumRefused) -> None:
        """Say why there is no spectrum."""
        if event.subject == self._computing:
            self._computing = None
            self._refuse(event.reason, is_error=event.is_error)
            self.refresh_bindings()

    def _refuse(self, reason: str, *, is_error: bool = False) -> None:
        tensor = self._choice.tensor
        name = "" if tensor is None else f"{tensor.name}: "
        self.show_note(f"{name}{reason}", is_error=is_error)
        self._show_rows([])

    def leave(self) -> None:
        """Stop all work: another screen takes over."""
        super().leave()
        self._computing = None

    def action_compute(self) -> None:
        """Compute what was offered."""
        from tensorpeek.analysis.diagnosis.full_spectrum import spectrum_cost

        tensor, subject = self._choice.tensor, self._choice.subject
        cost = None if tensor is None or subject is None else spectrum_cost(tensor, subject.view)
        if tensor is None or subject is None or cost is None or subject != self._offered:
            return
        self._compute(tensor, subject, huge=cost.is_large)

    def action_give_up(self) -> None:
        """Stop computing; the same spectrum is offered again."""
        from tensorpeek.analysis.diagnosis.full_spectrum import spectrum_cost

        tensor, subject = self._choice.tensor, self._computing
        self._background.cancel("spectrum")
        self._computing = None
        cost = None if tensor is None or subject is None else spectrum_cost(tensor, subject.view)
        if subject is not None and cost is not None:
            self._offer(subject, cost, "stopped. ")
        self.refresh_bindings()

    # Showing

    @property
    def _found(self) -> FullSpectrum | None:
        """The spectrum that is on the screen, with the noise that was asked for."""
        found = None if self._drawn is None else self._kept[self._drawn][1]
        if found is None or not self._by_median:
            return found
        return replace(found, bulk=found.median_bulk)

    def _show(self, subject: Subject, found: FullSpectrum) -> None:
        if self._by_median:
            found = replace(found, bulk=found.median_bulk)
        keep = self._drawn == subject
        self._drawn = subject
        self._place_energy()
        plot = self.query_one(SpectrumPlot)
        plot.show_spectrum(found, self._kind, log=self._log, keep_cursor=keep)
        self.query_one(EnergyPlot).show_spectrum(found)
        self.query_one(CursorLine).show_words(value_words(found, plot.cursor))
        self._show_rows(self._sections(found))

    def _sections(self, found: FullSpectrum) -> list[Section]:
        return spectrum_sections(found, by_median=self._by_median)

    def _show_rows(self, sections: list[Section]) -> None:
        tensor = self._choice.tensor
        name = "" if tensor is None else tensor.name
        self.query_one(StatisticsPanel).show_statistics(name, sections)

    @on(events.Resize)
    def _place_energy(self) -> None:
        """Give the energy a picture of its own where there is room."""
        for plot in self.query(EnergyPlot):
            is_roomy = self.app.size.height >= ROOMY and self._drawn is not None
            plot.display = is_roomy and self._kind != "energy"

    def show_note(self, words: str, *, is_error: bool = False) -> None:
        """Show words instead of a spectrum."""
        self._drawn = None
        self._place_energy()
        style = self.app.theme_variables["error"] if is_error else ""
        self.query_one(SpectrumPlot).show_note(Text(words, style))
        self.query_one(CursorLine).show_words("")

    @on(IndexHovered)
    def show_value(self, event: IndexHovered) -> None:
        """Describe the singular value under the cursor."""
        if self._found is not None and event.index < self._found.values.size:
            self.query_one(CursorLine).show_words(value_words(self._found, event.index))

    def _show_again(self) -> None:
        if self._drawn is not None:
            self._show(self._drawn, self._kept[self._drawn][1])
        self.refresh_bindings()

    # Keys

    def action_picture_kind(self, step: int) -> None:
        """Show another picture."""
        self._kind = KINDS[(KINDS.index(self._kind) + step) % len(KINDS)]
        self._show_again()

    def action_log(self) -> None:
        """Change between a linear and a logarithmic axis."""
        self._log = not self._log
        self._show_again()

    def action_noise(self) -> None:
        """Compare with noise of another strength."""
        self._by_median = not self._by_median
        self._show_again()

    def action_statistics(self) -> None:
        """Turn the page of a narrow screen: the picture or the measures."""
        self.toggle_class("-statistics")

    def shown_text(self) -> str:
        """Return the measures."""
        tensor, found = self._choice.tensor, self._found
        if tensor is None or found is None:
            return ""
        return statistics_text(tensor.name, self._sections(found))

    def command_text(self) -> str:
        """Return the command that prints these measures."""
        subject = self._choice.subject
        if subject is None:
            return ""
        words = ["tensorpeek", "scan", str(subject.path), exact_pattern(subject.name)]
        words += ["--metrics", "spectral", "--json"]
        if subject.view == "raw":
            words += ["--view", "raw"]
        return shlex.join(words)
