"""What is typed into the filter: each kind of condition, and what they have in common."""

from __future__ import annotations

import dataclasses
import math
from fnmatch import fnmatchcase

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_tensors import quantized, tensor_of

from tensorpeek.analysis.overview import Weighed, tensor_figures
from tensorpeek.loaders import Tensor
from tensorpeek.tui.layers.filter_terms import Table
from tensorpeek.tui.layers.filtering import read_filter
from tensorpeek.tui.layers.inventory import Inventory
from tensorpeek.tui.layers.ledger import Found, Ledger


def named(name: str, shape: tuple[int, ...] = (2,), dtype: str = "float32") -> Tensor:
    return tensor_of(np.zeros(shape), dtype, name=name)


CODES = dataclasses.replace(quantized([[1, 2]], "int8", scale=[0.1]), name="head.weight")

TENSORS = [
    named("layers.0.attn.q.weight", (64, 3, 7, 7), "bfloat16"),
    dataclasses.replace(named("layers.0.attn.q.bias", (64,), "float16"), role="bias"),
    named("layers.1.mlp.weight", (64, 30), "float8_e4m3fn"),
    dataclasses.replace(named("layers.1.norm.mean", (3,), "float32"), role="running mean"),
    CODES,
    named("layers.12.Conv:0", (), "uint8"),
]


def table(tensors: list[Tensor] = TENSORS, marked: frozenset[int] = frozenset()) -> Table:
    return Table(Inventory(tensors), Ledger(len(tensors)), marked)


def rows(query: str, of: Table | None = None) -> list[int]:
    """The numbers of the rows that a filter chooses, from 1."""
    return [place + 1 for place in read_filter(query).choose(of or table())]


QUERIES = {
    "": [1, 2, 3, 4, 5, 6],
    "   ": [1, 2, 3, 4, 5, 6],
    "attn": [1, 2],
    "ATTN": [1, 2],
    "weight layers": [1, 3],
    "lqw": [1],
    "conv:0": [6],
    "[0]": [],
    "nothing.like.this": [],
    "*attn*weight": [1],
    "layers.?.*": [1, 2, 3, 4],
    "*": [1, 2, 3, 4, 5, 6],
    "1": [1, 3, 4],
    "12": [6],
    "#2": [2],
    "1,3-5": [1, 3, 4, 5],
    "5-3": [3, 4, 5],
    "4-": [4, 5, 6],
    "0-2": [1, 2],
    "6-999999999": [6],
    "7-9": [],
    "2,": [2],
    "dtype:bf16": [1],
    "dtype:float16": [2],
    "dtype:int8": [5],
    "dtype:i8": [5],
    "type:u8": [6],
    "dtype:fp8": [3],
    "dtype:float": [2, 3, 4],
    "dtype:*int*": [5, 6],
    "dtype:": [1, 2, 3, 4, 5, 6],
    "dtype:brain": [],
    "quantized:yes": [5],
    "quantized:y": [5],
    "quantized:no": [1, 2, 3, 4, 6],
    "quantized:FALSE": [1, 2, 3, 4, 6],
    "role:bias": [2],
    "role:running-mean": [4],
    "role:running_m": [4],
    "shape:64x3": [1],
    "shape:64x3x7x7": [1],
    "shape:64": [1, 2, 3],
    "shape:*x30": [3],
    "shape:64×30": [3],
    "shape:": [1, 2, 3, 4, 5, 6],
    "marked:no": [1, 2, 3, 4, 5, 6],
    "name:attn": [1, 2],
    "params>64": [1, 3],
    "params>=64": [1, 2, 3],
    "params<=2": [5, 6],
    "params>1.9k": [1, 3],
    "params!=64": [1, 3, 4, 5, 6],
    "size=2": [5],
    "sqnr<30": [],
    "!attn": [3, 4, 5, 6],
    "!quantized:no": [5],
    "!": [1, 2, 3, 4, 5, 6],
    "!dtype:": [1, 2, 3, 4, 5, 6],
    "attn !bias": [1],
    "role:weight dtype:bf16 shape:64": [1],
}


