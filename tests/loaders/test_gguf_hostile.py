"""Damaged, cut and hostile GGUF files end in a model or a LoadError, soon and in little memory."""

from __future__ import annotations

import os
import struct
import time
import tracemalloc
from functools import cache
from pathlib import Path

import gguf
import numpy as np
import pytest
from gguf_files import (
    ARRAY,
    F32,
    FLOAT32,
    Q4_0,
    Q8_0,
    STRING,
    UINT8,
    UINT32,
    V3,
    Entry,
    Format,
    open_bytes,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tensorpeek.analysis import measure, quantization_facts
from tensorpeek.loaders import LoadError, Model, open_model
from tensorpeek.loaders.gguf_format.block_types import BLOCK_TYPES

HUGE = (1 << 64) - 1


@cache
def _sample() -> bytes:
    """Return a small file with metadata of all sorts and a tensor of every block type."""
    pairs = [
        V3.pair("general.alignment", UINT32, V3.pack("I", 32)),
        V3.pair("general.name", STRING, V3.text("sample")),
        V3.pair("tokens", ARRAY, V3.array(STRING, 20, V3.text("tok") * 20)),
        V3.pair("scores", ARRAY, V3.array(FLOAT32, 4, bytes(16))),
        V3.pair("nested", ARRAY, V3.array(ARRAY, 1, V3.array(UINT8, 3, b"abc"))),
    ]
    entries, content = [Entry("f.weight", [4, 2], F32, 0)], np.ones(8, "<f4").tobytes()
    for kind, block in BLOCK_TYPES.items():
        entries.append(Entry(f"{block.name}.weight", [block.size, 1], kind, len(content)))
        content += bytes(range(block.nbytes % 256)) + bytes(block.nbytes - block.nbytes % 256)
        content += bytes(-len(content) % 32)
    return V3.file(pairs, entries, content)


def _try(folder: Path, content: bytes) -> Model | LoadError:
    """Open and read everything that is not huge; only these two outcomes are allowed."""
    path = folder / "hostile.gguf"
    path.write_bytes(content)
    try:
        model = open_model(path)
    except LoadError as error:
        return error
    for tensor in model.tensors:
        try:
            for view in tensor.views:
                tensor.read(view)
            if tensor.quantization is not None:
                tensor.quantization.scales()
        except LoadError as error:
            assert str(error)  # noqa: PT017
    return model


def test_the_sample_is_sound(tmp_path: Path) -> None:
    model = _try(tmp_path, _sample())
    assert isinstance(model, Model)
    assert model.warnings == ()
    assert [tensor.error for tensor in model.tensors if tensor.error] == []
    assert len(model.tensors) == 1 + len(BLOCK_TYPES)


def test_a_file_cut_anywhere_in_its_header_is_truncated(tmp_path: Path) -> None:
    sample = _sample()
    header = sample.index(struct.pack("<8f", *[1] * 8))
    for end in range(4, header - 32, 7):
        with pytest.raises(LoadError, match="truncated"):
            open_bytes(tmp_path, sample[:end])


def _change(content: bytes, at: int, new: bytes) -> bytes:
    return content[:at] + new + content[at + len(new) :]


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    changes=st.lists(
        st.tuples(st.integers(4, 2600), st.binary(min_size=1, max_size=8)), min_size=1, max_size=4
    ),
    end=st.one_of(st.none(), st.integers(4, 5000)),
)
def test_any_change_gives_a_model_or_an_error(
    tmp_path: Path, changes: list[tuple[int, bytes]], end: int | None
) -> None:
    content = _sample()
    for at, new in changes:
        content = _change(content, at, new)
    _try(tmp_path, content[:end])


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    at=st.integers(4, 2600),
    number=st.sampled_from([0, 1, 1 << 16, 1 << 31, 1 << 32, 1 << 40, 1 << 63, HUGE]),
)
def test_any_extreme_number_gives_a_model_or_an_error(tmp_path: Path, at: int, number: int) -> None:
    _try(tmp_path, _change(_sample(), at, struct.pack("<Q", number)))


def _counts(tensors: int, pairs: int, rest: bytes = b"") -> bytes:
    return b"GGUF" + struct.pack("<IQQ", 3, tensors, pairs) + rest


def _nested(depth: int) -> bytes:
    value = V3.array(UINT8, 1, b"x")
    for _ in range(depth):
        value = V3.array(ARRAY, 1, value)
    return V3.pair("k", ARRAY, value)


