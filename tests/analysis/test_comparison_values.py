"""Differences of two tensors, against NumPy on the whole arrays."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from made_tensors import quantized, tensor_of

from tensorpeek.analysis.comparison import Comparison, Difference, Pair, alignments, compare
from tensorpeek.loaders import CancelledError, Tensor
from tensorpeek.loaders.layout import Layout

RNG = np.random.default_rng(11)
KERNEL = RNG.normal(size=(16, 8, 3, 3)).astype(np.float32)


def compared(first: Tensor, second: Tensor) -> Comparison:
    return compare(Pair(first, second, "same name"))


def difference(first: np.ndarray, second: np.ndarray) -> Difference:
    found = compared(tensor_of(first), tensor_of(second)).difference
    assert found is not None
    return found


FLOATS = arrays.arrays(
    np.float32,
    arrays.array_shapes(max_dims=4, max_side=6),
    elements=st.floats(width=32, allow_subnormal=False),
)


@given(FLOATS)
def test_a_tensor_does_not_differ_from_itself(values: np.ndarray) -> None:
    found = difference(values, values)
    finite = np.isfinite(values)
    assert (found.changed, found.not_finite, found.both_nan) == (0, 0, np.isnan(values).sum())
    assert found.max_delta == (0 if finite.any() else None)
    assert found.relative_error == (0 if finite.any() else None)
    assert found.sqnr == (math.inf if finite.any() else None)
    assert found.cosine == (1 if values[finite].any() else None)
    assert found.worst_channel is None
    assert not found.exceeds(0)


@given(FLOATS, st.data())
def test_the_largest_delta_is_symmetric(first: np.ndarray, data: st.DataObject) -> None:
    elements = st.floats(width=32, allow_subnormal=False)
    second = data.draw(arrays.arrays(np.float32, first.shape, elements=elements))
    there, back = difference(first, second), difference(second, first)
    assert there.max_delta == back.max_delta
    assert (there.changed, there.not_finite) == (back.changed, back.not_finite)
    with np.errstate(all="ignore"):
        apart = ~((first == second) | (np.isnan(first) & np.isnan(second)))
    assert there.changed == apart.sum()


@pytest.mark.parametrize("noise", [1e-6, 1e-2, 1.0])
def test_measures_agree_with_numpy(noise: float) -> None:
    values = RNG.normal(0.1, 1, (300, 1000)).astype(np.float32)
    other = values + (RNG.normal(size=values.shape) * noise).astype(np.float32)
    other[7] = values[7] + 30 * noise
    found = difference(values, other)
    a, b = values.astype(np.float64).ravel(), other.astype(np.float64).ravel()
    error = np.linalg.norm(b - a) / np.linalg.norm(a)
    assert found.max_delta == np.abs(b - a).max()
    assert found.changed_share == np.mean(a != b)
    assert found.relative_error == pytest.approx(error, rel=1e-12)
    assert found.sqnr == pytest.approx(10 * np.log10((a @ a) / ((b - a) @ (b - a))), rel=1e-12)
    assert found.cosine == pytest.approx(a @ b / math.sqrt(a @ a) / math.sqrt(b @ b), rel=1e-12)
    assert found.l2_ratio == pytest.approx(np.linalg.norm(b) / np.linalg.norm(a), rel=1e-12)
    worst = found.worst_channel
    assert worst is not None
    assert (worst.axis, worst.index) == (0, 7)
    row = np.linalg.norm(other[7].astype(float) - values[7]) / np.linalg.norm(values[7])
    assert worst.relative_error == pytest.approx(row, rel=1e-6)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        pytest.param([np.nan], [np.nan], (0, 1, 0, None), id="two NaN are equal"),
        pytest.param([np.nan, 1], [2, 1], (1, 0, 1, 0), id="NaN and a number"),
        pytest.param([np.inf, 1], [np.inf, 2], (1, 0, 0, 1), id="two infinities are equal"),
        pytest.param([np.inf, 1], [-np.inf, 1], (1, 0, 1, 0), id="opposite infinities"),
        pytest.param([0.0], [-0.0], (0, 0, 0, 0), id="zeros of both signs are equal"),
        pytest.param([], [], (0, 0, 0, None), id="empty"),
    ],
)
def test_special_values(first: list, second: list, expected: tuple) -> None:
    found = difference(np.array(first, np.float32), np.array(second, np.float32))
    assert (found.changed, found.both_nan, found.not_finite, found.max_delta) == expected


def test_a_reference_of_zeros() -> None:
    found = difference(np.zeros(3), np.ones(3))
    assert (found.relative_error, found.sqnr) == (math.inf, -math.inf)
    assert (found.cosine, found.l2_ratio) == (None, None)


@pytest.mark.parametrize("size", [1e200, 1e-200])
def test_measures_are_absent_where_squares_leave_float64(size: float) -> None:
    found = difference(np.array([size, size]), np.array([size, 2 * size]))
    assert found.max_delta == size
    assert (found.relative_error, found.sqnr, found.cosine, found.l2_ratio) == (None,) * 4
    assert found.exceeds(0)


@pytest.mark.parametrize("dtype", [np.int64, np.uint64])
def test_large_integers_are_compared_exactly(dtype: type) -> None:
    first, second = np.array([2**60, 5], dtype), np.array([2**60 + 1, 5], dtype)
    found = difference(first, second)
    assert (found.changed, found.max_delta) == (1, 1)
    assert found.exceeds(0)
    assert not found.exceeds(1)


def test_complex_values_differ_by_magnitudes() -> None:
    first, second = np.array([1 + 1j, 2]), np.array([1 + 1j, 2 + 3j])
    found = difference(first, second)
    assert (found.max_delta, found.changed) == (3, 1)
    assert found.relative_error == pytest.approx(3 / math.sqrt(6))
    product = abs(np.vdot(first, second).real)
    norms = np.linalg.norm(first) * np.linalg.norm(second)
    assert found.cosine == pytest.approx(product / norms)


def test_types_are_compared_by_value() -> None:
    values = np.arange(-8, 8).reshape(4, 4)
    for dtype in ("float16", "bfloat16", "int8", "int4", "float64"):
        found = compared(tensor_of(values.astype(np.float32)), tensor_of(values, dtype)).difference
        assert found is not None
        assert found.changed == 0, dtype


def test_quantized_tensors_are_compared_dequantized() -> None:
    codes = RNG.integers(-128, 128, (16, 700)).astype(np.int8)
    scales = RNG.uniform(0.01, 0.1, 16).astype(np.float32)
    floats = codes * scales[:, None]
    second = quantized(codes, "int8", scale=scales, scheme="per-channel", axis=0)
    found = compared(tensor_of(floats), second).difference
    assert found is not None
    assert found.changed == 0


@pytest.mark.parametrize("permutation", [(2, 3, 1, 0), (0, 2, 3, 1), (1, 0, 2, 3)], ids=str)
def test_known_layouts_of_kernels_are_recognized(permutation: tuple[int, ...]) -> None:
    second = KERNEL.transpose(permutation).copy()
    for first, other in ((KERNEL, second), (second, KERNEL)):
        found = compared(tensor_of(first), tensor_of(other))
        assert found.alignment.permutation is not None
        assert np.array_equal(first.transpose(found.alignment.permutation), other)
        assert found.difference is not None
        assert found.difference.changed == 0


@pytest.mark.parametrize("shape", [(50, 50), (3, 3, 3, 3), (3, 3, 3, 16), (5, 5, 5)], ids=str)
def test_a_transposition_that_keeps_the_shape_is_found_by_the_values(shape: tuple) -> None:
    values = RNG.normal(size=shape).astype(np.float32)
    for alignment in alignments(shape, shape):
        if alignment.permutation is None:
            continue
        second = values.transpose(alignment.permutation) + np.float32(0.01)
        found = compared(tensor_of(values), tensor_of(second))
        assert found.difference is not None
        assert found.difference.relative_error < 0.05
        assert found.difference.max_delta == pytest.approx(0.01, rel=1e-3)


def test_unrelated_square_matrices_stay_as_they_are() -> None:
    first, second = RNG.normal(size=(2, 40, 40))
    found = compared(tensor_of(first), tensor_of(second))
    assert found.alignment.permutation is None
    assert found.difference is not None
    assert found.difference.max_delta == np.abs(first - second).max()


def test_axes_of_length_one() -> None:
    found = compared(tensor_of(KERNEL[0, :, 0, 0]), tensor_of(KERNEL[:1, :, :1, :1]))
    assert found.alignment.name == "axes of length 1 added or dropped"
    assert found.difference is not None
    assert found.difference.changed == 0


@pytest.mark.parametrize("head_rows", [8, 32])
def test_rotary_rows_of_gguf_are_recognized(head_rows: int) -> None:
    weight = RNG.normal(size=(64, 24)).astype(np.float32)
    # llama.cpp, convert_hf_to_gguf.py, LlamaModel.permute
    heads = weight.reshape(64 // head_rows, 2, head_rows // 2, 24)
    stored = heads.swapaxes(1, 2).reshape(weight.shape)
    plain = tensor_of(weight)
    gguf = dataclasses.replace(tensor_of(stored), layer="blk.0.attn_q")
    for first, second in ((plain, gguf), (gguf, plain)):
        found = compared(first, second)
        assert found.alignment.name == f"rotary rows as GGUF orders them ({head_rows} a head)"
        assert found.difference is not None
        assert found.difference.changed == 0


def test_the_channel_of_a_transposed_kernel_is_that_of_the_second() -> None:
    second = np.ascontiguousarray(KERNEL.transpose(2, 3, 1, 0))
    second[..., 5] += 1
    label = {"label": "kernel"}
    found = compared(tensor_of(KERNEL), dataclasses.replace(tensor_of(second), **label)).difference
    assert found is not None
    assert found.worst_channel is not None
    assert (found.worst_channel.axis, found.worst_channel.index) == (3, 5)


def test_channels_across_chunks_of_different_lengths() -> None:
    values = RNG.normal(size=(3, 300_007)).astype(np.float32)
    other = values.copy()
    other[1, 200_000:] += 1
    second = dataclasses.replace(tensor_of(other.T), label="kernel")
    for one in (tensor_of(other), second):
        found = compared(tensor_of(values), one).difference
        assert found is not None
        assert found.changed == 100_007
        assert found.worst_channel is not None
        assert found.worst_channel.index == 1


def test_shapes_that_hold_different_tensors() -> None:
    found = compared(tensor_of(np.ones((2, 3))), tensor_of(np.ones((4, 5))))
    assert found.difference is None
    assert found.error == "shapes differ: (2, 3) and (4, 5)"
    assert found.differs(math.inf)
    assert not found.unreadable


def test_a_tensor_that_cannot_be_read() -> None:
    bad = dataclasses.replace(tensor_of(KERNEL), error="is damaged")
    found = compared(tensor_of(KERNEL), bad)
    assert found.unreadable
    assert found.error == "layer.weight: is damaged"


def test_a_huge_spread_of_one_element_is_not_read_whole() -> None:
    layout = Layout((1 << 12, 1 << 13), (0, 0))
    one = tensor_of(np.ones(1, np.float32), layout=layout)
    other = tensor_of(np.ones(1, np.float32), layout=Layout((1 << 13, 1 << 12), (0, 0)))
    found = compared(one, other)
    assert found.unreadable
    assert "spreads 1 stored elements" in str(found.error)


def test_a_comparison_can_be_stopped() -> None:
    pair = Pair(tensor_of(KERNEL), tensor_of(KERNEL), "same name")
    with pytest.raises(CancelledError):
        compare(pair, stop=lambda: True)


def test_a_tolerance() -> None:
    found = difference(np.array([1.0, 2.0]), np.array([1.0, 2.5]))
    assert found.exceeds(0.49)
    assert not found.exceeds(0.5)
