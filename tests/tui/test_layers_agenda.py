"""What is measured next: what is in sight, cheap before costly, the rest at the end."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tensorpeek.tui.layers.agenda import Agenda, Sight, Task
from tensorpeek.tui.layers.columns import KINDS, Kind

ALL = frozenset(KINDS)


def agenda(count: int, sight: Sight, hard: frozenset[int] = frozenset()) -> Agenda:
    known = {kind: bytearray(count) for kind in KINDS}
    return Agenda(count, known, lambda place: place not in hard, sight)


def rest(agenda: Agenda) -> list[tuple[Kind, int]]:
    """All tasks until the end."""
    tasks = []
    while (task := agenda.take()) is not None:
        tasks.append((task.kind, task.place))
        agenda.finish(task)
    return tasks


def test_what_is_in_sight_comes_first_and_cheap_measures_before_costly_ones() -> None:
    found = rest(agenda(4, Sight((2, 3), ALL)))
    assert found[:6] == [(kind, place) for kind in KINDS for place in (2, 3)]
    assert found[6:] == [(kind, place) for kind in KINDS for place in (0, 1)]


def test_only_the_kinds_in_sight_are_measured() -> None:
    assert rest(agenda(3, Sight((1,)))) == [("figures", 1), ("figures", 0), ("figures", 2)]


def test_costly_spectra_wait_until_they_are_asked_for() -> None:
    sight = Sight((0, 1), frozenset({"condition"}))
    known = agenda(3, sight, hard=frozenset({0, 2}))
    assert rest(known) == [("condition", 1)]
    asked = Sight((0, 1), frozenset({"figures"}), asked=frozenset({2}))
    tasks = rest(agenda(3, asked, hard=frozenset({0, 2})))
    assert tasks == [("figures", 0), ("figures", 1), ("condition", 2), ("figures", 2)]


def test_a_patient_sight_leaves_the_rest_alone() -> None:
    assert rest(agenda(9, Sight((4,), is_patient=True))) == [("figures", 4)]


def test_looking_elsewhere_changes_what_comes_next() -> None:
    known = agenda(100, Sight((0, 1)))
    first = known.take()
    assert first == Task("figures", 0)
    assert not known.must_give_way(first)
    known.look(Sight((50,)))
    assert known.must_give_way(first)
    assert known.take() == Task("figures", 50)
    known.finish(Task("figures", 50))
    assert not known.must_give_way(first)


def test_what_was_not_finished_comes_again() -> None:
    known = agenda(2, Sight())
    assert [known.take() for _ in range(3)] == [Task("figures", 0)] * 3


@given(
    count=st.integers(0, 12),
    sights=st.lists(
        st.tuples(
            st.lists(st.integers(0, 11), max_size=4, unique=True),
            st.sets(st.sampled_from(KINDS)),
            st.sets(st.integers(0, 11), max_size=3),
        ),
        min_size=1,
        max_size=5,
    ),
    hard=st.frozensets(st.integers(0, 11)),
)
def test_everything_is_measured_once_however_one_looks_around(
    count: int, sights: list[tuple[list[int], set[Kind], set[int]]], hard: frozenset[int]
) -> None:
    made = [
        Sight(
            tuple(place for place in places if place < count),
            frozenset(kinds | {"figures"}),
            frozenset(place for place in asked if place < count),
        )
        for places, kinds, asked in sights
    ]
    known, found = agenda(count, made[0], hard), []
    for sight in made:
        known.look(sight)
        task = known.take()
        if task is not None:
            known.finish(task)
            found.append((task.kind, task.place))
    last = made[-1]
    found += rest(known)
    assert len(found) == len(set(found))
    wanted = {("figures", place) for place in range(count)}
    if "condition" in last.kinds:
        wanted |= {("condition", place) for place in range(count) if place not in hard}
    wanted |= {("condition", place) for place in last.asked}
    assert wanted <= set(found)
