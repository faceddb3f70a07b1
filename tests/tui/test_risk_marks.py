"""The marks of a model's tensors while more and more is known of them."""

from __future__ import annotations

import gc
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tensorpeek.analysis.diagnosis import SEVERITIES
from tensorpeek.tui.long_lived import OFTEN, LongLived
from tensorpeek.tui.risk.marks import Mark, RankedMarks

MARKS = st.builds(
    Mark,
    st.integers(0, 15),
    st.none() | st.sampled_from([math.inf, 12.5, 30.0]) | st.floats(-10, 60),
    st.none() | st.floats(0, 100),
    st.none() | st.sampled_from(SEVERITIES),
)


@settings(deadline=None)
@given(st.lists(st.lists(MARKS, max_size=8), max_size=6))
def test_the_order_is_that_of_sorting_all_that_is_known(batches: list[list[Mark]]) -> None:
    ranked, known = RankedMarks(), dict[int, Mark]()
    for batch in batches:
        ranked.add(batch)
        known.update({mark.place: mark for mark in batch})
        assert ranked.ranked == sorted(known.values(), key=lambda mark: mark.rank)
        assert all((place in ranked) == (place in known) for place in range(16))
        ratios = [(m.sqnr_db, m.place) for m in known.values() if m.sqnr_db is not None]
        tally = ranked.tally(30.0)
        assert tally.below == sum(ratio < 30.0 for ratio, _ in ratios)
        assert tally.worst == min(ratios, default=None)


def test_what_was_known_already_leaves_the_same_list() -> None:
    ranked = RankedMarks()
    ranked.add([Mark(1, 20.0, 0.1, "Warning"), Mark(0, 50.0, 0.0, "Excellent")])
    before = ranked.ranked
    ranked.add([Mark(0, 50.0, 0.0, "Excellent")])
    assert ranked.ranked is before
    ranked.add([Mark(0, 10.0, 0.0, "Warning")])
    assert ranked.ranked is not before
    assert [mark.place for mark in ranked.ranked] == [0, 1]


def test_results_that_stay_leave_the_sight_of_the_collector(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    frozen: list[int] = []
    monkeypatch.setattr(gc, "freeze", lambda: frozen.append(1))
    results = LongLived()
    for count in (OFTEN - 1, 1, 5, OFTEN, 0):
        results.add(count)
    assert len(frozen) == 2
