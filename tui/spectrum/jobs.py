"""The background jobs of the screen of singular values."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING

from tensorpeek.tui.background import Job, Work
from tensorpeek.tui.kept_results import KeptResults
from tensorpeek.tui.question import Subject
from tensorpeek.tui.spectrum.messages import (
    SpectrumFound,
    SpectrumMissed,
    SpectrumProgressed,
    SpectrumRefused,
)

if TYPE_CHECKING:
    from tensorpeek.loaders import Tensor

_ONE_AT_A_TIME = threading.Lock()
"""The algebra cannot be interrupted: what was given up must end before the next one begins."""


def compute_spectrum(tensor: Tensor, subject: Subject, results: KeptResults, *, huge: bool) -> Job:
    """Compute the singular values of a tensor, unless they are kept."""

    def job(work: Work) -> None:
        if _tell_kept(work, tensor, subject, results):
            return
        while not _ONE_AT_A_TIME.acquire(timeout=0.05):
            if work.stop():
                return
        try:
            _compute(work, tensor, subject, results, huge=huge)
        finally:
            _ONE_AT_A_TIME.release()

    return job


def find_spectrum(tensor: Tensor, subject: Subject, results: KeptResults) -> Job:
    """Look whether the singular values of a tensor are kept, and compute nothing."""

    def job(work: Work) -> None:
        if not _tell_kept(work, tensor, subject, results):
            work.post(SpectrumMissed(subject))

    return job


def _options(subject: Subject) -> dict[str, str]:
    return {"measure": "full spectrum", "view": subject.view}


def _tell_kept(work: Work, tensor: Tensor, subject: Subject, results: KeptResults) -> bool:
    from tensorpeek.analysis.diagnosis.full_spectrum import FullSpectrum

    found = results.find(results.key(tensor, _options(subject)), FullSpectrum)
    if found is None:
        return False
    work.post(SpectrumFound(subject, found))
    return True


def _compute(
    work: Work, tensor: Tensor, subject: Subject, results: KeptResults, *, huge: bool
) -> None:
    from tensorpeek.analysis.diagnosis import UnmeasurableError
    from tensorpeek.analysis.diagnosis.full_spectrum import full_spectrum
    from tensorpeek.loaders import CancelledError, LoadError

    if work.stop():
        return
    key = results.key(tensor, _options(subject))
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
        results.keep(key, found)
