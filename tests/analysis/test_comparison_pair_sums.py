"""Sums over pairs, compiled and with NumPy, against float64 on whole arrays."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from made_tensors import quantized, tensor_of

from tensorpeek.analysis.comparison import Difference, Pair, compare
from tensorpeek.analysis.comparison.accumulate import Accumulator
from tensorpeek.analysis.compiled import VARIABLE, engine
from tensorpeek.analysis.compiled import library as library_module
from tensorpeek.loaders import DTYPES, Tensor
from tensorpeek.loaders.dtypes import DType
from tensorpeek.loaders.layout import Layout

RNG = np.random.default_rng(17)

FLOATS = ("float64", "float32", "float16", "bfloat16", "float8_e4m3fn", "float8_e5m2")
INTEGERS = ("int8", "uint8", "int16", "uint16", "int32", "int64")


@pytest.fixture(params=["compiled", "numpy"])
def on_engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Each engine in turn."""
    if request.param == "numpy":
        monkeypatch.setenv(VARIABLE, "numpy")
    library_module.forget()
    if engine().name != request.param:
        pytest.skip("no compiler built the kernels")
    yield request.param
    monkeypatch.undo()
    library_module.forget()


@dataclasses.dataclass(frozen=True)
class Pieces:
    """A codec that gives its values in pieces of an odd length."""

    values: np.ndarray
    length: int

    def value_type(self, view: str) -> DType:
        return DTYPES[self.values.dtype.name]

    def chunks(self, view: str, size: int) -> Iterator[np.ndarray]:
        flat = self.values.reshape(-1)
        for start in range(0, flat.size, self.length):
            yield flat[start : start + self.length]


def in_pieces(values: np.ndarray, length: int) -> Tensor:
    """A tensor whose values come in pieces of ``length``."""
    return dataclasses.replace(tensor_of(values), codec=Pieces(values, length))


def difference(first: Tensor, second: Tensor) -> Difference:
    found = compare(Pair(first, second, "same name")).difference
    assert found is not None
    return found


def brute_force(first: np.ndarray, second: np.ndarray, axis: int) -> dict[str, Any]:
    """All measures in float64 (sums by ``math.fsum``), of the finite pairs."""
    a, b = first.astype(np.float64), second.astype(np.float64)
    apart = (a != b) & ~(np.isnan(a) & np.isnan(b))
    finite = np.isfinite(a) & np.isfinite(b)
    a, b = np.where(finite, a, 0), np.where(finite, b, 0)
    norms = [math.sqrt(math.fsum(np.square(each).ravel())) for each in (a, b, b - a)]
    others = tuple(one for one in range(a.ndim) if one != axis)
    errors, signals = np.square(b - a).sum(others), np.square(a).sum(others)
    relative = np.sqrt(np.divide(errors, signals, out=np.zeros_like(errors), where=signals > 0))
    return {
        "changed": int(apart.sum()),
        "not_finite": int((apart & ~finite).sum()),
        "max_delta": float(np.abs(b - a).max()),
        "relative_error": norms[2] / norms[0],
        "cosine": math.fsum((a * b).ravel()) / norms[0] / norms[1],
        "l2_ratio": norms[1] / norms[0],
        "worst": (axis, int(relative.argmax()), float(relative.max())),
    }


def agree(found: Difference, wanted: dict[str, Any]) -> None:
    for name in ("changed", "not_finite", "max_delta"):
        assert getattr(found, name) == wanted[name], name
    for name in ("relative_error", "cosine", "l2_ratio"):
        assert getattr(found, name) == pytest.approx(wanted[name], rel=1e-12), name
    worst = found.worst_channel
    assert worst is not None
    assert (worst.axis, worst.index) == wanted["worst"][:2]
    assert worst.relative_error == pytest.approx(wanted["worst"][2], rel=1e-12)


SHAPES = [
    pytest.param((300, 1001), "weight", id="rows of an odd length"),
    pytest.param((1001, 300), "kernel", id="channels last"),
    pytest.param((70_001, 3), "weight", id="rows of three"),
    pytest.param((3, 70_001), "weight", id="rows longer than a block"),
    pytest.param((31, 7, 3, 3), "weight", id="a convolution"),
    pytest.param((3, 5, 31, 7), "depthwise_kernel", id="a depthwise kernel"),
    pytest.param((2, 3), "kernel", id="six values"),
]


