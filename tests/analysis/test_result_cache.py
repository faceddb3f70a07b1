"""Results on disk: found in another session, bounded, JSON."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from kept_results import filled, numbered

from tensorpeek.analysis.result_cache import ResultCache


def test_a_result_is_found_again_in_another_session(tmp_path: Path) -> None:
    with ResultCache(tmp_path / "cache", pytest.fail) as cache:
        assert cache.find(numbered(1)) is None
        cache.keep(numbered(1), {"std": 0.1, "name": "é\x1b[31m", "nan": "NaN"})
        cache.keep(numbered(2), {})
        cache.keep(numbered(2), {"later": True})
    with ResultCache(tmp_path / "cache", pytest.fail) as cache:
        assert cache.find(numbered(1)) == {"std": 0.1, "name": "é\x1b[31m", "nan": "NaN"}
        assert cache.find(numbered(2)) == {"later": True}
        assert cache.find(None) is None
        facts = cache.facts()
        assert facts is not None
        assert facts.entries == 2
        with pytest.raises(ValueError, match="not JSON compliant"):
            cache.keep(numbered(3), {"std": float("nan")})
        cache.clear()
        assert (cache.find(numbered(1)), cache.facts().entries) == (None, 0)  # type: ignore[union-attr]
    assert (tmp_path / "cache").stat().st_mode & 0o777 == 0o700


def test_the_oldest_results_leave(tmp_path: Path) -> None:
    limit = 1 << 20
    with ResultCache(tmp_path, pytest.fail, limit=limit) as cache:
        for number in range(100):
            cache.keep(numbered(number), {"text": "x" * 50_000})
        kept = [cache.find(numbered(number)) is not None for number in range(100)]
        assert kept == sorted(kept)  # the oldest are gone, the newest are there
        assert 10 <= sum(kept) <= 20
        cache.keep(numbered(500), {"text": "x" * limit})
        assert cache.find(numbered(500)) is None
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 2 * limit


def test_results_are_json_on_disk(tmp_path: Path) -> None:
    connection = sqlite3.connect(filled(tmp_path, 1))
    ((value,),) = connection.execute("SELECT value FROM results").fetchall()
    connection.close()
    assert json.loads(value) == {"number": 0, "text": "x" * 400}
