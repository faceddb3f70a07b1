"""Spectra against SciPy and closed forms; the fit of a power law against SciPy."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_tensors import quantized, tensor_of
from scipy import linalg, stats

from tensorpeek.analysis import measure
from tensorpeek.analysis.diagnosis import singular_values as values_module
from tensorpeek.analysis.diagnosis.power_law import fit_power_law
from tensorpeek.analysis.diagnosis.spectrum import Spectrum, spectrum
from tensorpeek.analysis.diagnosis.unmeasurable import UnmeasurableError
from tensorpeek.analysis.diagnosis.weight_matrix import weight_matrix
from tensorpeek.loaders import Tensor

RNG = np.random.default_rng(5)


def spectrum_of(tensor: Tensor, view: str = "dequantized") -> Spectrum:
    return spectrum(weight_matrix(tensor, view, measure(tensor, view).summary))


def with_singular_values(rows: int, columns: int, values: np.ndarray) -> np.ndarray:
    """A matrix with prescribed singular values."""
    left = np.linalg.qr(RNG.normal(size=(rows, values.size)))[0]
    right = np.linalg.qr(RNG.normal(size=(columns, values.size)))[0]
    return (left * values) @ right.T


def check(found: Spectrum, matrix: np.ndarray) -> None:
    truth = linalg.svdvals(matrix.astype(np.float64))
    assert found.largest == pytest.approx(truth[0], rel=1e-12)
    assert found.smallest == pytest.approx(truth[-1], rel=1e-3, abs=1e-12 * truth[0])
    assert found.stable_rank == pytest.approx((truth**2).sum() / truth[0] ** 2)
    assert found.effective_rank == np.sum(truth > 0.01 * truth[0])
    assert found.entropy_rank == pytest.approx(math.exp(stats.entropy(truth)), rel=1e-6)
    assert found.nuclear_norm == pytest.approx(np.linalg.norm(matrix, "nuc"))
    assert found.rank == np.linalg.matrix_rank(matrix.astype(np.float64))
    energy = np.cumsum(truth**2) / np.sum(truth**2)
    for k, share in found.energy_percent.items():
        assert share == pytest.approx(100 * energy[k - 1])
    assert energy[found.rank_90 - 1] >= 0.9 - 1e-12
    assert found.rank_90 == 1 or energy[found.rank_90 - 2] < 0.9


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "bfloat16", "float8_e4m3fn"])
@pytest.mark.parametrize("shape", [(30, 20), (200, 300), (300, 200), (20, 12, 3, 3)], ids=str)
def test_spectra_of_float_types(dtype: str, shape: tuple[int, ...]) -> None:
    tensor = tensor_of(RNG.normal(size=shape), dtype)
    check(spectrum_of(tensor), tensor.read().astype(np.float64).reshape(shape[0], -1))


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("shape", [(40, 30, 25), (3, 4, 5)], ids=str)
def test_spectra_of_channels_on_any_axis(axis: int, shape: tuple[int, ...]) -> None:
    codes = RNG.integers(-100, 100, shape)
    scales = RNG.uniform(0.1, 1, shape[axis])
    tensor = quantized(codes, "int8", scale=scales, scheme="per-channel", axis=axis)
    for view in ("dequantized", "raw"):
        matrix = np.moveaxis(tensor.read(view).astype(np.float64), axis, 0).reshape(shape[axis], -1)
        check(spectrum_of(tensor, view), matrix)


@pytest.mark.parametrize("log_condition", [1, 3, 5, 7, 9, 12])
@pytest.mark.parametrize("shape", [(250, 150), (150, 250), (100, 90)], ids=str)
def test_the_condition_number_at_any_condition(log_condition: int, shape: tuple[int, int]) -> None:
    wanted = 10.0**log_condition
    matrix = with_singular_values(*shape, np.geomspace(1, 1 / wanted, min(shape)))
    found = spectrum_of(tensor_of(matrix))
    assert found.condition == pytest.approx(wanted, rel=2e-3)
    small = matrix.size <= values_module.SMALL
    assert found.method == ("svd" if small or log_condition > 6 else "gram")


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 160), st.floats(1e-30, 1e30))
def test_orthogonal_matrices_have_condition_1(size: int, scale: float) -> None:
    matrix = np.linalg.qr(np.random.default_rng(size).normal(size=(size, size)))[0] * scale
    found = spectrum_of(tensor_of(matrix))
    assert found.condition == pytest.approx(1, rel=1e-7)
    assert found.stable_rank == pytest.approx(size)
    assert found.entropy_rank == pytest.approx(size)
    assert found.effective_rank == found.rank == size
    assert found.nuclear_norm == pytest.approx(scale * size)


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 200), st.integers(2, 200))
def test_outer_products_have_stable_rank_1(rows: int, columns: int) -> None:
    rng = np.random.default_rng(rows * columns)
    found = spectrum_of(tensor_of(np.outer(rng.normal(size=rows), rng.normal(size=columns))))
    assert found.stable_rank == pytest.approx(1)
    assert found.rank == found.effective_rank == found.rank_99 == 1
    assert found.condition == math.inf
    assert found.energy_percent[1] == pytest.approx(100)


@pytest.mark.parametrize("scale", [1e250, 1e-250], ids=["huge", "tiny"])
@pytest.mark.parametrize("shape", [(30, 20), (200, 150), (150, 200)], ids=str)
def test_scale_changes_no_ratio(scale: float, shape: tuple[int, int]) -> None:
    matrix = RNG.normal(size=shape)
    plain, scaled = spectrum_of(tensor_of(matrix)), spectrum_of(tensor_of(matrix * scale))
    assert scaled.condition == pytest.approx(plain.condition, rel=1e-6)
    assert scaled.largest == pytest.approx(plain.largest * scale)
    assert scaled.nuclear_norm == pytest.approx(plain.nuclear_norm * scale)


def test_a_zero_matrix_has_no_condition() -> None:
    for shape in ((10, 9), (200, 150)):
        found = spectrum_of(tensor_of(np.zeros(shape)))
        assert (found.largest, found.smallest, found.condition) == (0, 0, None)
        assert (found.stable_rank, found.rank, found.rank_99, found.nuclear_norm) == (0, 0, 0, 0)
        assert found.power_law is None


def test_one_row_has_its_norm() -> None:
    row = RNG.normal(size=(1, 40))
    found = spectrum_of(tensor_of(row))
    assert found.largest == pytest.approx(np.linalg.norm(row))
    assert found.condition == 1


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        pytest.param(np.ones(9), "needs a matrix", id="a vector"),
        pytest.param(np.float32(1), "needs a matrix", id="a scalar"),
        pytest.param(np.empty((0, 5)), "is empty", id="an empty matrix"),
        pytest.param(np.array([[1, np.nan]]), "NaN or infinite", id="NaN"),
        pytest.param(np.array([[1, np.inf]]), "NaN or infinite", id="an infinity"),
        pytest.param(np.ones((2, 2), np.complex64), "complex", id="complex values"),
    ],
)
def test_why_a_spectrum_is_absent(values: np.ndarray, reason: str) -> None:
    with pytest.raises(UnmeasurableError, match=reason):
        spectrum_of(tensor_of(values))


def test_what_is_too_large_is_refused_unless_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(values_module, "LARGEST_SIDE", 100)
    tensor = tensor_of(RNG.normal(size=(120, 140)))
    with pytest.raises(UnmeasurableError, match="smaller side, 120, is above 100"):
        spectrum_of(tensor)
    matrix = weight_matrix(tensor, "dequantized", measure(tensor).summary)
    check(spectrum(matrix, huge=True), tensor.read())


def test_an_unresolved_smallest_value_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(values_module, "LARGEST_SVD", 1)
    found = spectrum_of(tensor_of(np.outer(np.arange(1, 200), np.arange(1, 150))))
    assert (found.smallest, found.condition, found.rank) == (None, None, None)
    assert found.stable_rank == pytest.approx(1)


def test_a_keras_kernel_is_the_transpose(monkeypatch: pytest.MonkeyPatch) -> None:
    values = RNG.normal(size=(3, 3, 20, 30))
    tensor = dataclasses.replace(tensor_of(values), label="kernel")
    check(spectrum_of(tensor), values.reshape(-1, 30).T)


@pytest.mark.parametrize("alpha", [2.0, 3.0, 5.0])
def test_a_pareto_sample_gives_its_exponent(alpha: float) -> None:
    values = stats.pareto.rvs(alpha - 1, size=3000, random_state=1)
    found = fit_power_law(values)
    assert found is not None
    assert abs(found.alpha - alpha) < 4 * found.alpha_error
    assert found.distance < 0.03


def test_the_fit_is_that_of_scipy() -> None:
    body = stats.lognorm.rvs(1.0, size=400, random_state=2)
    found = fit_power_law(body)
    assert found is not None
    tail = body[body >= found.xmin]
    assert tail.size == found.tail
    shape, _, _ = stats.pareto.fit(tail, floc=0, fscale=found.xmin)
    assert found.alpha == pytest.approx(shape + 1, rel=1e-6)
    law = stats.pareto(found.alpha - 1, scale=found.xmin)
    assert found.distance == pytest.approx(stats.kstest(tail, law.cdf).statistic)
    for xmin in np.sort(body)[:-10]:
        other = body[body >= xmin]
        fitted = stats.pareto(other.size / np.log(other / xmin).sum(), scale=xmin)
        assert stats.kstest(other, fitted.cdf).statistic >= found.distance - 1e-12


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(np.empty(0), id="none"),
        pytest.param(np.arange(1.0, 6.0), id="too few"),
        pytest.param(np.ones(50), id="equal"),
        pytest.param(-np.arange(50.0), id="none above zero"),
        pytest.param(np.full(50, np.nan), id="NaN"),
    ],
)
def test_where_there_is_no_tail(values: np.ndarray) -> None:
    assert fit_power_law(values) is None