@pytest.mark.parametrize(("shape", "label"), SHAPES)
@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
@pytest.mark.usefixtures("on_engine")
def test_every_measure_agrees_with_float64(shape: tuple[int, ...], label: str, dtype: str) -> None:
    values = RNG.normal(0.2, 1, shape).astype(DTYPES[dtype].numpy)
    other = (values.astype(np.float64) + RNG.normal(0, 0.1, shape)).astype(DTYPES[dtype].numpy)
    other.flat[::3] = values.flat[::3]
    second = dataclasses.replace(tensor_of(other), label=label)
    axis = {"weight": 0, "kernel": len(shape) - 1, "depthwise_kernel": len(shape) - 2}[label]
    agree(difference(tensor_of(values), second), brute_force(values, other, axis))


@pytest.mark.parametrize("first", FLOATS + INTEGERS)
@pytest.mark.parametrize("second", ["float32", "float64", "float16", "int8"])
@pytest.mark.usefixtures("on_engine")
def test_all_types_are_compared_as_float64_would(first: str, second: str) -> None:
    small = RNG.integers(0, 12, (40, 33))
    values, other = small.astype(DTYPES[first].numpy), small[::-1].astype(DTYPES[second].numpy)
    agree(difference(tensor_of(values), tensor_of(other)), brute_force(values, other, 0))


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
@pytest.mark.usefixtures("on_engine")
def test_values_that_are_not_finite_are_set_apart(dtype: str) -> None:
    values = RNG.normal(size=(90, 1000)).astype(DTYPES[dtype].numpy)
    other = values.copy()
    for place, value in enumerate((np.nan, np.inf, -np.inf, 0.0, -0.0)):
        values[5 + place, 5:300:7] = value
        other[7 - place, 5:300:5] = value
    other[80] = 3
    agree(difference(tensor_of(values), tensor_of(other)), brute_force(values, other, 0))


@pytest.mark.usefixtures("on_engine")
def test_patterns_of_every_kind_are_compared_by_value() -> None:
    for dtype in ("float16", "bfloat16", "float8_e4m3fn", "float8_e5m2"):
        numpy_type = DTYPES[dtype].numpy
        values = np.frombuffer(RNG.bytes(4096 * numpy_type.itemsize), numpy_type).reshape(64, 64)
        other = np.frombuffer(RNG.bytes(4096 * numpy_type.itemsize), numpy_type).reshape(64, 64)
        found = difference(tensor_of(values), tensor_of(other))
        with np.errstate(all="ignore"):
            a, b = values.astype(np.float64), other.astype(np.float64)
            apart = (a != b) & ~(np.isnan(a) & np.isnan(b))
            finite = np.isfinite(a) & np.isfinite(b)
            delta = np.abs(np.where(finite, b - a, 0))
        assert (found.changed, found.max_delta) == (apart.sum(), delta.max()), dtype


@pytest.mark.usefixtures("on_engine")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_how_values_come_in_chunks_does_not_show(dtype: type) -> None:
    values = RNG.normal(size=(90, 3001)).astype(dtype)
    other = values + RNG.normal(0, 0.1, values.shape).astype(dtype)
    whole = difference(tensor_of(values), tensor_of(other))
    for lengths in ((1000, 1000), (77_777, 250_000), (1 << 16, 65_537), (3001, 1 << 18)):
        found = difference(in_pieces(values, lengths[0]), in_pieces(other, lengths[1]))
        assert found == whole, lengths


def test_both_engines_measure_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    if engine().name != "compiled":
        pytest.skip("no compiler built the kernels")
    values = RNG.normal(size=(64, 2000)).astype(np.float32)
    other = values.copy()
    other[9] += np.float32(0.1)
    compiled = difference(tensor_of(values), tensor_of(other))
    with monkeypatch.context() as context:
        context.setenv(VARIABLE, "numpy")
        library_module.forget()
        plain = difference(tensor_of(values), tensor_of(other))
    library_module.forget()
    assert (plain.changed, plain.max_delta) == (compiled.changed, compiled.max_delta)
    assert plain.relative_error == pytest.approx(compiled.relative_error, rel=1e-13)
    assert plain.cosine == pytest.approx(compiled.cosine, rel=1e-13)


