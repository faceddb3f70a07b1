"""Values of more than 16 bits: exact answers at any scale, and honest previews."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from made_tensors import tensor_of
from numpy.typing import NDArray

from tensorpeek.analysis import (
    QUANTILES,
    WideDistribution,
    default_edges,
    integer_edges,
    measure,
    order_statistics,
    uniform_edges,
)
from tensorpeek.loaders import DTYPES

SIZE = 70_001
Make = Callable[[np.random.Generator], NDArray[Any]]

SHAPES = [
    pytest.param(lambda rng: rng.normal(size=SIZE), id="a normal distribution"),
    pytest.param(lambda rng: 1000 + rng.normal(size=SIZE), id="a mean of 1000 sigma"),
    pytest.param(lambda rng: -1e6 + rng.normal(size=SIZE), id="a mean of -1,000,000 sigma"),
    pytest.param(lambda rng: rng.standard_cauchy(size=SIZE), id="heavy tails"),
    pytest.param(lambda rng: rng.normal(size=SIZE) * 1e-42, id="denormal float32"),
    pytest.param(lambda rng: rng.normal(size=SIZE) * 1e-320, id="denormal float64"),
    pytest.param(lambda rng: rng.normal(size=SIZE) * 2e307, id="near the largest float64"),
    pytest.param(lambda rng: rng.integers(0, 2, SIZE), id="zeros and ones"),
    pytest.param(lambda rng: np.full(SIZE, 0.1), id="a constant"),
    pytest.param(lambda rng: rng.choice([0.0, -0.0, 3.5], SIZE), id="both zeros"),
    pytest.param(
        lambda rng: rng.choice([0.5, 1.5, math.nan, math.inf, -math.inf], SIZE),
        id="many values that are not finite",
    ),
]


def _tensor_and_truth(make: Make, name: str) -> tuple[Any, NDArray[np.float64]]:
    with np.errstate(all="ignore"):
        values = make(np.random.default_rng(0))
        if DTYPES[name].kind == "int":
            limits = np.iinfo(name)
            values = np.nan_to_num(values).clip(limits.min / 2, limits.max / 2)
        stored = values.astype(name)
    return tensor_of(stored, name), stored.astype(np.float64)


@pytest.mark.parametrize("make", SHAPES)
@pytest.mark.parametrize("name", ["float32", "float64", "int32", "uint32", "int64"])
def test_histograms_and_quantiles_equal_those_of_numpy(name: str, make: Make) -> None:
    tensor, truth = _tensor_and_truth(make, name)
    distribution = measure(tensor)
    finite = truth[np.isfinite(truth)]
    assert isinstance(distribution, WideDistribution)
    low, high = distribution.summary.minimum, distribution.summary.maximum
    if low is None or high is None:
        assert not finite.size
        return
    middle, upper = low / 2 + high / 2, float(high)
    for edges in (
        default_edges(tensor, "dequantized", distribution, 50),
        uniform_edges(low, middle, 64),
        uniform_edges(min(-1.0, middle), max(1.0, middle), 2),
    ):
        found = distribution.histogram(edges, (middle, upper))
        chosen = finite[(finite >= middle) & (finite <= upper)]
        assert np.array_equal(found.counts, np.histogram(finite, edges.values)[0])
        assert np.array_equal(found.selected, np.histogram(chosen, edges.values)[0])
        assert found.below == (finite < edges.values[0]).sum()
        assert found.above == (finite > edges.values[-1]).sum()
    _check_quantiles(distribution.summary.quantiles, finite)


def _check_quantiles(found: Mapping[float, float] | None, finite: NDArray[np.float64]) -> None:
    assert found is not None
    assert list(found.values()) == np.quantile(finite, QUANTILES).tolist()


@pytest.mark.parametrize("gathered", [0, 1, 100, 5000])
@pytest.mark.parametrize("make", SHAPES)
@pytest.mark.parametrize("name", ["float32", "float64", "int64", "uint64", "complex64"])
def test_quantiles_stay_exact_when_few_values_may_be_gathered(
    name: str, make: Make, gathered: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_statistics, "GATHERED", gathered)
    if name == "complex64":
        with np.errstate(all="ignore"):
            stored = make(np.random.default_rng(0)).astype(name)
            truth = np.hypot(stored.real.astype(np.float64), stored.imag.astype(np.float64))
        tensor = tensor_of(stored, name)
    else:
        tensor, truth = _tensor_and_truth(make, name)
    finite = truth[np.isfinite(truth)]
    found = measure(tensor).summary.quantiles
    if finite.size:
        _check_quantiles(found, finite)


def test_quantiles_can_be_left_out_and_asked_for_later() -> None:
    tensor = tensor_of(np.random.default_rng(0).normal(size=1000), "float32")
    quick = measure(tensor, quantiles=False)
    assert isinstance(quick, WideDistribution)
    assert quick.summary.quantiles is None
    assert quick.quantiles() == measure(tensor).summary.quantiles
    probabilities = (0.0, 0.123, 1.0)
    expected = np.quantile(tensor.read().astype(np.float64), probabilities)
    found = quick.quantiles(probabilities)
    assert found is not None
    assert list(found.values()) == expected.tolist()


@pytest.mark.parametrize(
    ("name", "values"),
    [
        pytest.param("int64", [-(2**63), 2**63 - 1, 2**53, 2**53 + 1], id="int64"),
        pytest.param("uint64", [0, 2**64 - 1, 2**63, 2**63 + 1], id="uint64"),
    ],
)
def test_integers_beyond_2_to_53_keep_every_digit(name: str, values: list[int]) -> None:
    distribution = measure(tensor_of(np.array(values, name)))
    assert distribution.summary.minimum == min(values)
    assert distribution.summary.maximum == max(values)
    ordered = sorted(values)
    for number, value in enumerate(ordered):
        assert distribution.count_range(value, value).count == 1
        assert distribution.count_range(ordered[0], value).count == number + 1
        assert distribution.count_range(value + 0, ordered[-1]).count == 4 - number
    assert distribution.count_range(-math.inf, math.inf).count == 4
    assert distribution.count_range(1e30, math.inf).count == 0


@pytest.mark.parametrize("bins", [1, 10, 100, 1000])
@pytest.mark.parametrize("make", SHAPES)
@pytest.mark.parametrize("name", ["float32", "float64", "int32", "int64"])
def test_a_preview_misplaces_an_edge_by_a_bucket_at_most(name: str, make: Make, bins: int) -> None:
    tensor, truth = _tensor_and_truth(make, name)
    distribution = measure(tensor, quantiles=False)
    assert isinstance(distribution, WideDistribution)
    edges = default_edges(tensor, "dequantized", distribution, bins)
    exact = distribution.histogram(edges, (-1.0, 0.25))
    preview = distribution.preview(edges, (-1.0, 0.25))
    assert not preview.exact
    largest = distribution.buckets.counts.max(initial=0)
    off = np.abs(np.cumsum(preview.counts) - np.cumsum(exact.counts))
    assert off.max() <= 2 * largest
    assert preview.selected is not None
    assert (preview.selected <= preview.counts).all()
    assert (preview.selected >= 0).all()
    inside = preview.counts.sum() + preview.below + preview.above
    assert inside == np.isfinite(truth).sum()


@pytest.mark.parametrize("dtype", ["int32", "uint32", "int64", "uint64"])
def test_a_preview_leaves_out_no_value_at_the_ends(dtype: str) -> None:
    limits = np.iinfo(dtype)
    near = 1 << limits.bits - 7  # in the bucket beside that of the end, when rounded to float32
    ends = [(limits.min, 186), (limits.min + near, 10), (limits.max - near, 7), (limits.max, 204)]
    values = np.concatenate([np.full(count, value, dtype) for value, count in ends])
    found = measure(tensor_of(values)).preview(uniform_edges(limits.min, limits.max, 16))
    assert (int(found.counts.sum()), found.below, found.above) == (values.size, 0, 0)


def test_a_preview_of_normal_weights_is_close() -> None:
    values = np.random.default_rng(0).normal(scale=0.02, size=1_000_000).astype(np.float32)
    tensor = tensor_of(values)
    distribution = measure(tensor, quantiles=False)
    edges = default_edges(tensor, "dequantized", distribution, 50)
    exact, preview = distribution.histogram(edges), distribution.preview(edges)
    assert np.abs(preview.counts - exact.counts).max() <= 0.0012 * values.size


@pytest.mark.parametrize("exponent", [-1073, -1000, -500, 500, 1000, 1023])
def test_moments_neither_overflow_nor_vanish(exponent: int) -> None:
    values = np.ldexp([1.0, 1.25, 1.5, 1.75] * 100, exponent - 1 if exponent > 0 else exponent)
    summary = measure(tensor_of(values, "float64")).summary
    unit = values.max()
    scaled = np.ldexp(values, -math.frexp(unit)[1])
    back = math.frexp(unit)[1]
    assert summary.mean == pytest.approx(math.ldexp(scaled.mean(), back), rel=1e-15)
    assert summary.std == pytest.approx(math.ldexp(scaled.std(), back), rel=1e-14)
    norm = float(np.linalg.norm(scaled))
    expected = math.ldexp(norm, back) if exponent < 1015 else math.inf
    assert summary.l2_norm == pytest.approx(expected, rel=1e-14)


def test_integer_bins_of_wide_integers_hold_whole_levels() -> None:
    tensor = tensor_of(np.arange(-500, 500), "int64")
    distribution = measure(tensor)
    edges = default_edges(tensor, "dequantized", distribution, 100)
    assert edges.levels == 10
    assert distribution.histogram(edges).counts.tolist() == [10] * 100
    assert np.array_equal(edges.values, integer_edges(-500, 499, 100).values)


def test_a_whole_range_is_counted_without_reading() -> None:
    tensor = tensor_of(np.array([1.0, math.nan, math.inf, 2.0]), "float32")
    distribution = measure(tensor)
    object.__setattr__(tensor, "storage", None)
    assert distribution.count_range(-math.inf, math.inf).count == 3
    assert distribution.count_range(0, 5).count == 2
    assert distribution.count_range(7, 9).count == 0
    assert distribution.histogram(uniform_edges(0, 8, 1), (0, 5)).counts.tolist() == [2]
