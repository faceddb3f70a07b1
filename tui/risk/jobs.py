"""The background jobs of the screen of risk: look at tensors, try a scheme, measure in full."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from tensorpeek.tui.background import Job, Work
from tensorpeek.tui.risk.messages import Examined, Finding, Surveyed, WorkEnded

if TYPE_CHECKING:
    from tensorpeek.analysis.diagnosis import Diagnosis
    from tensorpeek.analysis.risk import Scheme
    from tensorpeek.tui.risk.model_risk import ModelRisk

BATCH_INTERVAL = 0.2
"""Seconds between two messages with results: each makes the screen paint anew."""

SURVEY, EXAMINE = "survey", "examine"
"""The lanes of this screen."""


def survey(risk: ModelRisk, places: Sequence[int], scheme: Scheme) -> Job:
    """Look at tensors and try a scheme on them: those that need no reading first, then by size."""

    def job(work: Work) -> None:
        from tensorpeek.loaders import CancelledError

        batch: list[Finding] = []
        send = _paced(lambda: _post_findings(work, risk, batch))
        try:
            for place in _cheapest_first(risk, places, scheme):
                if work.stop():
                    return
                batch.append(_look(risk, place, scheme, work))
                send()
        except CancelledError:
            return
        _post_findings(work, risk, batch)
        work.post(WorkEnded(risk, SURVEY))

    return job


def examine(risk: ModelRisk, places: Sequence[int]) -> Job:
    """Measure tensors in full, spectra included, one after the other."""

    def job(work: Work) -> None:
        from tensorpeek.analysis.diagnosis import Request, diagnose
        from tensorpeek.loaders import CancelledError

        request = Request(thresholds=risk.limits)
        batch: dict[int, Diagnosis] = {}
        send = _paced(lambda: _post_diagnoses(work, risk, batch))
        try:
            for place in places:
                if work.stop():
                    return
                batch[place] = diagnose(risk.tensors[place], request, stop=work.stop)
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


def _look(risk: ModelRisk, place: int, scheme: Scheme, work: Work) -> Finding:
    from tensorpeek.analysis.diagnosis import UnmeasurableError
    from tensorpeek.analysis.risk import first_look, trial_error
    from tensorpeek.loaders import LoadError

    tensor = risk.tensors[place]
    if tensor.error is not None:
        return Finding(place, reason=tensor.error, is_unreadable=True)
    look = risk.looks.get(place)
    try:
        distribution = risk.distributions.find(tensor, "dequantized")
        if look is None or distribution is None:
            look, distribution = first_look(tensor, distribution=distribution, stop=work.stop)
            risk.distributions.keep(tensor, "dequantized", distribution)
        tried = trial_error(tensor, distribution, scheme, stop=work.stop)
    except LoadError as error:
        return Finding(place, reason=error.reason, is_unreadable=True)
    except UnmeasurableError as error:
        return Finding(place, look, scheme.key, reason=error.reason)
    return Finding(place, look, scheme.key, tried.sqnr_db)


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
