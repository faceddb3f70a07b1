"""Bins lie where NumPy puts them, or around whole levels."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from tensorpeek.analysis import Edges, integer_edges, level_edges, uniform_edges

LARGEST = float(np.finfo(np.float64).max)


@pytest.mark.parametrize(
    ("low", "high"),
    [
        pytest.param(-0.7645, 0.9083, id="an ordinary range"),
        pytest.param(0.0, 0.0, id="a single zero is widened"),
        pytest.param(3.25, 3.25, id="a single value is widened"),
        pytest.param(-1e-300, 1e-300, id="a tiny range"),
        pytest.param(1e6, 1e6 + 1, id="a narrow range far from zero"),
    ],
)
def test_uniform_edges_are_those_of_numpy(low: float, high: float) -> None:
    edges = uniform_edges(low, high, 50)
    assert np.array_equal(edges.values, np.histogram_bin_edges([], 50, (low, high)))
    assert (edges.bins, edges.levels, edges.uniform) == (50, None, True)


@pytest.mark.parametrize(
    ("low", "high"),
    [
        pytest.param(-LARGEST, LARGEST, id="a range wider than float64"),
        pytest.param(LARGEST, LARGEST, id="the largest number"),
        pytest.param(-LARGEST, -LARGEST, id="the most negative number"),
        pytest.param(1e20, 1e20, id="a value whose neighbors are far"),
        pytest.param(0.0, 5e-324, id="two neighbors"),
        pytest.param(1.0, 1.0 + 4e-16, id="three neighbors"),
        pytest.param(-1e-323, 1e-323, id="denormals"),
    ],
)
def test_uniform_edges_increase_and_cover_any_range(low: float, high: float) -> None:
    edges = uniform_edges(low, high, 50)
    assert 1 <= edges.bins <= 50
    assert np.isfinite(edges.values).all()
    assert (np.diff(edges.values / 2) > 0).all() or (np.diff(edges.values) > 0).all()
    assert edges.values[0] <= low <= high <= edges.values[-1]


@pytest.mark.parametrize(
    ("low", "high", "bins"),
    [
        pytest.param(0, 1, 0, id="no bin"),
        pytest.param(1, 0, 5, id="bounds out of order"),
        pytest.param(math.nan, 1, 5, id="NaN"),
        pytest.param(0, math.inf, 5, id="infinity"),
    ],
)
@pytest.mark.parametrize("make", [uniform_edges, integer_edges])
def test_a_range_that_is_none_is_refused(
    make: Callable[[float, float, int], Edges], low: float, high: float, bins: int
) -> None:
    with pytest.raises(ValueError, match=r"bins|range"):
        make(low, high, bins)


@pytest.mark.parametrize(
    ("low", "high", "bins", "levels"),
    [
        pytest.param(-128, 127, 256, 1, id="a bin for each int8"),
        pytest.param(-128, 127, 1000, 1, id="never less than a level"),
        pytest.param(-128, 127, 128, 2, id="two int8 in a bin"),
        pytest.param(-128, 127, 50, 5, id="about fifty bins of int8"),
        pytest.param(-8, 7, 50, 1, id="int4"),
        pytest.param(5, 5, 50, 1, id="one integer"),
        pytest.param(0, 65535, 1, 65536, id="a single bin"),
    ],
)
def test_integer_bins_hold_equally_many_whole_levels(
    low: int, high: int, bins: int, levels: int
) -> None:
    edges = integer_edges(low, high, bins)
    assert edges.levels == levels
    assert edges.values[0] == low - 0.5
    assert (np.diff(edges.values) == levels).all()
    assert edges.values[-2] < high < edges.values[-1]


@pytest.mark.parametrize("bins", [1, 7, 50, 75, 100, 200, 300])
def test_integer_bins_are_about_as_many_as_asked_for(bins: int) -> None:
    assert bins / 1.5 <= integer_edges(-32768, 32767, bins).bins <= bins * 1.5


@pytest.mark.parametrize(
    ("low", "high"),
    [
        pytest.param(-(2**63), 2**63 - 1, id="all int64"),
        pytest.param(0, 2**64 - 1, id="all uint64"),
        pytest.param(2**60, 2**60 + 3, id="integers that float64 cannot tell apart"),
    ],
)
def test_integer_bins_beyond_float64_still_increase(low: int, high: int) -> None:
    edges = integer_edges(low, high, 64)
    assert (np.diff(edges.values) > 0).all()
    assert edges.values[0] <= float(low) <= float(high) <= edges.values[-1]


@pytest.mark.parametrize("scale", [0.0125, -0.0125, 1e-30, 3e30])
def test_level_bins_stand_around_dequantized_values(scale: float) -> None:
    edges = level_edges(0, 255, scale, 128, 256)
    values = np.sort((np.arange(256) - 128) * scale)
    assert (edges.bins, edges.levels) == (256, 1)
    assert ((edges.values[:-1] < values) & (values < edges.values[1:])).all()
    middles = (values[:-1] + values[1:]) / 2
    assert np.allclose(edges.values[1:-1], middles, rtol=1e-12, atol=1e-12 * abs(scale))


@pytest.mark.parametrize("scale", [0.0, math.nan, math.inf, 5e-324, 1e308])
def test_a_scale_without_bins_is_refused(scale: float) -> None:
    with pytest.raises(ValueError, match="scale"):
        level_edges(-128, 127, scale, 0, 256)
