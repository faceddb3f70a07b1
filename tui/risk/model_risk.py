"""What is known of the risk of a model; no widget, no file."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, TypeVar, cast

from tensorpeek.analysis import DistributionCache
from tensorpeek.analysis.diagnosis import Severity, Thresholds
from tensorpeek.analysis.diagnosis.conv1d import with_outputs_known
from tensorpeek.analysis.risk import FirstLook, Scheme, grade, known_errors, worst_grade
from tensorpeek.tui.risk.marks import Mark, RankedMarks, Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from tensorpeek.analysis.diagnosis import Diagnosis
    from tensorpeek.loaders import Model, Tensor
    from tensorpeek.tui.risk.messages import Finding


KEPT = 128 << 20
"""Bytes of tables that are kept of a model: schemes with one scale are answered from them."""

Answer = TypeVar("Answer")


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
        self._broken: dict[int, None] = {}
        self._answers: dict[str, tuple[object, object]] = {}
        self._marks = RankedMarks()
        self._marks_of: object = None
        self._unmarked: list[int] = []

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

    @cached_property
    def measured(self) -> list[Tensor]:
        """The tensors as a scan measures them: GPT-2's as what they are."""
        return with_outputs_known(self.tensors, self.tensors)

    @property
    def has_both(self) -> bool:
        """Whether there are matrices and other tensors."""
        return 0 < len(self._matrices) < len(self.tensors)

    @cached_property
    def _all(self) -> range:
        return range(len(self.tensors))

    @cached_property
    def _matrices_as_set(self) -> frozenset[int]:
        return frozenset(self._matrices)

    @property
    def places(self) -> Sequence[int]:
        """The tensors in question: the matrices, or all where there are none or all are wanted."""
        return self._all if self.everything or not self._matrices else self._matrices

    @property
    def _in_question(self) -> Collection[int]:
        """The same places, to be asked whether one is among them."""
        return self._all if self.places is self._all else self._matrices_as_set

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
        self._unmarked += [finding.place for finding in findings]
        for finding in findings:
            if finding.is_unreadable:
                self.failures[finding.place] = finding.reason or "cannot be read"
                continue
            if finding.look is not None:
                self.looks[finding.place] = finding.look
                if finding.look.broken:
                    self._broken[finding.place] = None
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
        self._unmarked += diagnoses

    def surveyed(self, scheme: Scheme) -> int:
        """Return how many tensors in question have an answer for a scheme."""
        marked, shown = len(self.marks(scheme)), self._in_question
        failed = (place for place in self.failures if place in shown)
        return marked + sum(place not in self._marks for place in failed)

    def examined(self) -> int:
        """Return how many tensors in question were measured in full."""
        known = self.diagnoses.keys() | self.failures.keys()
        return self.kept("examined", lambda: sum(place in known for place in self.places))

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
        """Return the marks of all tensors in question that are known, worst first.

        The same list is returned until there are others.
        """
        asked = (scheme.key, self.everything)
        if self._marks_of != asked:
            self._marks_of, self._marks, self._unmarked = asked, RankedMarks(), [*self.places]
        if self._unmarked:
            shown = self._in_question
            found = (self._mark(place, scheme.key) for place in self._unmarked if place in shown)
            self._marks.add(mark for mark in found if mark is not None)
            self._unmarked = []
        return self._marks.ranked

    def tally(self, scheme: Scheme) -> Tally:
        """Return how many tensors in question fall below the last limit, and which is the worst."""
        self.marks(scheme)
        return self._marks.tally(self.limits.sqnr_db[-1])

    def broken_elsewhere(self) -> list[int]:
        """Return the tensors that are not in question and have NaN or infinities."""
        return [place for place in self._broken if place not in self._in_question]

    def kept(self, name: str, make: Callable[[], Answer]) -> Answer:
        """Return what ``make`` gives, asked once until more is known or another is in question."""
        state = (self.version, self.everything)
        known = self._answers.get(name)
        if known is None or known[0] != state:
            known = self._answers[name] = (state, make())
        return cast("Answer", known[1])
