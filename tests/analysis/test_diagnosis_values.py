"""Moments of shape, sparsity, percentiles of magnitudes and outliers against NumPy and SciPy."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from made_tensors import quantized, tensor_of
from scipy import stats

from tensorpeek.analysis import measure
from tensorpeek.analysis.diagnosis.grid_use import grid_use
from tensorpeek.analysis.diagnosis.magnitudes import PERCENTILES, magnitude_percentiles
from tensorpeek.analysis.diagnosis.outliers import outliers
from tensorpeek.analysis.diagnosis.shape_moments import shape_moments
from tensorpeek.analysis.diagnosis.sparsity import LIMITS, sparsity
from tensorpeek.analysis.diagnosis.unmeasurable import UnmeasurableError
from tensorpeek.loaders import DTYPES, Tensor

RNG = np.random.default_rng(3)


def values_of(dtype: str) -> np.ndarray:
    """Values of a type with a tail, repeated values and zeros."""
    element = DTYPES[dtype]
    wide = RNG.standard_t(3, 3001) * (0.5 if element.kind in {"float", "complex"} else 20)
    wide[::7] = 0
    if element.kind == "bool":
        return wide > 0
    if element.kind == "complex":
        return wide + 1j * wide[::-1]
    if element.kind == "int":
        low, high = element.limits()
        return np.clip(np.rint(wide), low, high).astype(np.int64).astype(element.numpy)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return (np.abs(wide) + 0.1 if not element.signed else wide).astype(element.numpy)


ALL_TYPES = [name for name in DTYPES if name not in {"complex32", "float8_e8m0fnu"}]


def as_float64(tensor: Tensor) -> np.ndarray:
    values = tensor.read().reshape(-1)
    floats = np.abs(values.astype(complex)) if values.dtype.kind == "c" else values
    floats = floats.astype(np.float64)
    return floats[np.isfinite(floats)]


@pytest.mark.parametrize("dtype", ALL_TYPES)
def test_shape_moments_of_every_type(dtype: str) -> None:
    tensor = tensor_of(values_of(dtype), dtype)
    values = as_float64(tensor)
    found = shape_moments(tensor, "dequantized", measure(tensor))
    assert found.skewness == pytest.approx(stats.skew(values), rel=1e-9, abs=1e-9)
    assert found.excess_kurtosis == pytest.approx(stats.kurtosis(values), rel=1e-9, abs=1e-9)
    assert found.zeros_percent == pytest.approx(100 * np.mean(values == 0))


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(np.empty(0, np.float32), id="empty"),
        pytest.param(np.full(5, np.nan, np.float32), id="nothing but NaN"),
        pytest.param(np.full(70000, 0.1, np.float32), id="equal values"),
        pytest.param(np.zeros(5, np.int8), id="zeros"),
        pytest.param(np.float32(3.0), id="a scalar"),
    ],
)
def test_no_spread_has_no_shape(values: np.ndarray) -> None:
    tensor = tensor_of(values)
    found = shape_moments(tensor, "dequantized", measure(tensor))
    assert (found.skewness, found.excess_kurtosis) == (None, None)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_what_is_not_finite_poisons_nothing(dtype: str) -> None:
    clean = RNG.normal(size=5000).astype(dtype)
    sick = np.concatenate((clean, np.array([np.nan, np.inf, -np.inf], dtype)))
    tensor = tensor_of(sick)
    distribution = measure(tensor)
    floats = clean.astype(np.float64)
    assert shape_moments(tensor, "dequantized", distribution).skewness == pytest.approx(
        stats.skew(floats), abs=1e-9
    )
    near = sparsity(tensor, "dequantized", distribution)
    assert near.near_zero_percent[1e-2] == 100 * np.sum(np.abs(floats) <= 1e-2) / sick.size
    found = near.magnitude_percentiles
    assert found is not None
    assert list(found.values()) == pytest.approx(np.percentile(np.abs(floats), PERCENTILES))
    assert outliers(distribution).crest_factor == pytest.approx(
        np.abs(floats).max() / np.sqrt(np.mean(floats**2))
    )


def test_moments_far_from_zero_keep_their_digits() -> None:
    values = 1000 + 0.01 * RNG.gamma(2, size=100_000)
    tensor = tensor_of(values)
    found = shape_moments(tensor, "dequantized", measure(tensor))
    centered = values - values.mean()
    assert found.skewness == pytest.approx(stats.skew(centered), rel=1e-8)
    assert found.excess_kurtosis == pytest.approx(stats.kurtosis(centered), rel=1e-8)


@pytest.mark.parametrize("scale", [1e200, 1e-200], ids=["huge", "tiny"])
def test_scale_changes_no_shape(scale: float) -> None:
    values = RNG.gamma(2, size=2000)
    tensor = tensor_of(values * scale)
    found = shape_moments(tensor, "dequantized", measure(tensor))
    assert found.skewness == pytest.approx(stats.skew(values))


@pytest.mark.parametrize("dtype", ALL_TYPES)
def test_percentiles_of_magnitudes_of_every_type(dtype: str) -> None:
    tensor = tensor_of(values_of(dtype), dtype)
    found = magnitude_percentiles(measure(tensor))
    assert found is not None
    wanted = np.percentile(np.abs(as_float64(tensor)), PERCENTILES)
    assert list(found.values()) == pytest.approx(wanted, rel=1e-15, abs=0)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64", "uint32"])
def test_percentiles_of_many_wide_magnitudes(dtype: str) -> None:
    values = RNG.normal(size=300_000) * (1 if dtype.startswith("float") else 1e6)
    tensor = tensor_of((np.abs(values) if dtype == "uint32" else values).astype(dtype))
    found = magnitude_percentiles(measure(tensor))
    assert found is not None
    wanted = np.percentile(np.abs(as_float64(tensor)), PERCENTILES)
    assert list(found.values()) == pytest.approx(wanted, rel=1e-15, abs=0)


@pytest.mark.parametrize("dtype", ALL_TYPES)
def test_shares_near_zero_of_every_type(dtype: str) -> None:
    tensor = tensor_of(values_of(dtype), dtype)
    found = sparsity(tensor, "dequantized", measure(tensor))
    magnitudes = np.abs(as_float64(tensor))
    for limit in LIMITS:
        wanted = 100 * np.count_nonzero(magnitudes <= limit) / tensor.params
        assert found.near_zero_percent[limit] == pytest.approx(wanted)
    assert found.zero_point_percent is None


def test_a_limit_between_two_floats_is_exact() -> None:
    around = np.nextafter(np.float32(1e-4), np.float32([0, 1]), dtype=np.float32)
    tensor = tensor_of(np.concatenate((around, [np.float32(1e-4)])))
    found = sparsity(tensor, "dequantized", measure(tensor))
    wanted = np.mean(tensor.read().astype(np.float64) <= 1e-4)
    assert found.near_zero_percent[1e-4] == pytest.approx(100 * wanted)


def test_raw_views_count_what_is_at_the_zero_point() -> None:
    codes = RNG.integers(0, 8, (4, 100))
    points = np.array([3, 0, 7, 3])
    same = quantized(codes, "uint8", scale=0.1, zero_point=3)
    each = quantized(
        codes, "uint8", scale=np.ones(4), zero_point=points, scheme="per-channel", axis=0
    )
    for tensor, wanted in ((same, codes == 3), (each, codes == points[:, None])):
        found = sparsity(tensor, "raw", measure(tensor, "raw"))
        assert found.zero_point_percent == pytest.approx(100 * wanted.mean())
        floats = sparsity(tensor, "dequantized", measure(tensor))
        assert floats.near_zero_percent[0.0] == pytest.approx(100 * wanted.mean())


@pytest.mark.parametrize("dtype", ["float16", "float32", "int16", "int32"])
def test_outliers_are_those_beyond_tukeys_fences(dtype: str) -> None:
    values = (RNG.standard_t(2, 20_000) * (1 if dtype.startswith("float") else 50)).astype(dtype)
    found = outliers(measure(tensor_of(values)))
    floats = values.astype(np.float64)
    low, high = np.percentile(floats, (25, 75))
    assert found.iqr == pytest.approx(stats.iqr(floats), rel=1e-12)
    for share, far in ((found.mild_percent, 1.5), (found.extreme_percent, 3.0)):
        beyond = (floats < low - far * (high - low)) | (floats > high + far * (high - low))
        assert share == pytest.approx(100 * beyond.mean())
    assert found.dynamic_range == pytest.approx(np.abs(floats).max() / np.abs(floats).mean())
    assert found.crest_factor == pytest.approx(np.abs(floats).max() / np.sqrt((floats**2).mean()))


def test_the_largest_values_of_float64_have_a_crest_factor() -> None:
    values = RNG.normal(size=4000).clip(-3, 3)
    found = outliers(measure(tensor_of(values * 2.0**1020)))  # the norm of these is infinite
    expected = np.abs(values).max() / np.sqrt((values**2).mean())
    assert found.crest_factor == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(np.empty(0, np.float32), id="empty"),
        pytest.param(np.full(3, np.nan), id="nothing but NaN"),
        pytest.param(np.zeros(9, np.float32), id="zeros"),
    ],
)
def test_nothing_stands_out_of_nothing(values: np.ndarray) -> None:
    found = outliers(measure(tensor_of(values)))
    assert found.extreme_percent is None
    assert found.dynamic_range is None
    assert found.crest_factor is None


def test_a_pruned_tensor_has_no_outliers() -> None:
    values = np.zeros(1000, np.float32)
    values[:100] = RNG.normal(size=100)
    found = outliers(measure(tensor_of(values)))
    assert (found.iqr, found.extreme_percent) == (0, None)


@settings(max_examples=40, deadline=None)
@given(arrays(np.int8, st.integers(1, 300), elements=st.integers(-128, 127)))
def test_use_of_a_grid_agrees_with_scipy(codes: np.ndarray) -> None:
    tensor = quantized(codes, "int8", scale=0.1)
    found = grid_use(tensor, measure(tensor, "raw"))
    levels, counts = np.unique(codes, return_counts=True)
    assert found.used_levels == levels.size
    assert found.entropy_bits == pytest.approx(stats.entropy(counts, base=2), abs=1e-12)
    assert found.low_percent == pytest.approx(100 * np.mean(codes == -128))
    assert found.high_percent == pytest.approx(100 * np.mean(codes == 127))
    needed = math.ceil(math.log2(int(levels[-1]) - int(levels[0]) + 1))
    assert found.unused_bits == 8 - needed
    assert found.stored_bits == 8


def test_a_grid_that_is_used_evenly_wastes_nothing() -> None:
    tensor = quantized(np.tile(np.arange(-8, 8), 4), "int4", scale=1.0)
    found = grid_use(tensor, measure(tensor, "raw"))
    assert (found.levels, found.used_levels, found.unused_bits) == (16, 16, 0)
    assert (found.entropy_bits, found.stored_bits) == (4, 4)
    assert found.low_percent == found.high_percent == 6.25


@pytest.mark.parametrize(
    ("tensor", "reason"),
    [
        pytest.param(tensor_of(np.zeros(3)), "not quantized", id="a float tensor"),
        pytest.param(quantized(np.zeros(0), "int8", scale=1.0), "empty", id="an empty tensor"),
        pytest.param(quantized(np.zeros(3), "int32", scale=1.0), "16 bits", id="int32 codes"),
    ],
)
def test_why_the_use_of_a_grid_is_absent(tensor: Tensor, reason: str) -> None:
    with pytest.raises(UnmeasurableError, match=reason):
        grid_use(tensor, measure(tensor, "raw"))
