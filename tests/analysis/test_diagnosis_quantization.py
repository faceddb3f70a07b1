"""Simulated quantization against torch, ml_dtypes, brute force and theory."""

from __future__ import annotations

import dataclasses
import math

import ml_dtypes
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from made_tensors import quantized, tensor_of
from numpy.typing import NDArray

from tensorpeek.analysis import CountTable, measure
from tensorpeek.analysis.diagnosis.clipping import best_clipping
from tensorpeek.analysis.diagnosis.error_sums import GridError
from tensorpeek.analysis.diagnosis.float_grids import E4M3, E5M2, MXFP4, NF4, NF4_LEVELS, FloatGrid
from tensorpeek.analysis.diagnosis.grids import IntegerGrid
from tensorpeek.analysis.diagnosis.matrix_ranges import matrix_ranges
from tensorpeek.analysis.diagnosis.quantization_error import (
    Trial,
    all_trials,
    quantization_errors,
)
from tensorpeek.analysis.diagnosis.unmeasurable import UnmeasurableError
from tensorpeek.analysis.diagnosis.weight_matrix import weight_matrix
from tensorpeek.loaders import Tensor

RNG = np.random.default_rng(17)
Floats = NDArray[np.float64]


def errors_of(tensor: Tensor, trials: list[Trial], view: str = "dequantized") -> list[GridError]:
    distribution = measure(tensor, view)
    matrix = weight_matrix(tensor, view, distribution.summary)
    return quantization_errors(matrix, matrix_ranges(matrix), distribution, trials)


def check(found: GridError, values: Floats, rounded: Floats, *, ties: float = 1e-7) -> None:
    """Compare; values halfway between levels, which may go either way, move only the cosine."""
    wrong = rounded - values
    assert found.mse == pytest.approx(np.mean(wrong**2), rel=1e-5)
    assert found.mae == pytest.approx(np.mean(np.abs(wrong)), rel=1e-5)
    if values.any() and wrong.any():
        ratio = 10 * math.log10(np.sum(values**2) / np.sum(wrong**2))
        assert found.sqnr_db == pytest.approx(ratio, abs=1e-4)
    if values.any() and rounded.any():
        cosine = np.sum(values * rounded) / np.linalg.norm(values) / np.linalg.norm(rounded)
        assert found.cosine == pytest.approx(cosine, abs=ties)


def in_groups(values: Floats, granularity: str | int) -> list[Floats]:
    """The parts of a matrix that share a scale."""
    if granularity == "tensor":
        return [values]
    if granularity == "channel":
        return list(values)
    return [row[at : at + granularity] for row in values for at in range(0, row.size, granularity)]


def by_torch(part: Floats, grid: IntegerGrid) -> Floats:
    """What torch's fake quantization makes of values that share a scale."""
    low, high = min(part.min(), 0), max(part.max(), 0)
    if low == high:
        return part
    if grid.symmetric:
        top = 2 ** (grid.bits - 1) - 1
        scale, point, first = max(-low, high) / top, 0, -top
    else:
        top = 2**grid.bits - 1
        scale, first = (high - low) / top, 0
        point = round(-low / scale)
    return torch.fake_quantize_per_tensor_affine(
        torch.from_numpy(np.ascontiguousarray(part)), scale, point, first, top
    ).numpy()


@pytest.mark.parametrize("symmetric", [True, False], ids=["symmetric", "asymmetric"])
@pytest.mark.parametrize("bits", [8, 6, 4, 3, 2])
@pytest.mark.parametrize("granularity", ["tensor", "channel", 32, 64, 128])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_integer_grids_agree_with_torch(
    symmetric: bool, bits: int, granularity: str | int, dtype: str
) -> None:
    grid = IntegerGrid(bits, symmetric)
    tensor = tensor_of((RNG.standard_t(4, (40, 200)) + 0.3).astype(dtype))
    values = tensor.read().astype(np.float64)
    (found,) = errors_of(tensor, [Trial(grid, granularity)])
    rounded = [by_torch(part, grid) for part in in_groups(values, granularity)]
    matrix = np.concatenate([part.reshape(-1) for part in rounded]).reshape(40, 200)
    check(found, values, matrix, ties=1e-3 if dtype == "float16" else 1e-7)
    spans = [
        max(-part.min(), part.max()) / (2 ** (bits - 1) - 1)
        if symmetric
        else (max(part.max(), 0) - min(part.min(), 0)) / (2**bits - 1)
        for part in in_groups(values, granularity)
    ]
    assert found.scale_mean == pytest.approx(np.mean(spans))
    assert (found.scale_min, found.scale_max) == pytest.approx((min(spans), max(spans)))


