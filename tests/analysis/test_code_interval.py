"""Intervals of values as intervals of codes, against the dequantized values."""

from __future__ import annotations

import math

import numpy as np
import pytest
from command.in_memory import make_tensor, per_channel, per_tensor
from hypothesis import given, settings
from hypothesis import strategies as st

from tensorpeek.analysis.code_interval import code_interval

CODES = np.arange(-128, 128, dtype=np.int8)
BOUNDS = st.floats(allow_nan=False, width=32)


def dequantized(scale: float, point: int) -> np.ndarray:
    """The formula of ONNX DequantizeLinear, rounded as torch does."""
    return ((CODES.astype(np.int64) - point).astype(np.float32) * np.float32(scale)).astype(float)


@settings(max_examples=300, deadline=None)
@given(
    low=BOUNDS | st.integers(-300, 300),
    high=BOUNDS | st.integers(-300, 300),
    scale=st.floats(2.0**-20, 2.0**20, width=32) | st.sampled_from([1.0, 0.1, 0.5]),
    point=st.integers(-128, 127),
)
def test_the_same_elements_lie_in_both(low: float, high: float, scale: float, point: int) -> None:
    low, high = sorted((low * scale, high * scale))
    values = dequantized(scale, point)
    tensor = make_tensor("w.weight", CODES, quantization=per_tensor(scale, point))
    found = code_interval(tensor, low, high)
    assert found is not None
    inside = (found[0] <= CODES) & (found[1] >= CODES)
    np.testing.assert_array_equal(inside, (values >= low) & (values <= high))


def test_infinite_ends_stay_infinite() -> None:
    tensor = make_tensor("w.weight", CODES, quantization=per_tensor(0.5, 1))
    assert code_interval(tensor, -math.inf, math.inf) == (-math.inf, math.inf)


@pytest.mark.parametrize("scale", [0.0, -1.0, math.inf, math.nan])
def test_there_is_none_with_a_scale_that_orders_nothing(scale: float) -> None:
    tensor = make_tensor("w.weight", CODES, quantization=per_tensor(scale, 0))
    assert code_interval(tensor, -1.0, 1.0) is None


def test_there_is_none_with_several_scales_or_without_codes() -> None:
    codes = CODES.reshape(2, 128)
    quantized = make_tensor("w.weight", codes, quantization=per_channel(np.array([0.1, 0.2])))
    assert code_interval(quantized, -1.0, 1.0) is None
    assert code_interval(make_tensor("w.weight", CODES), -1.0, 1.0) is None


@pytest.mark.parametrize("low", [2.0**30 + 37, -(2.0**31) + 100, 2.0**24 + 1])
def test_codes_that_float32_does_not_tell_apart_are_taken_together(low: float) -> None:
    codes = (int(low) + np.arange(-600, 600)).clip(-(2**31), 2**31 - 1).astype(np.int32)
    tensor = make_tensor("w.bias", codes, quantization=per_tensor(1.0, 0))
    found = code_interval(tensor, low, low + 300)
    assert found is not None
    values = codes.astype(np.float32).astype(float)
    inside = (codes >= found[0]) & (codes <= found[1])
    np.testing.assert_array_equal(inside, (values >= low) & (values <= low + 300))
