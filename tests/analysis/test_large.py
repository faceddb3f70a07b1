"""A hundred million values: exact, quick, and in little memory."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest
from made_tensors import tensor_of

from tensorpeek.analysis import measure
from tensorpeek.loaders.layout import Layout


@pytest.mark.parametrize("name", ["int8", "bfloat16"])
def test_a_hundred_million_values_are_measured_exactly(name: str) -> None:
    row = (np.random.default_rng(0).normal(size=100_000) * 25).clip(-128, 127)
    tensor = tensor_of(
        np.tile(row, 100).astype(np.float32), name, layout=Layout.contiguous((10_000_000,))
    )
    repeated = tensor_of(tensor.read(), name, layout=Layout((10, 10_000_000), (0, 1)))
    tracemalloc.start()
    summary = measure(repeated).summary
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    truth = tensor.read()[:100_000].astype(np.float64)
    assert summary.count == 100_000_000
    assert summary.mean == pytest.approx(math.fsum(truth) / truth.size, rel=1e-12)
    assert summary.std == pytest.approx(truth.std(), rel=1e-12)
    assert summary.quantiles is not None
    assert summary.quantiles[0.5] == np.median(truth)
    assert peak < 64 << 20
