"""What is known of the risk of a model; no widget, no file."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from tensorpeek.analysis import DistributionCache
from tensorpeek.analysis.diagnosis import SEVERITIES, Severity, Thresholds
from tensorpeek.analysis.risk import FirstLook, Scheme, grade, known_errors, worst_grade

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tensorpeek.analysis.diagnosis import Diagnosis
    from tensorpeek.loaders import Model, Tensor
    from tensorpeek.tui.risk.messages import Finding


KEPT = 128 << 20
"""Bytes of tables that are kept of a model: schemes with one scale are answered from them."""


@dataclass(frozen=True)
class Mark:
    """A tensor as a scatter shows it: SQNR in dB, share of extreme outliers in percent.

    Both are None where there is no such measure; ``severity`` is the worst of their grades.
    """

    place: int
    sqnr_db: float | None
    extreme_percent: float | None
    severity: Severity | None

    @property
    def rank(self) -> tuple[float, ...]:
        """Smaller for what is worse."""
        severity = -1 if self.severity is None else SEVERITIES.index(self.severity)
        ratio = math.inf if self.sqnr_db is None else self.sqnr_db
        return -severity, ratio, -(self.extreme_percent or 0.0), self.place


class ModelRisk:
    """First looks, trials and diagnoses of a model's tensors, by their place in the file."""

    def __init__(self, model: Model, thresholds: Thresholds | None = None) -> None:
        self.model = model
        self.limits = thresholds or Thresholds()
        self.distributions = DistributionCache(KEPT)
        self.looks: dict[int, FirstLook] = {}
        self.diagnoses: dict[int, Diagnosis] = {}
        self.failures: dict[int, str] = {}
        self.ratios: dict[tuple[int, tuple[str, str]], float | None] = {}
        self.everything = False
        self.version = 0
        self._marked: tuple[object, list[Mark]] | None = None

    @cached_property
    def _place_of(self) -> dict[int, int]:
        return {id(tensor): place for place, tensor in enumerate(self.tensors)}

    def place_of(self, tensor: Tensor | None) -> int | None:
        """Return the place of a tensor of the model, None for another one."""
        return None if tensor is None else self._place_of.get(id(tensor))

    @cached_property
    def _matrices(self) -> list[int]:
        tensors = enumerate(self.tensors)
        return [place for place, tensor in tensors if len(tensor.shape) > 1 and tensor.params]

    @property
    def tensors(self) -> Sequence[Tensor]:
        """All tensors, in file order."""
        return self.model.tensors

    @property
    def has_both(self) -> bool:
        """Whether there are matrices and other tensors."""
        return 0 < len(self._matrices) < len(self.tensors)

    @cached_property
    def _all(self) -> list[int]:
        return list(range(len(self.tensors)))

    @property
    def places(self) -> list[int]:
        """The tensors in question: the matrices, or all where there are none or all are wanted."""
        return self._all if self.everything or not self._matrices else self._matrices

    @property
    def noun(self) -> str:
        """What the tensors in question are called."""
        return "tensors" if self.everything or not self._matrices else "matrices"

    def unsurveyed(self, scheme: Scheme) -> list[int]:
        """Return the tensors that were not looked at or on which a scheme was not tried."""
        key = scheme.key
        return [
            place
            for place in self.places
            if ((place, key) not in self.ratios or place not in self.looks)
            and place not in self.failures
        ]

    def unseen(self) -> list[int]:
        """Return the tensors, in question or not, that were not looked at."""
        return [
            place for place in self._all if place not in self.looks and place not in self.failures
        ]

    def unexamined(self) -> list[int]:
        """Return the tensors that were not measured in full, the smallest first."""
        places = [
            place
            for place in self.places
            if place not in self.diagnoses and place not in self.failures
        ]
        return sorted(places, key=lambda place: self.tensors[place].params)

    def take(self, findings: Sequence[Finding]) -> None:
        """Take in what was found by a survey."""
        self.version += 1
        for finding in findings:
            if finding.is_unreadable:
                self.failures[finding.place] = finding.reason or "cannot be read"
                continue
            if finding.look is not None:
                self.looks[finding.place] = finding.look
            if finding.scheme is not None:
                self.ratios[finding.place, finding.scheme] = finding.sqnr_db

    def take_diagnoses(self, diagnoses: dict[int, Diagnosis]) -> None:
        """Take in full measurements, with the errors of all grids that were tried in them."""
        self.version += 1
        for place, diagnosis in diagnoses.items():
            if diagnosis.error is not None:
                self.failures[place] = diagnosis.error
                continue
            self.diagnoses[place] = diagnosis
            for key, error in known_errors(diagnosis).items():
                self.ratios.setdefault((place, key), error.sqnr_db)

    def surveyed(self, scheme: Scheme) -> int:
        """Return how many tensors in question have an answer for a scheme."""
        return len(self.places) - len(self.unsurveyed(scheme))

    def examined(self) -> int:
        """Return how many tensors in question were measured in full."""
        return len(self.places) - len(self.unexamined())

    def mark(self, place: int, scheme: Scheme) -> Mark | None:
        """Return the mark of a tensor, None before it was looked at."""
        return self._mark(place, scheme.key)

    def _mark(self, place: int, key: tuple[str, str]) -> Mark | None:
        look = self.looks.get(place)
        if look is None or (place, key) not in self.ratios:
            return None
        ratio = self.ratios[place, key]
        grades: list[Severity | None] = [
            grade(ratio, self.limits.sqnr_db, falling=True),
            grade(look.extreme_percent, self.limits.extreme_outliers_percent),
            "Critical" if look.broken else None,
        ]
        return Mark(place, ratio, look.extreme_percent, worst_grade(grades))

    def marks(self, scheme: Scheme) -> list[Mark]:
        """Return the marks of all tensors in question that are known, worst first."""
        asked = (self.version, scheme, self.everything)
        if self._marked is None or self._marked[0] != asked:
            key = scheme.key
            known = (self._mark(place, key) for place in self.places)
            marks = sorted((m for m in known if m is not None), key=lambda mark: mark.rank)
            self._marked = (asked, marks)
        return self._marked[1]

    def broken_elsewhere(self) -> list[int]:
        """Return the tensors that are not in question and have NaN or infinities."""
        places = set(self.places)
        return [place for place, look in self.looks.items() if look.broken and place not in places]
