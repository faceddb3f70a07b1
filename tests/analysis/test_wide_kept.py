"""Values kept from the second pass answer what is asked later, as another pass would."""

from __future__ import annotations

import dataclasses
import tracemalloc
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from made_tensors import tensor_of
from numpy.typing import NDArray

from tensorpeek.analysis import measure, wide
from tensorpeek.analysis.diagnosis.magnitudes import PERCENTILES
from tensorpeek.analysis.diagnosis.sparsity import LIMITS, sparsity, sparsity_buckets
from tensorpeek.analysis.wide import WideDistribution
from tensorpeek.loaders import Tensor

MANY = 50_000
"""More values than are sorted without looking for their buckets."""


def normal(count: int, dtype: str) -> NDArray[Any]:
    values = np.random.default_rng(count).normal(scale=0.02, size=count)
    return (values * 1e6 if dtype.startswith("int") else values).astype(dtype)


def with_others(count: int, dtype: str) -> NDArray[Any]:
    """Values among which are zeros of both signs, NaN and infinities."""
    values = normal(count, dtype)
    values[::7], values[1::7] = 0.0, -0.0
    values[3], values[4], values[5] = np.nan, np.inf, -np.inf
    return values


ARRAYS = {
    "many float32": normal(MANY, "float32"),
    "few float32": normal(900, "float32"),
    "many float64": normal(MANY, "float64"),
    "with NaN and infinities": with_others(MANY, "float32"),
    "few with NaN": with_others(90, "float64"),
    "beyond float32": normal(MANY, "float64") * 1e50,
    "many int32": normal(MANY, "int32"),
    "all alike": np.full(MANY, 0.25, np.float32),
    "all zero": np.zeros(MANY, np.float32),
    "only positive": np.abs(normal(MANY, "float32")),
}


def seen(tensor: Tensor) -> WideDistribution:
    found = measure(tensor, foreseen=sparsity_buckets)
    assert isinstance(found, WideDistribution)
    return found


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The name of a tensor for each time that its values are read."""
    found: list[str] = []
    really = Tensor.chunks

    def chunks(self: Tensor, *args: object, **options: object) -> Iterator[NDArray[Any]]:
        found.append(self.name)
        return really(self, *args, **options)

    monkeypatch.setattr(Tensor, "chunks", chunks)
    return found


@pytest.mark.parametrize("values", ARRAYS.values(), ids=ARRAYS)
def test_what_was_foreseen_is_answered_as_by_reading(values: NDArray[Any]) -> None:
    tensor = tensor_of(values)
    foreseen, plain = seen(tensor), measure(tensor)
    assert foreseen.kept is not None
    assert dataclasses.asdict(foreseen.summary) == dataclasses.asdict(plain.summary)
    found, expected = (sparsity(tensor, "dequantized", each) for each in (foreseen, plain))
    assert dataclasses.asdict(found) == dataclasses.asdict(expected)


@pytest.mark.parametrize("values", [ARRAYS["many float32"], ARRAYS["with NaN and infinities"]])
def test_the_answers_are_numpys_and_nothing_is_read_for_them(
    values: NDArray[Any], reads: list[str]
) -> None:
    tensor = tensor_of(values)
    distribution = seen(tensor)
    assert len(reads) == 2
    found = sparsity(tensor, "dequantized", distribution)
    assert len(reads) == 2
    magnitudes = np.abs(values[np.isfinite(values)]).astype(np.float64)
    for limit in LIMITS:
        share = 100 * np.count_nonzero(magnitudes <= np.float32(limit)) / values.size
        assert found.near_zero_percent[limit] == pytest.approx(share, rel=1e-12)
    expected = np.percentile(magnitudes, PERCENTILES)
    assert list(found.magnitude_percentiles.values()) == pytest.approx(expected, rel=1e-12)


def test_a_range_that_cuts_other_buckets_is_read(reads: list[str]) -> None:
    values = ARRAYS["many float32"]
    distribution = seen(tensor_of(values))
    low, high = -0.0312345, 0.0456789
    inside = np.count_nonzero((values >= np.float32(low)) & (values <= np.float32(high)))
    assert distribution.count_range(low, high).count == inside
    assert len(reads) == 3


def test_too_many_values_are_not_kept(monkeypatch: pytest.MonkeyPatch, reads: list[str]) -> None:
    monkeypatch.setattr(wide, "KEPT", 1000)
    tensor = tensor_of(ARRAYS["many float32"])
    distribution = seen(tensor)
    assert distribution.kept is None
    assert len(reads) == 2
    expected = sparsity(tensor, "dequantized", measure(tensor))
    found = sparsity(tensor, "dequantized", distribution)
    assert dataclasses.asdict(found) == dataclasses.asdict(expected)


def test_what_is_kept_counts_as_memory() -> None:
    tensor = tensor_of(ARRAYS["many float32"])
    kept = seen(tensor)
    assert kept.nbytes - measure(tensor).nbytes == kept.kept.values.nbytes > 0


def test_what_is_kept_of_a_chunk_is_not_the_whole_chunk() -> None:
    values = normal(1 << 22, "float32")
    tensor = tensor_of(values)
    tracemalloc.start()
    try:
        kept = seen(tensor)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept.kept.values.nbytes < values.nbytes / 20
    assert peak < values.nbytes / 2
