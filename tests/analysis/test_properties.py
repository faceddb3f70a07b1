"""Laws that hold for any values, bins and ranges."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from made_tensors import tensor_of
from numpy.typing import NDArray

from tensorpeek.analysis import measure, uniform_edges

NAMES = ["float16", "float32", "float64", "int8", "uint16", "int32", "int64", "uint64"]
BOUNDS = st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def array_and_bounds(draw: st.DrawFn, name: str) -> tuple[NDArray[Any], float, float]:
    """Draw values, and two bounds that are often values themselves."""
    values = draw(arrays.arrays(np.dtype(name), st.integers(0, 40)))
    floats = values.astype(np.float64)
    finite = floats[np.isfinite(floats)].tolist()
    bound = st.sampled_from(finite) | BOUNDS if finite else BOUNDS
    low, high = sorted((draw(bound), draw(bound)))
    return values, low, high


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=60, deadline=None)
@given(data=st.data(), bins=st.integers(1, 100))
def test_laws_of_counts(name: str, data: st.DataObject, bins: int) -> None:
    values, low, high = data.draw(array_and_bounds(name))
    distribution = measure(tensor_of(values, name))
    edges = uniform_edges(low, high, bins)
    selection = (low / 2 + high / 2, high)
    for found in (distribution.histogram(edges, selection), distribution.preview(edges, selection)):
        special = found.nan + found.positive_infinity + found.negative_infinity
        assert found.counts.sum() + found.below + found.above + special == values.size
        assert found.total == values.size
        assert found.selected is not None
        assert (found.selected >= 0).all()
        assert (found.selected <= found.counts).all()
    exact = distribution.histogram(edges, selection)
    floats = values.astype(np.float64)
    finite = floats[np.isfinite(floats)]
    expected = np.diff([np.count_nonzero(finite < edge) for edge in edges.values])
    expected[-1] += np.count_nonzero(finite == edges.values[-1])
    assert exact.counts.tolist() == expected.tolist()


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_range_count_equals_counting_one_by_one(name: str, data: st.DataObject) -> None:
    values, low, high = data.draw(array_and_bounds(name))
    distribution = measure(tensor_of(values, name), quantiles=False)
    expected = sum(low <= value <= high for value in values.tolist())
    assert distribution.count_range(low, high).count == expected
    whole = distribution.count_range(-np.inf, np.inf)
    assert whole.count == values.size - distribution.summary.nan


@pytest.mark.parametrize("name", ["float32", "float64", "int64"])
@settings(max_examples=40, deadline=None)
@given(data=st.data(), bins=st.integers(1, 30))
def test_many_values_are_binned_as_few_are(name: str, data: st.DataObject, bins: int) -> None:
    values, low, high = data.draw(array_and_bounds(name))
    edges = uniform_edges(low, high, bins)
    once = measure(tensor_of(values, name), quantiles=False).histogram(edges)
    often = measure(tensor_of(np.tile(values, 100), name), quantiles=False).histogram(edges)
    assert often.counts.tolist() == (100 * once.counts).tolist()
