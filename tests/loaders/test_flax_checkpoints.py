"""Arrays, names and roles of Flax checkpoints; damaged and hostile ones."""

from __future__ import annotations

import pickle
import time
from pathlib import Path

import ml_dtypes
import msgpack
import numpy as np
import pytest
from flax_files import serialize, split
from hostile_files import open_or_refuse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tensorpeek.loaders import LoadError, open_model
from tensorpeek.loaders.model import Model

VALUES = np.random.default_rng(3).normal(size=(3, 4)).astype("f4")
VECTOR = VALUES[0]

STATE = {
    "step": 1200,
    "params": {
        "Dense_0": {"kernel": VALUES, "bias": VECTOR},
        "BatchNorm_0": {"scale": VECTOR, "bias": VECTOR},
        "Embed_0": {"embedding": VALUES},
    },
    "batch_stats": {"BatchNorm_0": {"mean": VECTOR, "var": VECTOR}},
    "opt_state": {"0": {"count": np.int32(7), "mu": {"Dense_0": {"kernel": VALUES}}}, "1": None},
}


def _open(folder: Path, content: bytes, name: str = "checkpoint_1") -> Model:
    path = folder / name
    path.write_bytes(content)
    return open_model(path)


def test_a_training_state_is_listed_by_layer_and_role(tmp_path: Path) -> None:
    model = _open(tmp_path, serialize(STATE))
    assert model.format == "Flax"
    assert model.metadata["step"] == "1200"
    assert [(one.name, one.layer, one.label, one.role) for one in model.tensors] == [
        ("params/Dense_0/kernel", "Dense_0", "kernel", "weight"),
        ("params/Dense_0/bias", "Dense_0", "bias", "bias"),
        ("params/BatchNorm_0/scale", "BatchNorm_0", "scale", "weight"),
        ("params/BatchNorm_0/bias", "BatchNorm_0", "bias", "bias"),
        ("params/Embed_0/embedding", "Embed_0", "embedding", "weight"),
        ("batch_stats/BatchNorm_0/mean", "BatchNorm_0", "mean", "running mean"),
        ("batch_stats/BatchNorm_0/var", "BatchNorm_0", "var", "running variance"),
        ("opt_state/0/count", "opt_state/0", "count", "optimizer state"),
        ("opt_state/0/mu/Dense_0/kernel", "opt_state/0/mu/Dense_0", "kernel", "optimizer state"),
    ]
    assert model.params == 12 + 4 + 4 + 4 + 12
    np.testing.assert_array_equal(model.tensors[0].read(), VALUES)
    assert model.tensors[7].read() == 7


def test_a_model_of_transformers_has_no_collection_around_it(tmp_path: Path) -> None:
    tree = {"encoder": {"layer": {"0": {"attention": {"query": {"kernel": VALUES}}}}}}
    [tensor] = _open(tmp_path, serialize(tree), "flax_model.msgpack").tensors
    assert (tensor.layer, tensor.label) == ("encoder/layer/0/attention/query", "kernel")


@pytest.mark.parametrize(
    "kind",
    [*"?bhiqBHIQefdFD", ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e5m2],
    ids=lambda kind: f"type {np.dtype(kind)}",
)
def test_every_type_reads_back(tmp_path: Path, kind: str | type) -> None:
    values = (VALUES * 8).astype(kind)
    [tensor] = _open(tmp_path, serialize({"w": values})).tensors
    assert tensor.read().dtype == values.dtype
    np.testing.assert_array_equal(tensor.read(), values)


@pytest.mark.parametrize(
    "shape",
    [(), (0,), (3, 0), (1, 1), (300, 300)],
    ids=["scalar", "none", "no columns", "one", "large"],
)
def test_every_shape_reads_back(tmp_path: Path, shape: tuple[int, ...]) -> None:
    values = np.arange(int(np.prod(shape)), dtype="f4").reshape(shape)
    [tensor] = _open(tmp_path, serialize({"w": values})).tensors
    np.testing.assert_array_equal(tensor.read(), values)


