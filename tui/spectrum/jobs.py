"""The background job of the screen of singular values."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING

from tensorpeek.tui.background import Job, Work
from tensorpeek.tui.question import Subject
from tensorpeek.tui.spectrum.messages import SpectrumFound, SpectrumProgressed, SpectrumRefused

if TYPE_CHECKING:
    from tensorpeek.loaders import Tensor

_ONE_AT_A_TIME = threading.Lock()
"""The algebra cannot be interrupted: what was given up must end before the next one begins."""


def compute_spectrum(tensor: Tensor, subject: Subject, *, huge: bool) -> Job:
    """Compute the singular values of a tensor."""

    def job(work: Work) -> None:
        while not _ONE_AT_A_TIME.acquire(timeout=0.05):
            if work.stop():
                return
        try:
            _compute(work, tensor, subject, huge=huge)
        finally:
            _ONE_AT_A_TIME.release()

    return job


def _compute(work: Work, tensor: Tensor, subject: Subject, *, huge: bool) -> None:
    from tensorpeek.analysis.diagnosis import UnmeasurableError
    from tensorpeek.analysis.diagnosis.full_spectrum import full_spectrum
    from tensorpeek.loaders import CancelledError, LoadError

    if work.stop():
        return
    try:
        found = full_spectrum(
            tensor,
            subject.view,
            huge=huge,
            stop=work.stop,
            progress=work.paced(partial(SpectrumProgressed, subject)),
        )
    except UnmeasurableError as error:
        work.post(SpectrumRefused(subject, error.reason, is_error=False))
    except LoadError as error:
        work.post(SpectrumRefused(subject, error.reason, is_error=True))
    except CancelledError:
        return
    else:
        work.post(SpectrumFound(subject, found))