def rounded_by_cast(part: Floats, dtype: type, largest: float) -> Floats:
    scale = np.abs(part).max() / largest
    return (part / scale).astype(dtype).astype(np.float64) * scale


@pytest.mark.parametrize(
    ("grid", "dtype", "largest"),
    [
        pytest.param(E4M3, ml_dtypes.float8_e4m3fn, 448, id="e4m3"),
        pytest.param(E5M2, ml_dtypes.float8_e5m2, 57344, id="e5m2"),
    ],
)
@pytest.mark.parametrize("tensor_dtype", ["float32", "bfloat16"])
def test_fp8_agrees_with_ml_dtypes(
    grid: FloatGrid, dtype: type, largest: float, tensor_dtype: str
) -> None:
    values = RNG.normal(size=(30, 300)) * 10.0 ** RNG.integers(-8, 1, (30, 300))
    tensor = tensor_of(values, tensor_dtype)
    floats = tensor.read().astype(np.float64)
    (found,) = errors_of(tensor, [Trial(grid, "tensor")])
    check(found, floats, rounded_by_cast(floats, dtype, largest))
    assert found.clipped_percent == 0


@pytest.mark.parametrize("grid", [E4M3, E5M2, MXFP4], ids=lambda grid: grid.name)
def test_every_number_of_a_float_grid_stays(grid: FloatGrid) -> None:
    dtype = {
        E4M3: ml_dtypes.float8_e4m3fn,
        E5M2: ml_dtypes.float8_e5m2,
        MXFP4: ml_dtypes.float4_e2m1fn,
    }[grid]
    numbers = np.arange(256).astype(np.uint8)[: 16 if grid is MXFP4 else 256]
    floats = numbers.view(dtype).astype(np.float64)
    floats = floats[np.isfinite(floats)][None]
    ends = np.array([[-floats.max()]]), np.array([[floats.max()]])
    assert not grid.round(floats, *ends).errors.any()
    middle = np.sort(floats[0])
    middle = ((middle[1:] + middle[:-1]) / 2)[None]
    wanted = middle.astype(dtype).astype(np.float64)  # halfway: to even
    np.testing.assert_array_equal(middle + grid.round(middle, *ends).errors, wanted)


def test_nf4_takes_the_nearest_level_of_its_block() -> None:
    values = RNG.normal(size=(10, 200))
    (found,) = errors_of(tensor_of(values), [Trial(NF4, 64)])
    rounded = []
    for part in in_groups(values, 64):
        levels = NF4_LEVELS * np.abs(part).max()
        rounded.append(levels[np.abs(part[:, None] - levels).argmin(axis=1)])
    check(found, values, np.concatenate(rounded).reshape(values.shape))


def test_nf4_levels_are_quantiles_of_the_normal_distribution() -> None:
    """Appendix E of the paper: 8 levels below and 9 above zero, zero shared."""
    from scipy.stats import norm

    offset = (1 - 1 / 30 + 1 - 1 / 32) / 2
    upper = norm.ppf(np.linspace(offset, 0.5, 9)[:-1])
    lower = -norm.ppf(np.linspace(offset, 0.5, 8)[:-1])
    wanted = np.sort(np.concatenate((upper, [0], lower)))
    np.testing.assert_allclose(NF4_LEVELS, wanted / wanted.max(), atol=1e-6)


def test_mxfp4_has_scales_of_powers_of_two() -> None:
    values = RNG.normal(size=(10, 200)) * 10.0 ** RNG.integers(-3, 3, (10, 1))
    (found,) = errors_of(tensor_of(values), [Trial(MXFP4, 32)])
    rounded, clipped = [], 0
    for part in in_groups(values, 32):
        scale = 2.0 ** (math.floor(math.log2(np.abs(part).max())) - 2)
        inside = np.clip(part / scale, -6, 6)
        rounded.append(inside.astype(ml_dtypes.float4_e2m1fn).astype(np.float64) * scale)
        clipped += np.sum(np.abs(part / scale) >= 7)
    check(found, values, np.concatenate(rounded).reshape(values.shape))
    assert found.clipped_percent == pytest.approx(100 * clipped / values.size)
    assert math.log2(found.scale_max or 0).is_integer()


