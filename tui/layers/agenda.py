"""What to measure next: what is in sight first, then the rest; cheap measures first."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tensorpeek.tui.layers.columns import KINDS, Kind

REST = 0.03
"""Seconds that a key is given to be followed and painted."""


@dataclass(frozen=True)
class Sight:
    """What is looked at: the places of the tensors in sight, and the kinds of their columns.

    ``asked`` are the places whose spectrum was asked for, whatever it costs; ``is_patient`` says
    that what is out of sight is to be left alone.
    """

    places: tuple[int, ...] = ()
    kinds: frozenset[Kind] = frozenset({"figures"})
    asked: frozenset[int] = frozenset()
    is_patient: bool = False


@dataclass(frozen=True)
class Task:
    """Measure one kind of one tensor."""

    kind: Kind
    place: int


class Agenda:
    """Hands tasks to the one thread that measures, and is told by another what is in sight.

    ``known`` has 1 for each tensor that is measured already, by kind; ``easy`` says whether
    the spectrum of the tensor at a place is measured unasked. It ends when nothing is left: then a
    new one is needed.
    """

    def __init__(
        self, count: int, known: dict[Kind, bytearray], easy: Callable[[int], bool], sight: Sight
    ) -> None:
        self._lock = threading.Lock()
        self._count = count
        self._known = known
        self._easy = easy
        self._sight = sight
        self._next: dict[Kind, int] = dict.fromkeys(KINDS, 0)
        self._rests_until = 0.0

    def look(self, sight: Sight) -> None:
        """Take in what is looked at now."""
        with self._lock:
            if sight.asked != self._sight.asked:
                self._next["condition"] = 0
            self._sight = sight

    def rest(self) -> None:
        """Let no task begin for a moment: a key is being followed, and Python has one lock."""
        self._rests_until = time.monotonic() + REST

    @property
    def is_resting(self) -> bool:
        """Whether the next task should wait."""
        return time.monotonic() < self._rests_until

    def take(self) -> Task | None:
        """Return what to measure next, None at the end."""
        with self._lock:
            return next(self._tasks(), None)

    def finish(self, task: Task) -> None:
        """Take in that a task is done."""
        with self._lock:
            self._known[task.kind][task.place] = 1

    def is_urgent(self, task: Task) -> bool:
        """Whether a task is about something in sight."""
        sight = self._sight
        return task.kind in sight.kinds and task.place in sight.places

    def must_give_way(self, task: Task) -> bool:
        """Whether a task that is under way should wait: something in sight is not measured."""
        with self._lock:
            if self.is_urgent(task):
                return False
            return next(self._in_sight(), None) is not None

    def _tasks(self) -> Iterator[Task]:
        yield from self._in_sight()
        yield from self._rest()

    def _in_sight(self) -> Iterator[Task]:
        for kind in self._kinds():
            for place in self._sight.places:
                if self._is_wanted(kind, place):
                    yield Task(kind, place)
        for place in self._sight.asked:
            if not self._known["condition"][place]:
                yield Task("condition", place)

    def _rest(self) -> Iterator[Task]:
        if self._sight.is_patient:
            return
        for kind in self._kinds():
            while self._next[kind] < self._count:
                if self._is_wanted(kind, self._next[kind]):
                    yield Task(kind, self._next[kind])
                    return
                self._next[kind] += 1

    def _kinds(self) -> Sequence[Kind]:
        return [kind for kind in KINDS if kind in self._sight.kinds]

    def _is_wanted(self, kind: Kind, place: int) -> bool:
        if self._known[kind][place]:
            return False
        return kind != "condition" or place in self._sight.asked or self._easy(place)
