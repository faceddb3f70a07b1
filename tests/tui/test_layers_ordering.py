"""The order of the table, against Python's own sort."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from made_tensors import tensor_of

from tensorpeek.analysis.overview import Weighed
from tensorpeek.tui.layers.column_values import column_values
from tensorpeek.tui.layers.columns import SORTABLE, column_named
from tensorpeek.tui.layers.inventory import Inventory, natural_key
from tensorpeek.tui.layers.ledger import Found, Ledger
from tensorpeek.tui.layers.ordering import in_order

VALUES = st.lists(
    st.none() | st.just(math.nan) | st.integers(-3, 3) | st.floats(allow_nan=False), max_size=30
)


def is_absent(value: Any) -> bool:  # noqa: ANN401
    return value is None or math.isnan(value)


@given(values=VALUES, descending=st.booleans(), data=st.data())
def test_rows_are_sorted_the_absent_ones_last(
    values: list[Any], descending: bool, data: st.DataObject
) -> None:
    places = data.draw(st.permutations(range(len(values))))
    found = in_order(places, values, descending=descending)
    assert sorted(found) == sorted(places)
    present = [place for place in found if not is_absent(values[place])]
    assert found[: len(present)] == present
    numbers = [values[place] for place in present]
    assert numbers == sorted(numbers, reverse=descending)
    assert found[len(present) :] == [place for place in places if is_absent(values[place])]


@given(values=VALUES, descending=st.booleans())
def test_equal_rows_keep_their_order(values: list[Any], descending: bool) -> None:
    found = in_order(range(len(values)), values, descending=descending)
    for one, other in pairwise(found):
        if values[one] == values[other]:
            assert one < other


def test_names_are_sorted_as_a_person_does() -> None:
    names = ["b.10.x", "b.2.x", "a", "b.2", "B.1", "10", "9", "b"]
    found = in_order(range(8), [natural_key(name.lower()) for name in names], descending=False)
    assert [names[place] for place in found] == [
        *("9", "10", "a", "b", "B.1", "b.2", "b.2.x", "b.10.x")
    ]


@given(names=st.lists(st.text(max_size=8), max_size=12))
def test_keys_of_any_names_compare(names: list[str]) -> None:
    keys = [natural_key(name) for name in names]
    assert sorted(keys) == sorted(sorted(keys, reverse=True))


def test_every_column_can_be_sorted_by() -> None:
    tensors = [tensor_of([[3.0]], "float32", name="b.weight"), tensor_of([1, 2], name="a")]
    inventory, ledger = Inventory(tensors), Ledger(2)
    for column in SORTABLE:
        values = column_values(column, inventory, ledger)
        for descending in (False, True):
            assert sorted(in_order([0, 1], values, descending=descending)) == [0, 1]
    ledger.take(Found("condition", 1, Weighed(math.inf)))
    values = column_values(column_named("condition"), inventory, ledger)
    assert in_order([0, 1], values, descending=False) == [1, 0]
