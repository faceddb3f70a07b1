"""Both views of quantized tensors, counted as codes and as the floats that they stand for."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from made_tensors import quantized, tensor_of
from numpy.typing import NDArray

from tensorpeek.analysis import (
    QUANTILES,
    CountTable,
    WideDistribution,
    channels,
    default_edges,
    measure,
    quantization_facts,
)
from tensorpeek.loaders import Tensor

RNG = np.random.default_rng(0)
SCALES = [0.01, 0.02, -0.003, 0.5, 1e-20, 7.0]
POINTS = [0, 3, -3, 100, 0, -128]


def _codes(low: int, high: int, shape: tuple[int, ...] = (6, 50, 4)) -> NDArray[np.int64]:
    return RNG.integers(low, high, shape, endpoint=True)


CASES = [
    pytest.param(lambda: quantized(_codes(-128, 127), "int8", scale=0.0123), True, id="int8"),
    pytest.param(
        lambda: quantized(_codes(0, 255), "uint8", scale=0.02, zero_point=127),
        True,
        id="uint8 with a zero point",
    ),
    pytest.param(
        lambda: quantized(_codes(-8, 7), "int4", scale=-0.5, zero_point=1),
        True,
        id="int4 with a negative scale",
    ),
    pytest.param(
        lambda: quantized(_codes(-30000, 30000), "int16", scale=1e-4, scale_dtype="float64"),
        True,
        id="int16 with a float64 scale",
    ),
    pytest.param(
        lambda: quantized(_codes(-128, 127), "int8", scale=0.1, scale_dtype="bfloat16"),
        True,
        id="int8 with a bfloat16 scale",
    ),
    pytest.param(
        lambda: quantized(_codes(-128, 127), "int8", scale=3000.0, scale_dtype="float16"),
        True,
        id="int8 that overflows float16",
    ),
    pytest.param(
        lambda: quantized(RNG.normal(size=500), "float8_e4m3fn", scale=0.1),
        True,
        id="codes that are small floats",
    ),
    pytest.param(
        lambda: quantized(_codes(-(2**30), 2**30), "int32", scale=1e-6),
        False,
        id="int32",
    ),
    pytest.param(
        lambda: quantized(
            _codes(-128, 127), "int8", scheme="per-channel", axis=0, scale=SCALES, zero_point=POINTS
        ),
        True,
        id="per channel along the first axis",
    ),
    pytest.param(
        lambda: quantized(
            _codes(0, 15, (7, 6, 3)), "uint4", scheme="per-channel", axis=1, scale=SCALES
        ),
        True,
        id="per channel along a middle axis",
    ),
    pytest.param(
        lambda: quantized(
            _codes(-128, 127, (31, 6)), "int8", scheme="per-channel", axis=1, scale=SCALES
        ),
        True,
        id="per channel along the last axis",
    ),
    pytest.param(
        lambda: quantized(
            _codes(-128, 127, (8, 6)),
            "int8",
            scheme="blockwise",
            axis=0,
            block=4,
            scale=np.array([SCALES, SCALES[::-1]]),
        ),
        False,
        id="blockwise",
    ),
    pytest.param(
        lambda: quantized(
            _codes(-128, 127, (8, 6)),
            "int8",
            scheme="blockwise",
            axis=0,
            block=4,
            scale=np.array([SCALES, SCALES[::-1]]),
            scale_dtype="float16",
        ),
        True,
        id="blockwise with float16 scales",
    ),
    pytest.param(
        lambda: quantized(_codes(-128, 127), "int8", scale=0.0), True, id="a scale of zero"
    ),
    pytest.param(
        lambda: quantized(_codes(-128, 127), "int8", scale=math.nan), True, id="a scale of NaN"
    ),
    pytest.param(
        lambda: quantized(np.zeros((0, 3)), "int8", scale=1.0), True, id="an empty tensor"
    ),
]


def _truth(tensor: Tensor) -> NDArray[np.float64]:
    with np.errstate(all="ignore"):
        return tensor.read().astype(np.float64).reshape(-1)


@pytest.mark.parametrize(("make", "exact"), CASES)
def test_the_dequantized_view_equals_the_dequantized_array(
    make: Callable[[], Tensor], exact: bool
) -> None:
    tensor = make()
    distribution, truth = measure(tensor), _truth(tensor)
    assert distribution.exact_at_once is exact
    finite = truth[np.isfinite(truth)]
    summary = distribution.summary
    assert (summary.count, summary.finite) == (truth.size, finite.size)
    assert (summary.nan, summary.zeros) == (np.isnan(truth).sum(), (truth == 0).sum())
    edges = default_edges(tensor, "dequantized", distribution, 50)
    found = distribution.histogram(edges)
    assert np.array_equal(found.counts, np.histogram(finite, edges.values)[0])
    assert found.below == found.above == 0
    if finite.size:
        assert (summary.minimum, summary.maximum) == (finite.min(), finite.max())
        assert summary.mean == pytest.approx(finite.mean(), rel=1e-12, abs=1e-12 * finite.std())
        assert summary.std == pytest.approx(finite.std(), rel=1e-12)
        assert summary.quantiles is not None
        assert list(summary.quantiles.values()) == np.quantile(finite, QUANTILES).tolist()


@pytest.mark.parametrize(("make", "exact"), CASES)
def test_the_raw_view_equals_the_codes(make: Callable[[], Tensor], exact: bool) -> None:
    tensor = make()
    codes = tensor.read("raw").astype(np.float64).reshape(-1)
    distribution = measure(tensor, "raw")
    edges = default_edges(tensor, "raw", distribution, 64)
    found = distribution.histogram(edges)
    assert np.array_equal(found.counts, np.histogram(codes, edges.values)[0])
    if codes.size:
        integers = tensor.element.kind == "int"
        assert (edges.levels is not None) == integers
        assert isinstance(distribution.summary.minimum, int) == integers
        assert distribution.summary.std == pytest.approx(codes.std(), rel=1e-12)


@pytest.mark.parametrize("bins", [10, 50, 256, 1000])
@pytest.mark.parametrize("scale", [0.0123, -0.0123])
def test_dequantized_bins_hold_as_many_elements_as_bins_of_codes(scale: float, bins: int) -> None:
    tensor = quantized(_codes(-100, 127), "int8", scale=scale, zero_point=-5)
    raw, floats = measure(tensor, "raw"), measure(tensor)
    of_codes = raw.histogram(default_edges(tensor, "raw", raw, bins))
    of_floats = floats.histogram(default_edges(tensor, "dequantized", floats, bins))
    assert of_floats.edges.levels == of_codes.edges.levels
    order = 1 if scale > 0 else -1
    assert of_floats.counts.tolist() == of_codes.counts[::order].tolist()


def test_codes_that_are_small_floats_keep_their_fractions() -> None:
    codes = [0.5, -0.75, 1.25, 448]
    tensor = quantized(codes, "float8_e4m3fn", scale=2.0)
    assert tensor.read().tolist() == [1.0, -1.5, 2.5, 896.0]
    assert measure(tensor).summary.maximum == 896.0


def test_too_many_channels_are_measured_without_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    tensor = quantized(_codes(-128, 127), "int8", scheme="per-channel", axis=0, scale=SCALES)
    table = measure(tensor)
    monkeypatch.setattr(channels, "MAX_KEYS", 1000)
    wide = measure(tensor)
    assert isinstance(table, CountTable)
    assert isinstance(wide, WideDistribution)
    edges = default_edges(tensor, "dequantized", table, 50)
    assert np.array_equal(table.histogram(edges).counts, wide.histogram(edges).counts)
    assert table.summary.quantiles == wide.summary.quantiles
    assert table.summary.std == pytest.approx(wide.summary.std, rel=1e-12)


def test_facts_of_a_tensor_quantized_per_channel() -> None:
    codes = _codes(-100, 100)
    codes[0, 0, 0], codes[1, :3, 0], codes[2, 0, 0] = -128, 127, -127
    tensor = quantized(codes, "int8", scheme="per-channel", axis=0, scale=SCALES, zero_point=POINTS)
    facts = quantization_facts(tensor, measure(tensor, "raw"))
    scales = np.array(SCALES, np.float32).astype(np.float64)
    assert (facts.scheme, facts.source, facts.bits) == ("per-channel", "test", 8)
    assert (facts.axis, facts.block, facts.groups) == (0, None, 6)
    assert facts.scale_mean == pytest.approx(scales.mean(), rel=1e-15)
    assert (facts.scale_min, facts.scale_max) == (scales.min(), scales.max())
    assert facts.zero_point_mean == pytest.approx(np.mean(POINTS))
    assert (facts.zero_point_min, facts.zero_point_max) == (-128, 100)
    assert (facts.raw_min, facts.raw_max) == (-128, 127)
    assert (facts.code_low, facts.code_high) == (-128, 127)
    assert (facts.at_low, facts.at_high, facts.count) == (1, 3, codes.size)


@pytest.mark.parametrize(
    ("dtype", "bits", "limits"),
    [
        pytest.param("uint8", 4, (0, 15), id="4 bits in an unsigned byte"),
        pytest.param("int8", 4, (-8, 7), id="4 bits in a signed byte"),
        pytest.param("uint4", 4, (0, 15), id="uint4"),
        pytest.param("int32", 32, (-(2**31), 2**31 - 1), id="int32"),
        pytest.param("float8_e4m3fn", 8, (-448, 448), id="codes that are floats"),
    ],
)
def test_the_limits_of_codes(dtype: str, bits: int, limits: tuple[int, int]) -> None:
    tensor = quantized([1, 2, 3], dtype, scale=1.0, bits=bits)
    facts = quantization_facts(tensor, measure(tensor, "raw"))
    assert (facts.code_low, facts.code_high) == limits
    assert (facts.at_low, facts.at_high) == (0, 0)
    assert (facts.raw_min, facts.raw_max) == (1, 3)


def test_facts_of_an_empty_tensor_have_no_extremes() -> None:
    tensor = quantized(np.zeros((0, 6)), "int8", scheme="per-channel", axis=1, scale=SCALES)
    facts = quantization_facts(tensor, measure(tensor, "raw"))
    assert (facts.raw_min, facts.raw_max, facts.at_low, facts.count) == (None, None, 0, 0)


def test_a_tensor_that_is_not_quantized_has_no_facts() -> None:
    tensor = tensor_of([1.0, 2.0], "float32")
    with pytest.raises(ValueError, match="not quantized"):
        quantization_facts(tensor, measure(tensor))