HOSTILE = {
    "nothing but the magic": (b"GGUF", "truncated"),
    "no counts": (b"GGUF" + struct.pack("<I", 3), "truncated"),
    "all zeros after the magic": (b"GGUF" + bytes(100), "version 0"),
    "more tensors than any model": (_counts(HUGE, 0), "damaged|truncated"),
    "more tensors than the file holds": (_counts(50_000, 0), "truncated"),
    "more pairs than any model": (_counts(0, HUGE), "damaged|truncated"),
    "more pairs than the file holds": (_counts(0, 4000), "truncated"),
    "an endless key": (_counts(0, 1, struct.pack("<Q", HUGE)), "damaged at byte 24"),
    "a key longer than keys may be": (
        _counts(0, 1, V3.pair("k" * 70_000, UINT8, b"x")),
        "a name of 70,000 bytes",
    ),
    "an endless text": (
        _counts(0, 1, V3.pair("k", STRING, struct.pack("<Q", 1 << 50))),
        "damaged at byte",
    ),
    "an array of more than the file": (
        _counts(0, 1, V3.pair("k", ARRAY, V3.array(STRING, 1 << 60, b""))),
        "damaged at byte",
    ),
    "a string in an array that leaves the file": (
        _counts(0, 1, V3.pair("k", ARRAY, V3.array(STRING, 20, V3.length(1 << 62) + bytes(400)))),
        "truncated",
    ),
    "an unknown type of metadata": (_counts(0, 1, V3.pair("k", 13, bytes(8))), "metadata type 13"),
    "an unknown type in an array": (
        _counts(0, 1, V3.pair("k", ARRAY, V3.array(77, 1, bytes(8)))),
        "metadata type 77",
    ),
    "arrays within arrays without end": (_counts(0, 1, _nested(500)), "too deep"),
    "too many dimensions": (V3.file((), [Entry("w", [1] * 9, F32, 0)]), "9 dimensions"),
    "dimensions whose product overflows": (
        V3.file((), [Entry("w", [1 << 32, 1 << 32], F32, 0)]),
        "a tensor of shape",
    ),
    "a huge dimension beside an empty one": (
        V3.file((), [Entry("w", [1 << 62, 0], F32, 0)]),
        "a tensor of shape",
    ),
    "a long name": (V3.file((), [Entry("w" * 70_000, [1], F32, 0)]), "a name of 70,000 bytes"),
    "an alignment that is a text": (
        V3.file([V3.pair("general.alignment", STRING, V3.text("x"))]),
        "not a power of two",
    ),
    "short lengths in a version of long ones": (
        Format(1).file([Format(1).pair("key", UINT8, b"x")]).replace(b"GGUF\1", b"GGUF\3"),
        "damaged|truncated",
    ),
}


@pytest.mark.parametrize(("content", "reason"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_headers_are_refused_at_once(tmp_path: Path, content: bytes, reason: str) -> None:
    tracemalloc.start()
    start = time.process_time()
    with pytest.raises(LoadError, match=reason):
        open_bytes(tmp_path, content)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert time.process_time() - start < 5
    assert peak < 4 << 20


def _sparse(path: Path, head: bytes, size: int) -> Path:
    """Write a file of ``size`` bytes that takes no room on the disk: zeros after ``head``."""
    path.write_bytes(head)
    os.truncate(path, size)
    return path


SPARSE = {
    "empty strings": V3.pair("k", ARRAY, V3.array(STRING, 1 << 31, b"")),
    "empty arrays": V3.pair("k", ARRAY, V3.array(ARRAY, 1 << 30, b"")),
}


@pytest.mark.parametrize("pair", SPARSE.values(), ids=SPARSE)
def test_a_huge_file_of_countless_empty_things_is_refused(tmp_path: Path, pair: bytes) -> None:
    path = _sparse(tmp_path / "sparse.gguf", _counts(0, 1, pair), 1 << 35)
    start = time.process_time()
    with pytest.raises(LoadError, match="more than 8,388,608"):
        open_model(path)
    assert time.process_time() - start < 25


def test_a_huge_file_of_nameless_tensors_ends(tmp_path: Path) -> None:
    path = _sparse(tmp_path / "sparse.gguf", _counts(60_000, 0), 1 << 34)
    start = time.process_time()
    assert len(open_model(path).tensors) == 60_000
    assert time.process_time() - start < 50


def test_a_huge_tensor_is_measured_in_bounded_memory(tmp_path: Path) -> None:
    elements = 1 << 24
    head = V3.file((), [Entry("w", [elements], Q4_0, 0)])
    path = _sparse(tmp_path / "sparse.gguf", head, len(head) + elements // 32 * 18)
    tensor = open_model(path).tensors[0]
    tracemalloc.start()
    for view in tensor.views:
        for chunk in tensor.chunks(view):
            assert chunk.size <= 1 << 18
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 32 << 20


def test_scales_that_are_not_finite_are_measured_without_a_warning(tmp_path: Path) -> None:
    scales = np.array([np.inf, np.nan, 1], "<f2")
    blocks = b"".join(scale.tobytes() + bytes(range(32)) for scale in scales)
    entries = [Entry("w", [96], Q8_0, 0)]
    tensor = open_bytes(tmp_path, V3.file((), entries, blocks)).tensors[0]
    summary = measure(tensor, "dequantized").summary
    assert (summary.nan, summary.positive_infinity) == (33, 31)
    facts = quantization_facts(tensor, measure(tensor, "raw"))
    assert np.isnan(facts.scale_mean)
    assert facts.groups == 3


def test_a_vocabulary_of_150_000_tokens_opens_in_half_a_second(tmp_path: Path) -> None:
    path = tmp_path / "vocabulary.gguf"
    count = 151_936
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_token_list([f"token {number}" for number in range(count)])
    writer.add_token_scores([0.0] * count)
    writer.add_token_merges([f"{number} {number}" for number in range(count)])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    start = time.process_time()
    model = open_model(path)
    assert time.process_time() - start < 5
    assert model.metadata["tokenizer.ggml.tokens"] == "[151,936 strings]"
    assert model.metadata["tokenizer.ggml.scores"] == "[151,936 float32 values]"
