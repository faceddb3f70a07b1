"""Many values are merged piece by piece as few are merged at once."""

from __future__ import annotations

import numpy as np
import pytest

from tensorpeek.analysis import merging, never


@pytest.mark.parametrize("distinct", [1, 2, 50, 100_000])
def test_pieces_make_the_whole(distinct: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=distinct)[rng.integers(0, distinct, 20_000)]
    counts = rng.integers(1, 1000, 20_000)
    whole = merging.merge_equal(values, counts, never)
    monkeypatch.setattr(merging, "PIECE", 1000)
    pieces = merging.merge_equal(values, counts, never)
    assert np.array_equal(whole[0], np.unique(values))
    assert whole[1].tolist() == [counts[values == value].sum() for value in whole[0][:50]] + (
        whole[1][50:].tolist()
    )
    assert np.array_equal(whole[0], pieces[0])
    assert np.array_equal(whole[1], pieces[1])
    assert pieces[1].sum() == counts.sum()
