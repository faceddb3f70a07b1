"""Damaged, cut and hostile TFLite files end in a model or a LoadError, soon."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tflite_models import Grid, Made, Sparse, activation, constant, model_of, open_tflite

from tensorpeek.loaders import LoadError, Model
from tensorpeek.loaders.registry import LFS_POINTER, look_at
from tensorpeek.loaders.tflite_format import flatbuffer
from tensorpeek.loaders.tflite_format import reader as tflite_file
from tensorpeek.loaders.tflite_format.flatbuffer import MAX_INTEGERS


def _sample() -> bytes:
    rows = (np.int32([0, 1, 2]), np.uint8([0, 1]))
    tensors = [
        activation("x"),
        constant("m/c/Conv2D", np.arange(8, dtype=np.int8).reshape(2, 4), Grid([1, 2], [0, 1], 0)),
        constant("m/c/BiasAdd", np.int32([5, 6]), Grid([0.5, 0.25], [0, 0], 0)),
        Made("s", (2, 2), 0, np.float32([1, 2]).tobytes(), sparse=Sparse([0, 1], [], [2, rows])),
        Made("b", (2, 8), 17, bytes(range(8)), Grid(details=(2, 5, -1, 4, ()))),
        constant("b_scales", np.ones((2, 2), np.float16)),
        constant("far", np.ones(3, np.float32), appended=True),
        Made("e", (2,), 0, external=7),
        activation("y"),
    ]
    nodes = [(3, [0, 1, 2], [8]), (124, [3], [8]), (9, [8, 4, -1], [8]), (0, [8, 6], [8])]
    return model_of((tensors, nodes), groups=["w.bin"], externals=[(7, 0, 0, 8, "")])


SAMPLE = _sample()


def _try(path: Path, content: bytes) -> Model | LoadError:
    """Open and read everything; only these two outcomes are allowed."""
    path.write_bytes(content)
    try:
        model = open_tflite(path)
    except LoadError as error:
        return error
    for tensor in model.tensors:
        for view in tensor.views:
            try:
                count = sum(each.size for each in tensor.chunks(view))
            except LoadError as error:
                assert str(error)  # noqa: PT017
            else:
                assert count == tensor.params
    return model


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "w.bin").write_bytes(bytes(8))
    return folder / "m.tflite"


def test_the_sample_opens(path: Path) -> None:
    model = _try(path, SAMPLE)
    assert isinstance(model, Model)
    assert model.warnings == ()
    assert len(model.tensors) == 6
    assert sum(each.quantization is not None for each in model.tensors) == 3


def test_every_truncation_says_so(path: Path) -> None:
    for length in (*range(8, 200), *range(200, len(SAMPLE), 7)):
        outcome = _try(path, SAMPLE[:length])
        if isinstance(outcome, Model):
            assert any(each.error for each in outcome.tensors) or length > len(SAMPLE) - 20
        else:
            assert "truncated" in outcome.reason


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing more"),
        pytest.param(b"TFL", id="half an identifier"),
        pytest.param(b"TFL2" + bytes(40), id="an older version"),
        pytest.param(b"ORTM" + bytes(40), id="another flatbuffer"),
        pytest.param(b"tfl3" + bytes(40), id="lower case"),
    ],
)
def test_files_without_the_identifier_are_not_recognized(path: Path, content: bytes) -> None:
    path.write_bytes(b"\x1c\0\0\0" + content)
    assert not tflite_file.recognizes(look_at(path))


changes_of_bytes = st.lists(
    st.tuples(st.integers(8, len(SAMPLE) - 1), st.integers(0, 255)), min_size=1, max_size=6
)
changes_of_words = st.lists(
    st.tuples(
        st.integers(2, len(SAMPLE) // 4 - 1),
        st.sampled_from([0, 1, 4, 2**31 - 1, 2**31, 2**32 - 4, 2**32 - 1, len(SAMPLE), 1 << 24])
        | st.integers(0, len(SAMPLE)),
    ),
    max_size=3,
)


@settings(max_examples=600, deadline=2000, suppress_health_check=list(HealthCheck))
@given(changes=changes_of_bytes, words=changes_of_words)
def test_random_changes_give_a_model_or_a_load_error(
    path: Path, changes: list[tuple[int, int]], words: list[tuple[int, int]]
) -> None:
    content = bytearray(SAMPLE)
    for place, byte in changes:
        content[place] = byte
    for place, word in words:
        struct.pack_into("<I", content, 4 * place, word)
    _try(path, bytes(content))


@settings(max_examples=200, deadline=2000, suppress_health_check=list(HealthCheck))
@given(content=st.binary(min_size=1, max_size=300))
def test_random_bytes_behind_the_identifier_are_refused(path: Path, content: bytes) -> None:
    _try(path, content[:4].ljust(4, b"\0") + b"TFL3" + content[4:])
    path.write_bytes(b"\x01" + content if content.startswith(LFS_POINTER) else content)
    assert tflite_file.recognizes(look_at(path)) == (content[4:8] == b"TFL3")


@pytest.mark.parametrize("word", [0, 1, 3, 2**31, 2**32 - 1, 2**32 - 16], ids=hex)
def test_every_word_may_be_an_offset_that_leads_astray(path: Path, word: int) -> None:
    for place in range(0, len(SAMPLE) // 4, 3):
        content = bytearray(SAMPLE)
        if place != 1:
            struct.pack_into("<I", content, 4 * place, word)
        _try(path, bytes(content))


def _root(*fields: bytes) -> bytes:
    """A file whose root table has 32-bit fields: the table at byte 64, its layout at byte 8."""
    layout = struct.pack("<HH", 4 + 2 * len(fields), 4 + 4 * len(fields))
    layout += b"".join(struct.pack("<H", 4 + 4 * i if each else 0) for i, each in enumerate(fields))
    content = struct.pack("<I", 64) + b"TFL3" + layout
    table = struct.pack("<i", 64 - 8) + b"".join(each or bytes(4) for each in fields)
    return content.ljust(64, b"\0") + table


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (struct.pack("<I", 0) + b"TFL3" + bytes(60), "an offset of 0 leads nowhere"),
        (struct.pack("<I", 1 << 31) + b"TFL3" + bytes(60), "leads nowhere"),
        (struct.pack("<I", 16) + b"TFL3" + bytes(8) + struct.pack("<i", 99) + bytes(60), "layout"),
        (struct.pack("<I", 16) + b"TFL3" + bytes(8) + struct.pack("<i", -99) + bytes(60), "layout"),
        (struct.pack("<I", 16) + b"TFL3" + bytes(8) + bytes(60), "layout"),
        (_root(b"", b"", struct.pack("<I", 1 << 20)), "leads nowhere"),
        (_root(b"", b"", struct.pack("<I", 4)) + struct.pack("<I", 1 << 30), "reach past the end"),
        (_root(b"", b"", struct.pack("<I", 4)) + struct.pack("<II", 1, 0), "leads nowhere"),
    ],
    ids=[
        "a root at itself",
        "a root far away",
        "a layout before the file",
        "a layout behind the file",
        "a layout in the table itself",
        "a vector behind the file",
        "a vector longer than the file",
        "a table at its own offset",
    ],
)
def test_offsets_that_lead_astray_are_refused(path: Path, content: bytes, reason: str) -> None:
    outcome = _try(path, content)
    assert isinstance(outcome, LoadError)
    assert reason in outcome.reason


def _many(count: int, table: bytes) -> bytes:
    """A vector of ``count`` offsets to one table behind it, whose layout is all zeros."""
    offsets = np.arange(count, 0, -1, dtype="<u4") * 4
    return struct.pack("<I", count) + offsets.tobytes() + table


def test_a_list_of_one_table_again_and_again_ends_soon(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flatbuffer, "MAX_TABLES", 20_000)
    subgraph = struct.pack("<i", -8) + struct.pack("<I", 0) + struct.pack("<HH", 4, 4)
    content = _root(b"", b"", struct.pack("<I", 4)) + _many(30_000, subgraph)
    outcome = _try(path, content)
    assert isinstance(outcome, LoadError)
    assert "tables" in outcome.reason


def test_a_long_list_that_every_operator_repeats_ends_soon(path: Path) -> None:
    inputs = list(range(20_000))
    node = (3, inputs, [1])
    nodes = [node] * 3
    content = bytearray(model_of(([activation("x"), constant("w", np.ones(4, np.float32))], nodes)))
    assert isinstance(_try(path, bytes(content)), Model)
    place = content.find(struct.pack("<I", 20_000) + struct.pack("<3i", 0, 1, 2))
    struct.pack_into("<I", content, place, MAX_INTEGERS)
    content += bytes(4 * MAX_INTEGERS)
    outcome = _try(path, bytes(content))
    assert isinstance(outcome, LoadError)
    assert "numbers" in outcome.reason


def test_a_shape_that_no_buffer_fills_costs_nothing(path: Path) -> None:
    outcome = _try(path, model_of(([Made("w", [2**31 - 1] * 20, 0, b"1234")], [])))
    assert isinstance(outcome, Model)
    assert "its shape needs" in str(outcome.tensors[0].error)


def test_more_dimensions_than_any_array_has_are_an_error_of_the_tensor(path: Path) -> None:
    outcome = _try(path, model_of(([Made("w", [1] * 70, 0, b"1234")], [])))
    assert isinstance(outcome, Model)
    assert outcome.tensors[0].error == "has 70 dimensions"


def test_a_replaced_file_is_not_read(path: Path) -> None:
    model = _try(path, SAMPLE)
    assert isinstance(model, Model)
    path.write_bytes(SAMPLE + b"more")
    with pytest.raises(LoadError, match="replaced or changed"):
        model.tensors[0].read()