@pytest.mark.usefixtures("on_engine")
def test_equal_blocks_among_others_count_for_the_norms() -> None:
    values = RNG.normal(size=(200, 1000)).astype(np.float32)
    other = values.copy()
    other[150, 3] += 1
    agree(difference(tensor_of(values), tensor_of(other)), brute_force(values, other, 0))


@pytest.mark.usefixtures("on_engine")
def test_an_empty_block_changes_nothing() -> None:
    sums = Accumulator((2, 2), 0)
    empty = np.empty(0, np.float32)
    sums.add(empty, empty)
    assert sums.difference().count == 0
    assert sums.difference().max_delta is None


@pytest.mark.usefixtures("on_engine")
def test_values_that_do_not_lie_side_by_side() -> None:
    values = RNG.normal(size=(50, 64)).astype(np.float32)
    turned = tensor_of(values, layout=Layout((64, 50), (1, 64)))
    other = values.T + np.float32(0.01)
    agree(difference(turned, tensor_of(other)), brute_force(values.T, other, 0))


def test_a_permutation_that_hides_all_values_is_not_surely_right() -> None:
    first, second = np.ones((6, 6, 6), np.float32), np.zeros((6, 6, 6), np.float32)
    # The only value of the second would meet the infinity if two axes changed places.
    first[5, 5, 4], second[5, 4, 5] = np.inf, 1
    found = compare(Pair(tensor_of(first), tensor_of(second), "same name"))
    assert found.alignment.permutation is None
    assert found.difference is not None
    assert found.difference.changed == (first != second).sum()


@pytest.mark.parametrize("head_rows", [32, 64])
@pytest.mark.parametrize("columns", [24, 5000])
def test_heads_are_found_in_tensors_of_several_blocks(head_rows: int, columns: int) -> None:
    weight = RNG.normal(size=(128, columns)).astype(np.float32)
    # llama.cpp, convert_hf_to_gguf.py, LlamaModel.permute
    heads = weight.reshape(128 // head_rows, 2, head_rows // 2, columns)
    stored = heads.swapaxes(1, 2).reshape(weight.shape)
    gguf = dataclasses.replace(tensor_of(stored), layer="blk.0.attn_k")
    for first, second in ((tensor_of(weight), gguf), (gguf, tensor_of(weight))):
        found = compare(Pair(first, second, "same name"))
        assert found.alignment.name == f"rotary rows as GGUF orders them ({head_rows} a head)"
        assert found.difference is not None
        assert found.difference.changed == 0


def test_heads_of_one_element_spread_over_many_are_not_read() -> None:
    layout = Layout((4, 1 << 17), (0, 0))
    plain = tensor_of(np.ones(1, np.float32), layout=layout)
    opposite = tensor_of(-np.ones(1, np.float32), layout=layout)
    gguf = dataclasses.replace(opposite, layer="blk.0.attn_q")
    found = compare(Pair(plain, gguf, "same name"))
    assert found.unreadable
    assert "spreads 1 stored elements" in str(found.error)


@pytest.mark.parametrize("zero_point", [None, [3] * 6, [2**30] * 6, [-(2**31)] * 6])
@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "int32"])
def test_zero_points_of_any_size_are_subtracted_exactly(
    zero_point: list[int] | None, dtype: str
) -> None:
    limits = np.iinfo(dtype)
    codes = RNG.integers(limits.min, limits.max, (6, 70), endpoint=True).astype(dtype)
    scales = np.geomspace(1e-3, 9, 6).astype(np.float32)
    tensor = quantized(
        codes, dtype, scale=scales, zero_point=zero_point, scheme="per-channel", axis=0
    )
    points = np.zeros(6, np.int64) if zero_point is None else np.array(zero_point, np.int64)
    exact = (codes.astype(np.int64) - points[:, None]).astype(np.float32)
    assert np.array_equal(tensor.read(), exact * scales[:, None])