@pytest.mark.parametrize("bits", [4, 6, 8])
def test_uniform_values_have_the_sqnr_of_theory(bits: int) -> None:
    """Noise of step**2 / 12 under uniform values: 6.02 dB a bit (Bennett 1948)."""
    values = RNG.uniform(-1, 1, (100, 2000))
    symmetric, asymmetric = errors_of(
        tensor_of(values), [Trial(IntegerGrid(bits, kind), "tensor") for kind in (True, False)]
    )
    assert symmetric.sqnr_db == pytest.approx(20 * math.log10(2**bits - 2), abs=0.05)
    assert asymmetric.sqnr_db == pytest.approx(20 * math.log10(2**bits - 1), abs=0.05)


@settings(max_examples=150, deadline=None)
@given(
    arrays(np.float64, st.integers(1, 50), elements=st.floats(-1e6, 1e6)),
    st.sampled_from([2, 3, 4, 6, 8]),
    st.booleans(),
)
def test_no_error_is_larger_than_half_a_step(values: Floats, bits: int, symmetric: bool) -> None:
    low, high = np.array([[values.min()]]), np.array([[values.max()]])
    rounded = IntegerGrid(bits, symmetric).round(values[None], low, high)
    assert np.abs(rounded.errors).max() <= rounded.scales.max() / 2 * (1 + 1e-12) + 1e-280


@settings(max_examples=50, deadline=None)
@given(st.integers(2, 8), st.floats(1e-6, 1e6))
def test_what_lies_on_a_grid_has_no_error(bits: int, scale: float) -> None:
    top = 2 ** (bits - 1) - 1
    values = np.arange(-top, top + 1) * scale
    (found,) = errors_of(tensor_of(values), [Trial(IntegerGrid(bits, symmetric=True), "tensor")])
    assert found.sqnr_db is not None
    assert found.sqnr_db > 280


@pytest.mark.parametrize("dtype", ["int8", "int16", "float8_e4m3fn", "bfloat16", "uint8"])
def test_tables_and_passes_agree(dtype: str) -> None:
    values = np.clip(RNG.standard_t(5, (30, 100)) * (1 if "float" in dtype else 20), -120, 120)
    values = np.abs(values) if dtype == "uint8" else values
    tensor = tensor_of(np.rint(values) if "float" not in dtype else values, dtype)
    wide = tensor_of(tensor.read().astype(np.float64))
    trials = [trial for trial in all_trials((8, 4, 2)) if trial.granularity == "tensor"]
    for one, other in zip(errors_of(tensor, trials), errors_of(wide, trials), strict=True):
        for name, value in dataclasses.asdict(one).items():
            expected = getattr(other, name)
            assert value == (
                pytest.approx(expected, rel=1e-9) if isinstance(expected, float) else expected
            )


def test_both_views_of_a_quantized_tensor() -> None:
    codes = RNG.integers(-128, 128, (8, 60))
    scales = RNG.uniform(0.01, 1, 8).astype(np.float32)
    tensor = quantized(codes, "int8", scale=scales, scheme="per-channel", axis=0)
    trial = Trial(IntegerGrid(4, symmetric=True), "channel")
    for view in ("raw", "dequantized"):
        values = tensor.read(view).astype(np.float64)
        (found,) = errors_of(tensor, [trial], view)
        check(found, values, np.stack([by_torch(row, trial.grid) for row in values]))


def test_channels_of_keras_are_the_last_axis() -> None:
    values = RNG.normal(size=(3, 3, 40, 20)) * np.geomspace(1, 1e4, 20)
    tensor = dataclasses.replace(tensor_of(values), label="kernel")
    trials = [Trial(IntegerGrid(8, symmetric=True), unit) for unit in ("tensor", "channel", 32)]
    whole, channel, group = errors_of(tensor, trials)
    assert (channel.mse or 0) < (whole.mse or 0) / 3
    assert (group.mse or 0) < (channel.mse or 0)


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(np.empty((0, 3), np.float32), id="empty"),
        pytest.param(np.full((3, 3), np.nan, np.float32), id="nothing but NaN"),
    ],
)
def test_errors_of_no_values_are_absent(values: np.ndarray) -> None:
    for found in errors_of(tensor_of(values), all_trials()):
        assert (found.mse, found.sqnr_db, found.cosine, found.scale_mean) == (None,) * 4


