"""Damaged, cut and hostile safetensors files end in a model or a LoadError, soon."""

from __future__ import annotations

import json
import pickle
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hostile_files import mutated, open_or_refuse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors import SafetensorError
from safetensors.numpy import load, save
from safetensors_files import entry, file_of, write_index, write_set

from tensorpeek.loaders import LoadError, Model, open_model
from tensorpeek.loaders.registry import look_at
from tensorpeek.loaders.safetensors_format.reader import recognizes

ONE = entry("U8", [4], 0, 4)
BIG = 1 << 62


def _two(second: dict[str, Any]) -> dict[str, Any]:
    return {"a": entry("U8", [2], 0, 2), "b": second}


REFUSED: list[tuple[str, bytes, str]] = [
    (
        "a header of more than 100 MB",
        (100_000_001).to_bytes(8, "little") + b'{"a":1}',
        "damaged: its header claims 100,000,001 bytes, more than 100,000,000",
    ),
    (
        "a header past the end",
        (50).to_bytes(8, "little") + b'{"a":1}',
        "truncated: its header needs 58 bytes of 15",
    ),
    (
        "a header that is not UTF-8",
        file_of(b'{"\xff": 1}'),
        "damaged: its header is not UTF-8 at byte 2",
    ),
    (
        "a header that is not JSON",
        file_of(b'{"a": 1,,}'),
        "damaged: its header is not JSON at character 8",
    ),
    (
        "JSON with something after it",
        file_of(b"{}{}"),
        "damaged: its header is not JSON at character 2",
    ),
    (
        "a number that JSON lacks",
        file_of(b'{"a": NaN}'),
        "damaged: its header holds NaN, which is not JSON",
    ),
    (
        "a number of 5,000 digits",
        file_of('{"a": ' + "9" * 5000 + "}"),
        "damaged: its header holds a number of too many digits",
    ),
    (
        "100,000 brackets within brackets",
        file_of('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}"),
        "damaged: its header is nested too deeply",
    ),
    (
        "five million empty lists",
        file_of('{"a": [' + "[]," * 5_000_000 + "0]}"),
        "damaged: its header has more than 4,194,304 parts",
    ),
    (
        "a name twice",
        file_of(f'{{"a": {json.dumps(ONE)}, "a": {json.dumps(ONE)}}}', bytes(4)),
        "damaged: its header names a twice",
    ),
    (
        "a field twice",
        file_of('{"a": {"dtype": "U8", "dtype": "I8", "shape": [], "data_offsets": [0, 1]}}', b"x"),
        "damaged: its header names dtype twice",
    ),
    (
        "an entry that is no object",
        file_of('{"a": [1]}'),
        "damaged: a is not described by an object",
    ),
    (
        "no type",
        file_of('{"a": {"shape": [], "data_offsets": [0, 1]}}', b"x"),
        "damaged: a has no element type",
    ),
    (
        "a type that is a list",
        file_of({"a": entry(["U8"], [4], 0, 4)}, bytes(4)),
        "damaged: a has no element type",
    ),
    (
        "no shape",
        file_of('{"a": {"dtype": "U8", "data_offsets": [0, 1]}}', b"x"),
        "damaged: a has no valid shape",
    ),
    (
        "a negative size",
        file_of({"a": entry("U8", [-4], 0, 4)}, bytes(4)),
        "damaged: a has no valid shape",
    ),
    (
        "a size with a fraction",
        file_of({"a": entry("U8", [4.0], 0, 4)}, bytes(4)),
        "damaged: a has no valid shape",
    ),
    (
        "a size that is true",
        file_of({"a": entry("U8", [True], 0, 1)}, bytes(1)),
        "damaged: a has no valid shape",
    ),
    (
        "a size past 63 bits",
        file_of({"a": entry("U8", [1 << 64], 0, 4)}, bytes(4)),
        "damaged: a has no valid shape",
    ),
    (
        "a shape whose product overflows",
        file_of({"a": entry("U8", [BIG, BIG], 0, 4)}, bytes(4)),
        "damaged: the shape of a overflows",
    ),
    (
        "a shape whose product is 0 modulo 2 to the 64",
        file_of({"a": entry("U8", [1 << 32, 1 << 32], 0, 0)}),
        "damaged: the shape of a overflows",
    ),
    (
        "one offset",
        file_of({"a": entry("U8", [4], 0)}, bytes(4)),
        "damaged: a has no valid offsets",
    ),
    (
        "offsets that are bools",
        file_of({"a": entry("U8", [1], False, True)}, bytes(1)),
        "damaged: a has no valid offsets",
    ),
    (
        "a negative offset",
        file_of({"a": entry("U8", [4], -4, 0)}, bytes(4)),
        "damaged: a has a negative offset",
    ),
    (
        "offsets in the wrong order",
        file_of({"a": entry("U8", [4], 4, 0)}, bytes(4)),
        "damaged: the offsets of a are out of order",
    ),
    (
        "an offset past the end",
        file_of({"a": entry("U8", [8], 0, 8)}, bytes(4)),
        "truncated: a ends at byte 8 of 4",
    ),
    (
        "an offset far past the end",
        file_of({"a": entry("U8", [BIG], 0, BIG)}, bytes(4)),
        f"truncated: a ends at byte {BIG:,} of 4",
    ),
    (
        "a size that does not match",
        file_of({"a": entry("F32", [4], 0, 4)}, bytes(4)),
        "damaged: a has 4 bytes, its shape needs 16",
    ),
    (
        "three elements of four bits",
        file_of({"a": entry("F4", [3], 0, 2)}, bytes(2)),
        "damaged: the elements of a do not fill whole bytes",
    ),
    (
        "tensors that overlap",
        file_of(_two(entry("U8", [3], 1, 4)), bytes(4)),
        "damaged: b overlaps a",
    ),
    (
        "an empty tensor within another",
        file_of({"a": entry("U8", [4], 0, 4), "b": entry("U8", [0], 2, 2)}, bytes(4)),
        "damaged: b overlaps a",
    ),
    (
        "a gap between tensors",
        file_of(_two(entry("U8", [2], 3, 5)), bytes(5)),
        "damaged: 1 bytes before b belong to no tensor",
    ),
    (
        "a gap before the first tensor",
        file_of({"a": entry("U8", [2], 2, 4)}, bytes(4)),
        "damaged: 2 bytes before a belong to no tensor",
    ),
    (
        "bytes after the last tensor",
        file_of({"a": ONE}, bytes(9)),
        "damaged: its last 5 bytes belong to no tensor",
    ),
]


@pytest.mark.parametrize(
    ("content", "reason"),
    [pytest.param(content, reason, id=title) for title, content, reason in REFUSED],
)
def test_what_the_library_refuses_is_refused_with_one_clause(
    content: bytes, reason: str, tmp_path: Path
) -> None:
    outcome = open_or_refuse(tmp_path / "m.safetensors", content)
    assert isinstance(outcome, LoadError)
    assert outcome.reason == reason


LENIENT = {"a name twice", "five million empty lists"}
"""Where the library takes the last of two entries, or needs a gigabyte to say no."""


@pytest.mark.parametrize(
    "content",
    [pytest.param(content, id=title) for title, content, _ in REFUSED if title not in LENIENT],
)
def test_the_library_refuses_these_files_too(content: bytes) -> None:
    with pytest.raises(SafetensorError):
        load(content)


def test_no_tensors_is_an_error(tmp_path: Path) -> None:
    outcome = open_or_refuse(
        tmp_path / "m.safetensors", file_of({"__metadata__": {"format": "pt"}})
    )
    assert isinstance(outcome, LoadError)
    assert outcome.reason == "holds no tensors"


@pytest.mark.parametrize("layout", ["all at the same place", "each into the next"])
def test_a_hundred_thousand_overlapping_tensors_are_refused_within_a_second(
    layout: str, tmp_path: Path
) -> None:
    step = 0 if layout == "all at the same place" else 1
    header = {f"t{i}": entry("U8", [2], i * step, i * step + 2) for i in range(100_000)}
    path = tmp_path / "m.safetensors"
    path.write_bytes(file_of(header, bytes(99_999 * step + 2)))
    times = []
    for _ in range(2):
        start = time.process_time()
        with pytest.raises(LoadError, match="overlaps"):
            open_model(path)
        times.append(time.process_time() - start)
    assert min(times) < 5


def test_a_shape_of_a_million_dimensions_is_one_tensors_error(tmp_path: Path) -> None:
    header = {"a": entry("U8", [BIG] * 1_000_000, 0, 1), "b": entry("U8", [1] * 65, 1, 2)}
    outcome = open_or_refuse(tmp_path / "m.safetensors", file_of(header, bytes(2)))
    assert isinstance(outcome, Model)
    assert [each.error for each in outcome.tensors] == [
        "has 1,000,000 dimensions",
        "has 65 dimensions",
    ]


def test_tensors_are_picklable(tmp_path: Path) -> None:
    model = open_or_refuse(tmp_path / "m.safetensors", file_of({"a": ONE}, b"abcd"))
    assert isinstance(model, Model)
    assert pickle.loads(pickle.dumps(model.tensors))[0].read().tobytes() == b"abcd"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b'{"a": 1}', id="plain JSON"),
        pytest.param(b"GGUF\x03\0\0\0{\0\0\0\0\0\0\0", id="GGUF of 123 tensors"),
        pytest.param(b'{"weight_map": {"a": "pytorch_model.bin"}}', id="an index of other files"),
        pytest.param(b'{"a": "b.safetensors"}', id="JSON that names a file"),
    ],
)
def test_other_files_are_left_to_other_formats(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    path.write_bytes(content)
    assert not recognizes(look_at(path))


SAMPLE = save(
    {
        "a.weight": np.arange(6, dtype=np.float32).reshape(2, 3),
        "a.bias": np.arange(3, dtype=np.int8),
        "b": np.zeros((0, 2), np.float64),
    },
    {"format": "np"},
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mutated")


@settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(content=mutated(SAMPLE))
def test_changed_bytes_give_a_model_or_an_error(content: bytes, folder: Path) -> None:
    outcome = open_or_refuse(folder / "m.safetensors", content)
    if isinstance(outcome, LoadError):
        return
    try:
        theirs = load(content)
    except (SafetensorError, KeyError):  # a KeyError is a type that its NumPy side lacks
        return
    ours = [each.read().tobytes() for each in outcome.tensors if each.error is None]
    assert sorted(ours) == sorted(array.tobytes() for array in theirs.values())


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=4) | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)
SIZES = st.integers(-1, 9) | st.sampled_from([BIG, 1 << 64])
ENTRIES = st.fixed_dictionaries(
    {
        "dtype": st.sampled_from(["U8", "F32", "F4", "BF16", "F6_E2M3", "X"]) | JSON_VALUES,
        "shape": st.lists(SIZES, max_size=3) | JSON_VALUES,
        "data_offsets": st.lists(SIZES, min_size=2, max_size=2) | JSON_VALUES,
    }
)


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    header=st.dictionaries(st.text(max_size=4), ENTRIES | JSON_VALUES, max_size=3),
    values=st.binary(max_size=16),
)
def test_strange_headers_give_a_model_or_an_error(
    header: dict[str, Any], values: bytes, folder: Path
) -> None:
    open_or_refuse(folder / "m.safetensors", file_of(header, values))


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(weight_map=st.dictionaries(st.text(max_size=4), JSON_VALUES, max_size=3) | JSON_VALUES)
def test_strange_indexes_give_a_model_or_an_error(weight_map: object, folder: Path) -> None:
    write_set(folder, {"a.safetensors": {"x": b"1"}})
    if isinstance(weight_map, dict):
        weight_map = {"x": "a.safetensors", **weight_map}
    path = write_index(folder, weight_map, metadata=weight_map)
    open_or_refuse(path, path.read_bytes())
