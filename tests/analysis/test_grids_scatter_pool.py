"""Pools of scattered values against NumPy over all values of each cell."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tensorpeek.analysis.grids.scatter_pool import ScatterPool

CELLS = 12
RNG = np.random.default_rng(5)

VALUES = st.sampled_from([np.nan, np.inf, -np.inf, 0.0, -0.0]) | st.floats(-9, 9, width=32)
SCATTERED = st.lists(st.tuples(st.integers(0, CELLS - 1), VALUES), max_size=40)
LAYERS = st.lists(st.lists(SCATTERED, min_size=1, max_size=3), max_size=4)
"""Layers of chunks of values, each with the number of its cell."""


def arrays(chunk: list[tuple[int, float]]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    ids = np.array([cell for cell, _ in chunk], np.int64)
    return ids, np.array([value for _, value in chunk], np.float64)


def check_cell(pool: ScatterPool, cell: int, values: NDArray[np.float64]) -> None:
    finite = values[np.isfinite(values)]
    assert pool.count[cell] == finite.size
    assert pool.nan[cell] == np.isnan(values).sum()
    assert pool.above[cell] == (values == np.inf).sum()
    assert pool.below[cell] == (values == -np.inf).sum()
    assert pool.high[cell] == finite.max(initial=-np.inf)
    assert pool.low[cell] == finite.min(initial=np.inf)
    assert pool.total is not None
    assert pool.absolute is not None
    assert pool.total[cell] == pytest.approx(finite.sum())
    assert pool.absolute[cell] == pytest.approx(np.abs(finite).sum())


def score(values: NDArray[np.float64]) -> float:
    if np.isnan(values).any():
        return float(np.inf)
    return float(np.minimum(np.abs(values), np.finfo(np.float64).max).max())


@settings(deadline=None)
@given(LAYERS)
def test_one_pool_serves_layer_after_layer(layers: list[list[list[tuple[int, float]]]]) -> None:
    whole = ScatterPool(CELLS, with_sums=True)
    own = ScatterPool(CELLS, with_sums=True)
    for chunks in layers:
        own.clear()
        for chunk in chunks:
            own.add(*arrays(chunk))
        ids, values = arrays([each for chunk in chunks for each in chunk])
        for cell in range(CELLS):
            check_cell(own, cell, values[ids == cell])
        assert sorted(own.touched.tolist()) == sorted(set(ids.tolist()))
        for cell, found in zip(own.touched.tolist(), own.scores.tolist(), strict=True):
            assert found == score(values[ids == cell])
        whole.take_in(own)
    ids, values = arrays([each for chunks in layers for chunk in chunks for each in chunk])
    for cell in range(CELLS):
        check_cell(whole, cell, values[ids == cell])


def test_sums_are_those_of_counting_over_all_cells_to_the_bit() -> None:
    ids = RNG.integers(0, CELLS, 5000)
    values = RNG.normal(size=5000) * 10.0 ** RNG.integers(-9, 9, 5000)
    pool = ScatterPool(CELLS, with_sums=True)
    pool.add(ids, values)
    np.testing.assert_array_equal(pool.total, np.bincount(ids, values, CELLS))
    np.testing.assert_array_equal(pool.absolute, np.bincount(ids, np.abs(values), CELLS))


def test_without_sums_there_are_none() -> None:
    pool = ScatterPool(CELLS, with_sums=False)
    pool.add(np.array([3, 3]), np.array([1.0, -2.0]))
    assert (pool.total, pool.absolute) == (None, None)
    assert (pool.low[3], pool.high[3]) == (-2.0, 1.0)
