"""The figures of a table row against NumPy: histogram, rounding to int8, condition, bits."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
from made_tensors import quantized, tensor_of
from numpy.typing import NDArray

from tensorpeek.analysis import default_edges, measure
from tensorpeek.analysis.overview import (
    SPARK_BINS,
    condition_number,
    int8_sqnr,
    spectrum_cost,
    stored_bits,
    tensor_figures,
)
from tensorpeek.loaders import CancelledError, Tensor, open_model

RNG = np.random.default_rng(0)

ARRAYS = {
    "float32 weights": RNG.normal(0, 0.02, (64, 48)).astype(np.float32),
    "float16 with an outlier": np.append(RNG.normal(0, 1, 999), 60_000).astype(np.float16),
    "float64 of one value": np.full((3, 3), -2.5),
    "int64 positions": np.arange(100),
    "int8 codes": RNG.integers(-128, 128, 5000).astype(np.int8),
    "NaN and infinities among values": np.array([1, np.nan, -3, np.inf, 0, -np.inf], np.float32),
    "truths": np.array([True, False, True]),
}


@pytest.mark.parametrize("array", ARRAYS.values(), ids=ARRAYS)
def test_figures_are_those_of_numpy(array: NDArray[np.generic]) -> None:
    tensor = tensor_of(array)
    figures, distribution = tensor_figures(tensor)
    assert distribution is not None
    assert figures.summary is not None
    floats = array.astype(np.float64)
    finite = floats[np.isfinite(floats)]
    edges = default_edges(tensor, "dequantized", distribution, SPARK_BINS).values
    assert list(figures.bins) == np.histogram(finite, edges)[0].tolist()
    assert sum(figures.bins) == finite.size
    assert (figures.summary.minimum, figures.summary.maximum) == (finite.min(), finite.max())
    assert figures.summary.mean == pytest.approx(finite.mean(), rel=1e-12, abs=1e-15)
    assert figures.summary.std == pytest.approx(finite.std(), rel=1e-12, abs=1e-15)
    assert figures.summary.nan == np.isnan(floats).sum()
    assert figures.zeros_percent == pytest.approx(100 * (floats == 0).mean())


def test_a_distribution_that_is_known_is_not_measured_again() -> None:
    tensor = tensor_of(ARRAYS["float16 with an outlier"])
    known = measure(tensor)
    figures, same = tensor_figures(tensor, known=known)
    assert same is known
    assert figures.summary is known.summary


def test_figures_of_what_has_no_values() -> None:
    empty, distribution = tensor_figures(tensor_of(np.empty((0, 3), np.float32)))
    assert distribution is not None
    assert (empty.bins, empty.error, empty.zeros_percent) == ((), None, None)
    only_nan, _ = tensor_figures(tensor_of([np.nan], "float32"))
    assert only_nan.summary is not None
    assert (only_nan.bins, only_nan.summary.nan) == ((), 1)
    broken = dataclasses.replace(tensor_of([1.0], "float32"), error="is damaged")
    figures, none = tensor_figures(broken)
    assert (figures.summary, figures.error, none) == (None, "is damaged", None)
    assert figures.zeros_percent is None
    lost = dataclasses.replace(tensor_of([1.0], "float32"), storage=None)
    figures, _ = tensor_figures(lost)
    assert figures.error is not None
    assert "no values" in figures.error


def sqnr(values: NDArray[np.float64], axis: int | None) -> float:
    """Round to symmetric int8 with NumPy alone."""
    largest = np.abs(values).max() if axis is None else np.abs(values).max(axis, keepdims=True)
    scale = np.where(largest == 0, 1, largest) / 127
    error = np.rint(values / scale) * scale - values
    return float(10 * np.log10((values**2).sum() / (error**2).sum()))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
def test_sqnr_of_a_matrix_has_a_scale_for_each_output_channel(dtype: type) -> None:
    values = (RNG.normal(0, 1, (24, 40)) * np.logspace(-2, 1, 24)[:, None]).astype(dtype)
    found = int8_sqnr(tensor_of(values), "dequantized")
    assert found.value == pytest.approx(sqnr(values.astype(np.float64), 1), abs=1e-6)
    assert not found.reason


def test_sqnr_of_a_vector_has_one_scale() -> None:
    values = RNG.normal(0, 1, 500).astype(np.float32)
    found = int8_sqnr(tensor_of(values), "dequantized")
    assert found.value == pytest.approx(sqnr(values.astype(np.float64), None), abs=1e-6)


def broken_tensor() -> Tensor:
    return dataclasses.replace(tensor_of([[1.0]], "float32"), error="is damaged")


NO_SQNR = {
    "codes": (quantized([[1, 2]], "int8", scale=[0.1]), "is quantized already"),
    "whole numbers": (tensor_of([1, 2, 3]), "holds whole numbers"),
    "complex values": (tensor_of([1 + 1j], "complex64"), "has complex values"),
    "zeros": (tensor_of(np.zeros((2, 2))), "has no values other than zero"),
    "nothing": (tensor_of(np.empty(0)), "has no values other than zero"),
    "a tensor with an error": (broken_tensor(), "is damaged"),
}


@pytest.mark.parametrize(("tensor", "reason"), NO_SQNR.values(), ids=NO_SQNR)
def test_why_there_is_no_sqnr(tensor: Tensor, reason: str) -> None:
    found = int8_sqnr(tensor, "dequantized")
    assert (found.value, found.reason) == (None, reason)


@pytest.mark.parametrize("shape", [(12, 30), (30, 12), (8, 4, 3, 3)])
def test_condition_number_is_that_of_numpy(shape: tuple[int, ...]) -> None:
    values = RNG.normal(0, 1, shape)
    found = condition_number(tensor_of(values), "dequantized")
    assert found.value == pytest.approx(np.linalg.cond(values.reshape(shape[0], -1)), rel=1e-9)


def test_condition_number_of_a_singular_matrix_is_infinite() -> None:
    found = condition_number(tensor_of(np.ones((4, 4))), "dequantized")
    assert found.value == math.inf


def test_why_there_is_no_condition_number() -> None:
    reasons = {
        "needs a matrix": tensor_of([1.0, 2.0]),
        "has NaN or infinite values": tensor_of([[1.0, np.nan]]),
        "is empty": tensor_of(np.empty((0, 3))),
        "is damaged": broken_tensor(),
    }
    for reason, tensor in reasons.items():
        found = condition_number(tensor, "dequantized")
        assert (found.value, found.reason) == (None, reason)


def test_spectra_cost_elements_times_the_smaller_side() -> None:
    assert spectrum_cost(tensor_of(np.zeros((4, 6)))) == 24 * 4
    assert spectrum_cost(tensor_of(np.zeros((6, 2, 2)))) == 24 * 4
    assert spectrum_cost(tensor_of(np.zeros(6))) == 0
    assert spectrum_cost(tensor_of(np.zeros((0, 6)))) == 0


def test_stored_bits_hold_the_scales() -> None:
    assert stored_bits(tensor_of(np.zeros((4, 6), np.float16))) == 16 * 24
    codes = np.zeros((4, 6), np.int8)
    per_channel = quantized(codes, "int8", scale=[1.0] * 4, scheme="per-channel", axis=0)
    assert stored_bits(per_channel) == 8 * 24 + 32 * 4
    with_points = quantized(codes, "int8", scale=[1.0], zero_point=[3])
    assert stored_bits(with_points) == 8 * 24 + 32 + 32
    packed = quantized(np.zeros(5, np.uint8), "uint4", scale=[1.0], scale_dtype="float16")
    assert stored_bits(packed) == 8 * 3 + 16


def test_stored_bits_of_torch_qint8_hold_float64_scales_and_int64_points(samples: Path) -> None:
    tensors = {tensor.name: tensor for tensor in open_model(samples / "resnet8_int8.pt").tensors}
    weight = tensors["conv2d_1.weight"]
    assert weight.shape == (16, 3, 3, 3)
    assert stored_bits(weight) == 8 * 16 * 3 * 3 * 3 + 16 * 64 + 16 * 64


def test_measuring_ends_when_it_is_told_to() -> None:
    tensor = tensor_of(RNG.normal(0, 1, (64, 64)))
    for take in (tensor_figures, int8_sqnr, condition_number):
        with pytest.raises(CancelledError):
            take(tensor, "dequantized", stop=lambda: True)
