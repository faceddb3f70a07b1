"""The background jobs of the screen of risk: look at tensors, try a scheme, measure in full."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from tensorpeek.tui.background import Job, Work
from tensorpeek.tui.risk.messages import Examined, Finding, Surveyed, WorkEnded

if TYPE_CHECKING:
    from tensorpeek.analysis import Distribution
    from tensorpeek.analysis.diagnosis import Diagnosis
    from tensorpeek.analysis.diagnosis.error_sums import GridError
    from tensorpeek.analysis.risk import FirstLook, Scheme
    from tensorpeek.loaders import Tensor
    from tensorpeek.tui.kept_results import KeptResults
    from tensorpeek.tui.risk.kept_looks import KeptLooks
    from tensorpeek.tui.risk.model_risk import ModelRisk

BATCH_INTERVAL = 0.2
"""Seconds between two messages with results: each makes the screen paint anew."""

SURVEY, EXAMINE = "survey", "examine"
"""The lanes of this screen."""


def survey(risk: ModelRisk, places: Sequence[int], scheme: Scheme, results: KeptResults) -> Job:
    """Look at tensors and try a scheme on them: those that need no reading first, then by size.

    What was measured in full before, here or by a scan, is told in full.
    """

    def job(work: Work) -> None:
        from tensorpeek.loaders import CancelledError
        from tensorpeek.tui.risk.kept_looks import KeptLooks

        kept, in_question = KeptLooks(results, risk.limits), set(risk.unexamined())
        looking = _Survey(work, risk, scheme, kept)
        batch: list[Finding] = []
        known: dict[int, Diagnosis] = {}
        send = _paced(lambda: _post_all(work, risk, batch, known))
        try:
            for place in _cheapest_first(risk, places, scheme):
                if work.stop():
                    return
                tensor = risk.measured[place]
                diagnosis = kept.find_diagnosis(tensor) if place in in_question else None
                if diagnosis is not None:
                    known[place] = diagnosis
                batch.append(looking.find(place, diagnosis))
                send()
        except CancelledError:
            return
        _post_all(work, risk, batch, known)
        work.post(WorkEnded(risk, SURVEY))

    return job


def examine(risk: ModelRisk, places: Sequence[int], results: KeptResults) -> Job:
    """Measure tensors in full, spectra included, one after the other."""

    def job(work: Work) -> None:
        from tensorpeek.loaders import CancelledError
        from tensorpeek.tui.risk.kept_looks import KeptLooks

        kept = KeptLooks(results, risk.limits)
        batch: dict[int, Diagnosis] = {}
        send = _paced(lambda: _post_diagnoses(work, risk, batch))
        try:
            for place in places:
                if work.stop():
                    return
                batch[place] = kept.diagnose(risk.measured[place], work.stop)
                send()
        except CancelledError:
            return
        _post_diagnoses(work, risk, batch)
        work.post(WorkEnded(risk, EXAMINE))

    return job


def _cheapest_first(risk: ModelRisk, places: Sequence[int], scheme: Scheme) -> list[int]:
    from tensorpeek.analysis.risk import is_instant

    def price(place: int) -> tuple[bool, int]:
        tensor = risk.tensors[place]
        known = risk.distributions.find(tensor, "dequantized")
        return known is None or not is_instant(known, scheme), tensor.params

    return sorted(places, key=price)


@dataclass
class _Survey:
    """Looks at the tensors of a model and tries a scheme on them, for one job."""

    work: Work
    risk: ModelRisk
    scheme: Scheme
    kept: KeptLooks

    def find(self, place: int, diagnosis: Diagnosis | None) -> Finding:
        """Return what is found of a tensor, from its ``diagnosis`` if that is known."""
        from tensorpeek.analysis.diagnosis import UnmeasurableError
        from tensorpeek.loaders import LoadError

        tensor = self.risk.measured[place]
        if tensor.error is not None:
            return Finding(place, reason=tensor.error, is_unreadable=True)
        look = self.risk.looks.get(place) or _look_of(diagnosis)
        try:
            look = look or self.kept.look(tensor, partial(self._look, tensor))
            ratio = self._ratio(tensor, diagnosis)
        except LoadError as error:
            return Finding(place, reason=error.reason, is_unreadable=True)
        except UnmeasurableError as error:
            return Finding(place, look, self.scheme.key, reason=error.reason)
        return Finding(place, look, self.scheme.key, ratio)

    def _ratio(self, tensor: Tensor, diagnosis: Diagnosis | None) -> float | None:
        from tensorpeek.analysis.risk import known_errors

        tried = None if diagnosis is None else known_errors(diagnosis).get(self.scheme.key)
        if tried is None:
            tried = self.kept.trial(tensor, self.scheme, partial(self._try, tensor))
        return tried.sqnr_db

    def _look(self, tensor: Tensor) -> FirstLook:
        from tensorpeek.analysis.risk import first_look

        distribution = self._distribution(tensor)
        return first_look(tensor, distribution=distribution, stop=self.work.stop)[0]

    def _try(self, tensor: Tensor) -> GridError:
        from tensorpeek.analysis.risk import trial_error

        return trial_error(tensor, self._distribution(tensor), self.scheme, stop=self.work.stop)

    def _distribution(self, tensor: Tensor) -> Distribution:
        """Return the distribution of a tensor, measured if it is not known."""
        from tensorpeek.analysis import measure

        known = self.risk.distributions.find(tensor, "dequantized")
        if known is None:
            known = measure(tensor, stop=self.work.stop)
            self.risk.distributions.keep(tensor, "dequantized", known)
        return known


def _look_of(diagnosis: Diagnosis | None) -> FirstLook | None:
    from tensorpeek.analysis.risk import FirstLook

    if diagnosis is None or diagnosis.summary is None:
        return None
    return FirstLook(diagnosis.summary, diagnosis.outliers)


def _post_all(
    work: Work, risk: ModelRisk, batch: list[Finding], known: dict[int, Diagnosis]
) -> None:
    _post_findings(work, risk, batch)
    _post_diagnoses(work, risk, known)


def _post_findings(work: Work, risk: ModelRisk, batch: list[Finding]) -> None:
    if batch:
        work.post(Surveyed(risk, batch.copy()))
        batch.clear()


def _post_diagnoses(work: Work, risk: ModelRisk, batch: dict[int, Diagnosis]) -> None:
    if batch:
        work.post(Examined(risk, batch.copy()))
        batch.clear()


def _paced(send: Callable[[], None]) -> Callable[[], None]:
    """Return a function that sends at most five times a second, the first time at once."""
    last = -BATCH_INTERVAL

    def paced() -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= BATCH_INTERVAL:
            last = now
            send()

    return paced
