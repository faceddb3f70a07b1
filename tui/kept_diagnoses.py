"""Diagnoses among the kept results: those of a scan for the screens, and the reverse."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tensorpeek.tui.kept_results import KeptResults

if TYPE_CHECKING:
    from tensorpeek.analysis.diagnosis import Diagnosis, Request
    from tensorpeek.analysis.stopping import Stop
    from tensorpeek.loaders import Tensor


class KeptDiagnoses:
    """Diagnoses as a request asks for them; for background threads."""

    def __init__(self, results: KeptResults, request: Request) -> None:
        from tensorpeek.analysis.diagnosis.kept_diagnosis import diagnosis_options

        self._results = results
        self._request = request
        self._options = diagnosis_options(request)

    def find(self, tensor: Tensor) -> Diagnosis | None:
        """Return what a scan, or a screen, has found of a tensor; None if there is nothing."""
        from tensorpeek.analysis.diagnosis import Diagnosis

        return self._results.find(self._results.key(tensor, self._options), Diagnosis)

    def diagnose(self, tensor: Tensor, stop: Stop) -> Diagnosis:
        """Return what was found, else measure it. Raises CancelledError."""
        from tensorpeek.analysis.diagnosis import Diagnosis, diagnose
        from tensorpeek.analysis.diagnosis.kept_diagnosis import is_lasting

        def measure() -> Diagnosis:
            return diagnose(tensor, self._request, stop=stop)

        return self._results.answer(tensor, self._options, Diagnosis, measure, is_lasting)


def usual_request(thresholds: Mapping[str, Any]) -> Request:
    """Return what a scan measures unless told otherwise, judged by the limits of the settings.

    Wrong limits are the default ones: the screen of risk says what is wrong with them.
    """
    from tensorpeek.analysis.diagnosis import Request
    from tensorpeek.analysis.diagnosis.thresholds import check_thresholds

    try:
        return Request(thresholds=check_thresholds(thresholds))
    except ValueError:
        return Request()
