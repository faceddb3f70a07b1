"""Every measure of every element type equals NumPy's on a float64 copy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from made_tensors import tensor_of
from numpy.typing import NDArray

from tensorpeek.analysis import (
    QUANTILES,
    CountTable,
    Distribution,
    Summary,
    default_edges,
    measure,
    uniform_edges,
)
from tensorpeek.loaders import DTYPES, DType, Tensor
from tensorpeek.loaders.layout import Layout

Floats = NDArray[np.float64]

SIZE = 5003  # odd, so packed types and pairs of bytes leave a rest


def _random(rng: np.random.Generator, dtype: DType) -> NDArray[Any]:
    if dtype.kind == "bool":
        return rng.random(SIZE) < 0.3
    if dtype.kind == "int":
        low, high = dtype.limits()
        wide = dtype.numpy if dtype.bits >= 8 else np.int64
        return rng.integers(low, high, SIZE, endpoint=True, dtype=wide)
    if dtype.kind == "complex":
        return rng.normal(size=SIZE) + 1j * rng.normal(size=SIZE)
    return rng.normal(size=SIZE)


def _patterns(dtype: DType) -> NDArray[Any]:
    """Every bit pattern of a narrow type, or many random ones: denormals, NaN, infinities."""
    count = 1 << min(dtype.bits, 16)
    width = dtype.numpy.itemsize
    if dtype.bits < 8 and dtype.kind == "int":
        low, high = dtype.limits()
        return np.arange(low, high + 1).astype(dtype.numpy)
    if dtype.kind == "bool":
        return np.array([False, True])
    if dtype.bits <= 16:
        return np.arange(count).astype(f"u{width}").view(dtype.numpy)
    return np.frombuffer(np.random.default_rng(1).bytes(SIZE * width), dtype.numpy)


def _case(kind: str, dtype: DType) -> NDArray[Any]:
    rng = np.random.default_rng(0)
    make = {
        "random values": lambda: _random(rng, dtype),
        "every kind of bit pattern": lambda: _patterns(dtype),
        "all zero": lambda: np.zeros(100),
        "a constant": lambda: np.ones(100),
        "one element": lambda: np.ones(1),
        "a scalar": lambda: np.ones(()),
        "nothing": lambda: np.zeros((0, 3)),
    }
    with np.errstate(all="ignore"):
        values = np.asarray(make[kind]())
        if dtype.name != "complex32" or values.dtype == dtype.numpy:
            return values.astype(dtype.numpy)
        pairs = np.stack((values.real, values.imag), axis=-1).astype(np.float16)
        return pairs.view(dtype.numpy).reshape(values.shape)


KINDS = (
    "random values",
    "every kind of bit pattern",
    "all zero",
    "a constant",
    "one element",
    "a scalar",
    "nothing",
)


def _as_float(array: NDArray[Any]) -> Floats:
    with np.errstate(all="ignore"):
        if array.dtype.names:
            real, imaginary = array["real"], array["imag"]
        else:
            real, imaginary = array.real, array.imag
        if array.dtype.names or array.dtype.kind == "c":
            return np.hypot(real.astype(np.float64), imaginary.astype(np.float64)).reshape(-1)
        return array.astype(np.float64).reshape(-1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", list(DTYPES))
def test_answers_equal_those_of_numpy(name: str, kind: str) -> None:
    array = _case(kind, DTYPES[name])
    tensor, truth = tensor_of(array, name), _as_float(array)
    distribution = measure(tensor)
    finite = truth[np.isfinite(truth)]
    assert distribution.exact_at_once == isinstance(distribution, CountTable)
    assert distribution.exact_at_once == (DTYPES[name].bits <= 16)
    _check_counts(distribution.summary, truth)
    _check_measures(distribution.summary, array, finite)
    _check_histograms(tensor, distribution, truth)
    _check_ranges(distribution, truth)


def _check_counts(summary: Summary, truth: Floats) -> None:
    assert summary.count == truth.size
    assert summary.finite == np.isfinite(truth).sum()
    assert summary.zeros == (truth == 0).sum()
    assert summary.nan == np.isnan(truth).sum()
    assert summary.positive_infinity == (truth == np.inf).sum()
    assert summary.negative_infinity == (truth == -np.inf).sum()


def _check_measures(summary: Summary, array: NDArray[Any], finite: Floats) -> None:
    if not finite.size:
        measures = (summary.minimum, summary.maximum, summary.mean, summary.std)
        assert {*measures, summary.absolute_mean, summary.l2_norm, summary.quantiles} == {None}
        return
    if array.dtype.kind in "iu":
        assert (summary.minimum, summary.maximum) == (int(array.min()), int(array.max()))
    assert (float(summary.minimum), float(summary.maximum)) == (finite.min(), finite.max())
    exponent = math.frexp(max(abs(finite.min()), abs(finite.max())))[1]
    unit = 2.0 ** (exponent - 1)
    scaled = finite / unit  # a power of two, so squares neither overflow nor vanish
    spread = scaled.std()
    close = {"rel": 1e-12, "abs": 1e-12 * spread}
    assert summary.mean / unit == pytest.approx(math.fsum(scaled) / scaled.size, **close)
    assert summary.std / unit == pytest.approx(spread, rel=1e-10)
    assert summary.absolute_mean / unit == pytest.approx(np.abs(scaled).mean(), **close)
    norm = math.sqrt(math.fsum(scaled * scaled)) * unit
    assert summary.l2_norm == pytest.approx(norm, rel=1e-12)
    if exponent < 1023:  # beyond, the differences that NumPy interpolates overflow
        assert list(summary.quantiles) == list(QUANTILES)
        expected = np.quantile(finite, QUANTILES)
        assert list(summary.quantiles.values()) == expected.tolist()


def _check_histograms(tensor: Tensor, distribution: Distribution, truth: Floats) -> None:
    finite = truth[np.isfinite(truth)]
    selection = (-0.5, 1.0)
    tables = [default_edges(tensor, "dequantized", distribution, bins) for bins in (1, 7, 200)]
    for edges in (*tables, uniform_edges(-0.5, 0.75, 33)):
        found = distribution.histogram(edges, selection)
        chosen = finite[(finite >= selection[0]) & (finite <= selection[1])]
        assert np.array_equal(found.counts, np.histogram(finite, edges.values)[0])
        assert np.array_equal(found.selected, np.histogram(chosen, edges.values)[0])
        assert found.below == (finite < edges.values[0]).sum()
        assert found.above == (finite > edges.values[-1]).sum()
        assert found.exact
        assert distribution.preview(edges).exact == distribution.exact_at_once
    assert found.total == truth.size


def _check_ranges(distribution: Distribution, truth: Floats) -> None:
    for low, high in (
        (-0.5, 1.0),
        (0, 0),
        (-math.inf, math.inf),
        (1, -1),
        (math.nan, 1),
        (0.1, 1e30),
    ):
        found = distribution.count_range(low, high)
        assert found.count == ((truth >= low) & (truth <= high)).sum(), (low, high)
        assert found.total == truth.size
        assert found.percent == pytest.approx(100 * found.count / max(truth.size, 1))


@pytest.mark.parametrize("name", ["float32", "bfloat16", "float64", "int8"])
@pytest.mark.parametrize(
    "strides",
    [
        pytest.param((1, 20), id="transposed"),
        pytest.param((40, 2), id="every other element"),
        pytest.param((0, 1), id="one row again and again"),
    ],
)
def test_elements_that_are_not_contiguous_are_all_counted_once(
    name: str, strides: tuple[int, int]
) -> None:
    array = (np.random.default_rng(0).normal(size=1000) * 50).astype(DTYPES[name].numpy)
    tensor = tensor_of(array, name, layout=Layout((20, 20), strides, offset=3))
    truth = tensor.read().astype(np.float64).reshape(-1)
    distribution = measure(tensor)
    edges = uniform_edges(-60, 60, 21)
    assert distribution.summary.mean == pytest.approx(truth.mean(), rel=1e-12)
    expected = np.histogram(truth, edges.values)[0]
    assert np.array_equal(distribution.histogram(edges).counts, expected)


def test_a_boolean_byte_that_is_neither_0_nor_1_counts_as_true() -> None:
    tensor = tensor_of(np.array([0, 1, 2, 255], np.uint8).view(np.bool_))
    summary = measure(tensor).summary
    assert (summary.zeros, summary.maximum, summary.mean) == (1, 1, 0.75)


@pytest.mark.parametrize("name", ["float16", "float32", "float64", "bfloat16", "float8_e5m2"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_tensor_of_one_value_that_is_not_finite_has_no_measure(name: str, value: float) -> None:
    distribution = measure(tensor_of(np.full(10, value), name))
    summary = distribution.summary
    assert (summary.count, summary.finite, summary.minimum, summary.std) == (10, 0, None, None)
    found = distribution.histogram(uniform_edges(0, 1, 5), (0, 1))
    assert found.counts.sum() == found.selected.sum() == found.below == found.above == 0
    assert found.nan + found.positive_infinity + found.negative_infinity == 10


def test_percentages_are_of_all_elements() -> None:
    tensor = tensor_of([math.nan, -5.0, 0.25, 0.75, 0.75, 9.0, math.inf, -math.inf], "float32")
    found = measure(tensor).histogram(uniform_edges(0, 1, 2))
    assert found.percent.tolist() == [12.5, 25.0]
    assert found.cumulative_percent.tolist() == [25.0, 50.0]
    assert found.log_counts.tolist() == [math.log10(2), math.log10(3)]
    empty = measure(tensor_of(np.zeros(0), "int8")).histogram(uniform_edges(0, 1, 2))
    assert empty.percent.tolist() == empty.cumulative_percent.tolist() == [0.0, 0.0]