@pytest.mark.parametrize("size", [1, 5, 12, 100], ids=lambda size: f"{size} in a chunk")
def test_a_split_array_is_one_tensor(tmp_path: Path, size: int) -> None:
    tree = {"before": VECTOR, "big": split(VALUES, size), "after": VECTOR, "step": 3}
    model = _open(tmp_path, serialize(tree))
    assert [one.name for one in model.tensors] == ["before", "big", "after"]
    assert set(model.metadata) == {"step", "kernel layout"}
    big = pickle.loads(pickle.dumps(model.tensors[1]))
    np.testing.assert_array_equal(big.read(), VALUES)
    parts = list(big.chunks(size=5))
    np.testing.assert_array_equal(np.concatenate(parts), VALUES.reshape(-1))


@pytest.mark.parametrize(
    "tree",
    [split(VALUES, 5), {"__msgpack_chunked_array__": True, "chunks": VECTOR}],
    ids=["the whole file is one array", "chunks that are none"],
)
def test_a_mark_at_the_root(tmp_path: Path, tree: dict[str, object]) -> None:
    [tensor] = _open(tmp_path, serialize(tree)).tensors
    assert tensor.error is None
    assert tensor.name


def _broken_split(**changes: object) -> bytes:
    return serialize({"big": {**split(VALUES, 5), **changes}})


@pytest.mark.parametrize(
    "content",
    [
        _broken_split(shape={"0": 4, "1": 4}),
        _broken_split(shape={"0": -3, "1": -4}),
        _broken_split(shape={"0": 3, "2": 4}),
        _broken_split(chunks={"0": VALUES, "7": VALUES}),
        _broken_split(chunks={"0": VALUES[:2], "1": VALUES[2:].astype("f8")}),
    ],
    ids=["another shape", "negative", "a side missing", "a chunk missing", "two types"],
)
def test_a_split_array_that_does_not_fit_is_an_error_of_its_own(
    tmp_path: Path, content: bytes
) -> None:
    [tensor] = _open(tmp_path, content).tensors
    assert tensor.error == "is split into parts that do not make up its shape"


