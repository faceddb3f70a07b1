"""Moments lose no digits: not far from zero, not in long sums, not when merged."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from made_tensors import tensor_of

from tensorpeek.analysis import measure
from tensorpeek.analysis.moments import Moments, block_moments, table_moments

ACCURACY = {"float16": 1e-12, "bfloat16": 1e-12, "float32": 1e-10, "float64": 1e-10}


@pytest.mark.parametrize("name", list(ACCURACY))
@pytest.mark.parametrize(
    ("mean", "sigma"),
    [
        pytest.param(0.0, 0.02, id="a mean near zero"),
        pytest.param(1000.0, 1.0, id="a mean of 1000 sigma"),
        pytest.param(-3.0, 1e-3, id="a mean of -3000 sigma"),
    ],
)
def test_moments_equal_exact_rational_arithmetic(name: str, mean: float, sigma: float) -> None:
    tensor = tensor_of(np.random.default_rng(0).normal(mean, sigma, 20_000), name)
    values, times = np.unique(tensor.read().astype(np.float64), return_counts=True)
    exact = [(Fraction(v), int(n)) for v, n in zip(values.tolist(), times.tolist(), strict=True)]
    first = sum(v * n for v, n in exact) / 20_000
    second = sum(v * v * n for v, n in exact) / 20_000
    std = math.sqrt(second - first * first)
    accuracy = ACCURACY[name]
    summary = measure(tensor, quantiles=False).summary
    assert summary.mean == pytest.approx(float(first), rel=accuracy, abs=accuracy * std)
    assert summary.std == pytest.approx(std, rel=accuracy)
    assert summary.l2_norm == pytest.approx(math.sqrt(second * 20_000), rel=accuracy)
    magnitude = sum(abs(v) * n for v, n in exact) / 20_000
    assert summary.absolute_mean == pytest.approx(float(magnitude), rel=accuracy)


def test_merging_in_any_division_gives_the_moments_of_all() -> None:
    values = np.random.default_rng(0).normal(50, 0.5, 10_000)
    whole = block_moments(values)
    for parts in (2, 7, 100):
        merged = Moments()
        for part in np.array_split(values, parts):
            merged = merged.merge(block_moments(part))
        assert merged.count == whole.count
        assert merged.mean == pytest.approx(whole.mean, rel=1e-15)
        assert merged.std == pytest.approx(whole.std, rel=1e-13)
        assert merged.magnitude == pytest.approx(whole.magnitude, rel=1e-15)


def test_nothing_has_no_spread() -> None:
    empty = np.zeros(0)
    assert block_moments(empty) == table_moments(empty, empty.astype(np.int64)) == Moments()
    assert Moments().merge(Moments()) == Moments()
    assert (Moments().std, Moments().l2_norm) == (0.0, 0.0)


def test_a_constant_has_no_spread() -> None:
    for value in (0.1, 1e30, -3.3):
        summary = measure(tensor_of(np.full(200_000, value), "float64")).summary
        assert summary.mean == pytest.approx(value, rel=1e-15)
        assert summary.std == pytest.approx(0.0, abs=1e-15 * abs(value))
