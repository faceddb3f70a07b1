"""What the screen of risk needs among the kept results: first looks, trials, diagnoses."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tensorpeek.tui.kept_diagnoses import KeptDiagnoses
from tensorpeek.tui.kept_results import WORTH_KEEPING, KeptResults

if TYPE_CHECKING:
    from tensorpeek.analysis.diagnosis import Diagnosis, Thresholds
    from tensorpeek.analysis.diagnosis.error_sums import GridError
    from tensorpeek.analysis.risk import FirstLook, Scheme
    from tensorpeek.analysis.stopping import Stop
    from tensorpeek.loaders import Tensor


class KeptLooks:
    """What is known of tensors, and else measured and kept; for background threads."""

    def __init__(self, results: KeptResults, limits: Thresholds) -> None:
        from tensorpeek.analysis.diagnosis import Request

        self._results = results
        self._diagnoses = KeptDiagnoses(results, Request(thresholds=limits))

    def find_diagnosis(self, tensor: Tensor) -> Diagnosis | None:
        """Return a diagnosis that is kept."""
        return self._diagnoses.find(tensor)

    def diagnose(self, tensor: Tensor, stop: Stop) -> Diagnosis:
        """Return the diagnosis of a tensor."""
        return self._diagnoses.diagnose(tensor, stop)

    def look(self, tensor: Tensor, take: Callable[[], FirstLook]) -> FirstLook:
        """Return the first look at a tensor, which ``take`` gives when none is kept."""
        from tensorpeek.analysis.risk import FirstLook

        if tensor.params < WORTH_KEEPING:
            return take()
        return self._results.answer(tensor, {"measure": "first look"}, FirstLook, take)

    def trial(self, tensor: Tensor, scheme: Scheme, take: Callable[[], GridError]) -> GridError:
        """Return what a scheme costs a tensor, which ``take`` gives when none is kept."""
        from tensorpeek.analysis.diagnosis.error_sums import GridError

        if tensor.params < WORTH_KEEPING:
            return take()
        options = {"measure": "trial", "scheme": list(scheme.key)}
        return self._results.answer(tensor, options, GridError, take)