@pytest.mark.parametrize("dtype", ["float32", "float16", "int8"])
def test_zeros_have_no_error_and_no_ratio(dtype: str) -> None:
    for found in errors_of(tensor_of(np.zeros((5, 70), dtype)), all_trials()):
        assert (found.mse, found.mae, found.clipped_percent) == (0, 0, 0)
        assert (found.sqnr_db, found.cosine) == (None, None)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_what_is_not_finite_bears_no_error(dtype: str) -> None:
    values = RNG.normal(size=(20, 100)).astype(dtype)
    values[3, 4], values[5, 6], values[7, 8] = np.nan, np.inf, -np.inf
    floats = np.where(np.isfinite(values), values, 0).astype(np.float64)
    for trial, found in zip(all_trials(), errors_of(tensor_of(values), all_trials()), strict=True):
        assert math.isfinite(found.sqnr_db or math.nan), trial
        if isinstance(trial.grid, IntegerGrid) and trial.granularity == "tensor":
            rounded = by_torch(floats, trial.grid)
            assert found.mse == pytest.approx(np.sum((rounded - floats) ** 2) / 1997, rel=1e-5)


@pytest.mark.parametrize("scale", [1e250, 1e-250], ids=["huge", "tiny"])
def test_scale_changes_no_ratio(scale: float) -> None:
    values = RNG.normal(size=(20, 100))
    plain, scaled = (errors_of(tensor_of(v), all_trials()) for v in (values, values * scale))
    for one, other in zip(plain, scaled, strict=True):
        if one.grid != "mxfp4":  # scales of powers of two do change
            assert other.sqnr_db == pytest.approx(one.sqnr_db)
            assert other.mae == pytest.approx((one.mae or 0) * scale)


def test_large_tensors_of_one_long_row() -> None:
    values = RNG.normal(size=(2, 70_001)).astype(np.float32)
    trials = [Trial(IntegerGrid(4, symmetric=True), unit) for unit in ("channel", 128)]
    for trial, found in zip(trials, errors_of(tensor_of(values), trials), strict=True):
        floats = values.astype(np.float64)
        parts = [by_torch(part, trial.grid) for part in in_groups(floats, trial.granularity)]
        check(found, floats, np.concatenate(parts).reshape(floats.shape))


def brute_sqnr(values: Floats, bits: int, limit: float) -> float:
    top = 2 ** (bits - 1) - 1
    rounded = np.clip(np.rint(values / limit * top), -top, top) * limit / top
    return 10 * math.log10(np.sum(values**2) / np.sum((rounded - values) ** 2))


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_the_best_clipping_range_is_close_to_an_exhaustive_search(bits: int, dtype: str) -> None:
    tensor = tensor_of(RNG.laplace(size=40_000).astype(dtype))
    distribution = measure(tensor)
    found = best_clipping(distribution, bits)
    assert found is not None
    values = tensor.read().astype(np.float64)
    tried = np.linspace(0.02, 1, 400) * np.abs(values).max()
    best = max(brute_sqnr(values, bits, limit) for limit in tried)
    at_limit = brute_sqnr(values, bits, found.limit)
    assert at_limit == pytest.approx(best, abs=0.05)
    assert found.sqnr_db == pytest.approx(at_limit, abs=1e-9 if found.exact else 0.1)
    assert found.exact == isinstance(distribution, CountTable)
    unclipped = brute_sqnr(values, bits, np.abs(values).max())
    assert found.gain_db == pytest.approx(found.sqnr_db - unclipped, abs=0.1)


@pytest.mark.parametrize(
    ("dtype", "factor"),
    [("float64", 2.0**1000), ("float64", 2.0**-400), ("float32", 2.0**-140)],
    ids=["beyond float32", "below float32", "subnormal"],
)
def test_no_clipping_range_comes_from_buckets_that_hold_all_values(
    dtype: str, factor: float
) -> None:
    values = (RNG.normal(size=500) * factor).astype(dtype)
    with pytest.raises(UnmeasurableError, match="float32"):
        best_clipping(measure(tensor_of(values)), 8)


def test_zeros_and_nothing_have_no_clipping_range() -> None:
    assert best_clipping(measure(tensor_of(np.zeros(5))), 8) is None
    assert best_clipping(measure(tensor_of(np.empty(0))), 8) is None
    one = best_clipping(measure(tensor_of(np.array([3.0, -3.0]))), 8)
    assert one is not None
    assert (one.share_percent, one.gain_db) == (100, 0)
