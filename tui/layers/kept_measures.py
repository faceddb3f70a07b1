"""The measures of the table among the kept results: those of the table, and those of a scan."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from tensorpeek.tui.kept_diagnoses import KeptDiagnoses, usual_request
from tensorpeek.tui.kept_results import WORTH_KEEPING
from tensorpeek.tui.layers.columns import Kind
from tensorpeek.tui.session import Session

if TYPE_CHECKING:
    from tensorpeek.analysis.diagnosis import Diagnosis
    from tensorpeek.analysis.overview import Figures, Weighed
    from tensorpeek.analysis.result_cache import ResultKey
    from tensorpeek.loaders import Tensor, View

Measure: TypeAlias = "Figures | Weighed"

SPECTRUM = WORTH_KEEPING >> 4
"""Elements from which a spectrum, which costs more than a pass, is worth keeping."""


class KeptMeasures:
    """What is known of the tensors of a table; for background threads."""

    def __init__(self, session: Session) -> None:
        self._results = session.results
        self._diagnoses = KeptDiagnoses(session.results, usual_request(session.settings.thresholds))

    def answer(
        self, kind: Kind, tensor: Tensor, view: View, measure: Callable[[], Measure]
    ) -> Measure:
        """Return a measure that is kept, else take it and keep it."""
        if not _is_worth_keeping(kind, tensor):
            return measure()
        key = self._results.key(tensor, {"measure": f"table {kind}", "view": view})
        if key is None:
            return measure()
        found = self._find(key, kind, tensor, view)
        if found is not None:
            return found
        found = measure()
        if _is_lasting(found):
            self._results.keep(key, found)
        return found

    def _find(self, key: ResultKey, kind: Kind, tensor: Tensor, view: View) -> Measure | None:
        from tensorpeek.analysis.overview import Figures, Weighed

        made: Measure | None
        if kind == "figures":
            made = self._results.find(key, Figures)
        else:
            made = self._results.find(key, Weighed)
        if made is not None or view != "dequantized":
            return made
        diagnosis = self._diagnoses.find(tensor)
        return None if diagnosis is None else _taken_from(diagnosis, kind, tensor)


def _is_worth_keeping(kind: Kind, tensor: Tensor) -> bool:
    from tensorpeek.analysis.diagnosis.weight_matrix import channel_axis

    if kind == "condition":
        return tensor.params >= SPECTRUM and channel_axis(tensor) is not None
    return tensor.params >= WORTH_KEEPING


def _is_lasting(measure: Measure) -> bool:
    """Whether a measure is there: what could not be read is tried again another time."""
    from tensorpeek.analysis.overview import Weighed

    return measure.value is not None if isinstance(measure, Weighed) else measure.error is None


def _taken_from(diagnosis: Diagnosis, kind: Kind, tensor: Tensor) -> Measure | None:
    from tensorpeek.analysis.overview import known_condition, known_figures, known_sqnr

    if kind == "figures":
        return known_figures(tensor, diagnosis)
    return known_sqnr(tensor, diagnosis) if kind == "sqnr" else known_condition(diagnosis)
