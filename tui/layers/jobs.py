"""The background jobs of the table: make long lists, measure one tensor after the other."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from tensorpeek.tui.background import Job, Work
from tensorpeek.tui.layers.agenda import Agenda, Task
from tensorpeek.tui.layers.inventory import Inventory
from tensorpeek.tui.layers.kept_measures import KeptMeasures
from tensorpeek.tui.layers.ledger import Found, Ledger
from tensorpeek.tui.layers.messages import Measured, Measuring, Prepared
from tensorpeek.tui.session import Session

if TYPE_CHECKING:
    from tensorpeek.analysis import Distribution
    from tensorpeek.analysis.overview import Figures, Weighed
    from tensorpeek.loaders import Tensor, View

URGENT, PATIENT = 0.05, 0.25
"""Seconds between two messages: about lines in sight, about others (each costs bytes over SSH)."""

NAP = 0.005
"""Seconds between two looks whether a key has been followed."""

COSTLY = 1 << 20
"""Elements of a tensor before which what was found so far is told."""

KEPT = 1 << 20
"""Bytes up to which a distribution is kept for other screens: none may drive out all others."""


def prepare(inventory: Inventory) -> Job:
    """Make the lists of an inventory that totals and orders need."""

    def job(work: Work) -> None:
        inventory.prepare()
        work.post(Prepared())

    return job


def measure_all(
    inventory: Inventory, ledger: Ledger, view: View, agenda: Agenda, session: Session
) -> Job:
    """Measure what an agenda says, in ``view`` where a tensor has it, until nothing is left."""

    def job(work: Work) -> None:
        from tensorpeek.loaders import CancelledError

        report, kept = _Report(work, ledger), KeptMeasures(session)
        while not work.stop():
            if agenda.is_resting:
                time.sleep(NAP)
                continue
            task = agenda.take()
            if task is None:
                report.send(is_over=True)
                return
            tensor = inventory.measured[task.place]
            report.before(tensor, is_urgent=agenda.is_urgent(task))

            def stop(task: Task = task) -> bool:
                return work.stop() or agenda.must_give_way(task)

            seen = view_of(tensor, view)
            take = partial(_measure, task, tensor, seen, stop, report)
            try:
                measure = kept.answer(task.kind, tensor, seen, take)
            except CancelledError:
                continue
            agenda.finish(task)
            report.add(Found(task.kind, task.place, measure))

    return job


def view_of(tensor: Tensor, wished: View) -> View:
    """Return the view in which a tensor is measured."""
    return wished if wished in tensor.views else "dequantized"


@dataclass
class _Report:
    """Tells the screen what was found, in bundles."""

    work: Work
    ledger: Ledger
    found: list[Found] = field(default_factory=list)
    sent: float = 0.0
    told: float = field(default_factory=time.monotonic)

    def before(self, tensor: Tensor, *, is_urgent: bool) -> None:
        """Tell what is known before the next measure, if it is time or that will take long."""
        pause = URGENT if is_urgent else PATIENT
        is_due = time.monotonic() - self.sent >= pause or tensor.params > COSTLY
        if self.found and is_due:
            self.send()

    def add(self, found: Found) -> None:
        self.found.append(found)

    def send(self, *, is_over: bool = False) -> None:
        """Tell what was found since the last time."""
        self.work.post(Measured(self.ledger, self.found, is_over))
        self.found, self.sent = [], time.monotonic()

    def progress(self, tensor: Tensor, share: float) -> None:
        """Tell how far a tensor is, at most four times a second."""
        now = time.monotonic()
        if now - self.told >= PATIENT:
            self.told = now
            self.work.post(Measuring(tensor.name, share))


def _measure(
    task: Task, tensor: Tensor, view: View, stop: Callable[[], bool], report: _Report
) -> Figures | Weighed:
    from tensorpeek.analysis.overview import condition_number, int8_sqnr, tensor_figures
    from tensorpeek.tui.known_distributions import known_distributions

    cache = known_distributions()
    known = cache.find(tensor, view)
    if task.kind == "sqnr":
        return int8_sqnr(tensor, view, known=known, stop=stop)
    if task.kind == "condition":
        return condition_number(tensor, view, known=known, stop=stop)
    figures, distribution = tensor_figures(
        tensor,
        view,
        known=known,
        stop=stop,
        progress=lambda share: report.progress(tensor, share),
    )
    if known is None and distribution is not None and _is_to_keep(distribution):
        cache.keep(tensor, view, distribution)
    return figures


def _is_to_keep(distribution: Distribution) -> bool:
    """Whether other screens can use a distribution: those of wide types have no quantiles here."""
    return distribution.exact_at_once and distribution.nbytes <= KEPT