@pytest.mark.parametrize(("query", "expected"), QUERIES.items(), ids=[repr(q) for q in QUERIES])
def test_each_kind_of_condition(query: str, expected: list[int]) -> None:
    assert rows(query) == expected


def test_marked_tensors_are_found() -> None:
    assert rows("marked:yes", table(marked=frozenset({1, 4}))) == [2, 5]


def test_measures_are_compared_once_they_are_there() -> None:
    known = table()
    figures, _ = tensor_figures(TENSORS[0])
    known.ledger.take(Found("figures", 0, figures))
    known.ledger.take(Found("sqnr", 2, Weighed(29.5)))
    known.ledger.take(Found("sqnr", 3, Weighed(math.inf)))
    known.ledger.take(Found("sqnr", 4, Weighed(None, "is quantized already")))
    assert rows("zeros=100%", known) == [1]
    assert rows("std<1e-3", known) == [1]
    assert rows("sqnr<30", known) == [3]
    assert rows("sqnr>30", known) == [4]
    assert read_filter("zeros>50").is_measured
    assert not read_filter("params>50 attn").is_measured


NAMES = st.text(st.sampled_from("abcA.0129_*?[]/ \\:-"), min_size=1, max_size=12)
WORDS = st.text(st.sampled_from("abcA.0129_*?[]!:-,#x<>="), min_size=1, max_size=8)


@given(names=st.lists(NAMES, max_size=12), queries=st.lists(WORDS, max_size=4))
def test_conditions_are_and(names: list[str], queries: list[str]) -> None:
    """All conditions together choose what each of them chooses alone, in file order."""
    known = table([named(name) for name in names])
    together = rows(" ".join(queries), known)
    alone = [set(rows(query, known)) for query in queries]
    assert together == sorted(set(range(1, len(names) + 1)).intersection(*alone))


@given(names=st.lists(NAMES, min_size=1, max_size=12), word=st.text("abc._[]\\", min_size=1))
def test_a_word_is_a_substring_else_its_letters_in_order(names: list[str], word: str) -> None:
    known = table([named(name) for name in names])
    lowered = [name.lower() for name in names]
    expected = [row for row, name in enumerate(lowered, 1) if word in name]
    if not expected:
        for row, name in enumerate(lowered, 1):
            rest = iter(name)
            if all(letter in rest for letter in word):
                expected.append(row)
    assert rows(word, known) == expected


@given(names=st.lists(NAMES, max_size=12), start=WORDS)
def test_globs_match_whole_names(names: list[str], start: str) -> None:
    pattern = start.replace("!", "").replace(":", "").replace("<", "").replace("=", "") + "*"
    pattern = pattern.replace(">", "").lstrip("#")
    expected = [
        row for row, name in enumerate(names, 1) if fnmatchcase(name.lower(), pattern.lower())
    ]
    assert rows(pattern, table([named(name) for name in names])) == expected


@given(
    ranges=st.lists(
        st.tuples(st.integers(0, 15), st.none() | st.integers(0, 15)), min_size=1, max_size=4
    ),
    count=st.integers(0, 10),
)
def test_row_numbers_are_a_union_of_ranges(
    ranges: list[tuple[int, int | None]], count: int
) -> None:
    texts = [f"{first}" if last is None else f"{first}-{last}" for first, last in ranges]
    expected: set[int] = set()
    for first, last in ranges:
        end = first if last is None else last
        expected |= set(range(min(first, end), max(first, end) + 1))
    known = table([named("x" * (index + 1)) for index in range(count)])
    assert rows(",".join([*texts, ""]), known) == sorted(expected & set(range(1, count + 1)))


@given(query=st.text(max_size=20))
def test_nothing_that_is_typed_is_wrong(query: str) -> None:
    assert set(rows(query)) <= {1, 2, 3, 4, 5, 6}