def _raw(shape: list[int], dtype: str, content: bytes) -> bytes:
    packed = msgpack.packb((shape, dtype, content))
    return msgpack.packb({"w": msgpack.ExtType(1, packed)})


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (_raw([1 << 40], "float32", b"1234"), "its shape needs 4,398,046,511,104 bytes, it has 4"),
        (_raw([1], "object", b"12345678"), "element type object is not supported"),
        (_raw([1], "float4_e2m1fn", b"1"), "element type float4_e2m1fn is not supported"),
        (serialize({"w": np.ones(2, ml_dtypes.int4)}), "element type int4 is not supported"),
    ],
    ids=["a huge shape", "objects", "a float of 4 bits", "an integer of 4 bits"],
)
def test_an_array_that_cannot_be_shown_costs_only_itself(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    [tensor] = _open(tmp_path, content).tensors
    assert tensor.error == reason


def test_other_values_are_stepped_over(tmp_path: Path) -> None:
    tree = {
        "w": VECTOR,
        "z": 1 + 2j,
        "list": [1, 2.5, None, True, "text", b"bytes", -3, -300, 1 << 40],
        "other": msgpack.ExtType(9, b"??"),
        "long": "x" * 70_000,
        b"key": VECTOR,
    }
    model = _open(tmp_path, serialize(tree))
    assert [one.name for one in model.tensors] == ["w", "key"]
    np.testing.assert_array_equal(model.tensors[1].read(), VECTOR)
    told = [model.metadata[f"list/{index}"] for index in range(9)]
    assert told == ["1", "2.5", "None", "True", "text", "bytes", "-3", "-300", "1099511627776"]
    assert len(model.metadata["long"]) <= 513
    assert model.warnings == ("holds 1 values of a type that Flax does not define",)


ARRAY = serialize({"w": VECTOR})[3:]
HEAD = b"\x82\xa1w" + ARRAY + b"\xa1x"


@pytest.mark.parametrize(
    ("tail", "reason"),
    [
        (b"", "truncated"),
        (b"\xdf\xff\xff\xff\xff", "truncated"),
        (b"\xdd\xff\xff\xff\xff", "truncated"),
        (b"\xc6\xff\xff\xff\xff", "truncated"),
        (b"\xc9\xff\xff\xff\xff\x01", "truncated"),
        (b"\x91" * 100 + b"\x00", "nested too deeply"),
        (b"\x81\xa1k" * 100 + b"\x00", "nested too deeply"),
        (b"\xc1", "no key or value begins with 0xc1"),
        (b"\xd4\x01\x00", "an array is not a triple"),
        (b"\xc7\x03\x01\x93\xcc\x01", "an array has no valid shape"),
        (b"\xc7\x06\x01\x93\x91\xff\xa1f\xc4", "an array has no valid shape"),
        (b"\xc7\x07\x01\x93\x90\xa2f4\xc4\x09", "do not fill it"),
        (b"\x81\x90\x00", "no key or value begins with 0x90"),
        (b"\x81\x05\x00", "a key is not text"),
    ],
    ids=[
        "nothing",
        "four billion entries",
        "a list of four billion",
        "four billion bytes",
        "an array of four billion bytes",
        "deep lists",
        "deep maps",
        "a byte that msgpack never uses",
        "an array that is no triple",
        "an array without a shape",
        "a negative side",
        "an array that is too short",
        "a list as a key",
        "a number as a key",
    ],
)
def test_damage_is_told(tmp_path: Path, tail: bytes, reason: str) -> None:
    found = open_or_refuse(tmp_path / "m.msgpack", HEAD + tail)
    assert isinstance(found, LoadError)
    assert reason in found.reason


def test_half_a_million_values_are_the_limit(tmp_path: Path) -> None:
    content = b"\x82\xa1w" + ARRAY + b"\xa1x\xdd\x00\x10\x00\x00" + b"\x00" * (1 << 20)
    started = time.monotonic()
    found = open_or_refuse(tmp_path / "m", content)
    assert isinstance(found, LoadError)
    assert "holds more than 524,288 values" in found.reason
    assert time.monotonic() - started < 20


def test_bytes_after_the_checkpoint_are_told(tmp_path: Path) -> None:
    assert _open(tmp_path, serialize({"w": VECTOR}) + b"12345").warnings == (
        "5 bytes follow the checkpoint and are not shown",
    )


@pytest.mark.parametrize(
    "content",
    [b"\x80", msgpack.packb({"a": 1}), msgpack.packb([1]), b"\x83text", b"\x80\x02}q\x00."],
    ids=["an empty map", "no array", "a list", "cut", "a pickle"],
)
def test_other_files_are_not_taken_for_checkpoints(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(LoadError):
        _open(tmp_path, content)


def test_only_headers_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tensorpeek.loaders.storage import FileSpan

    sizes: list[int] = []
    read = FileSpan._read

    def counted(span: FileSpan, handle: int, start: int, stop: int) -> bytes | bytearray:
        sizes.append(stop - start)
        return read(span, handle, start, stop)

    monkeypatch.setattr(FileSpan, "_read", counted)
    model = _open(tmp_path, serialize({f"w{index}": np.zeros(1 << 18, "f4") for index in range(8)}))
    assert len(model.tensors) == 8
    assert sum(sizes) <= 8 * 4096 + 4096


SMALL = serialize({"a": {"b": VECTOR, "n": 1}, "c": split(VALUES, 7), "s": np.float32(2)})


@settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    changes=st.lists(
        st.tuples(st.integers(0, len(SMALL) - 1), st.integers(0, 255)), min_size=1, max_size=8
    ),
    end=st.integers(1, len(SMALL)),
)
def test_mutated_checkpoints_end_in_a_model_or_an_error(
    tmp_path: Path, changes: list[tuple[int, int]], end: int
) -> None:
    content = bytearray(SMALL)
    for place, value in changes:
        content[place] = value
    open_or_refuse(tmp_path / "m.msgpack", bytes(content[:end]))


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(tail=st.binary(max_size=80))
def test_random_bytes_after_an_array_end_in_a_model_or_an_error(
    tmp_path: Path, tail: bytes
) -> None:
    open_or_refuse(tmp_path / "m.msgpack", HEAD + tail)
