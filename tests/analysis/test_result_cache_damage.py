"""A damaged file of results is begun anew, and gives nothing wrong."""

from __future__ import annotations

import os
import random
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kept_results import check_usable, filled, numbered, used

from tensorpeek.analysis.result_cache import ResultCache


def cut(path: Path, length: int) -> None:
    with path.open("r+b") as stream:
        stream.truncate(length)


def run_sql(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


DAMAGES = {
    "garbage": lambda path: path.write_bytes(random.Random(0).randbytes(50_000)),
    "text": lambda path: path.write_text("this is no database\n" * 99),
    "nothing": lambda path: cut(path, 0),
    "half a header": lambda path: cut(path, 50),
    "a header alone": lambda path: cut(path, 4096),
    "half a page": lambda path: cut(path, 9_000),
    "no table": lambda path: run_sql(path, "DROP TABLE results"),
    "another table": lambda path: run_sql(
        path, "DROP TABLE results", "CREATE TABLE results (a INTEGER)"
    ),
    "one table more": lambda path: run_sql(path, "CREATE TABLE more (a INTEGER)"),
    "a trigger": lambda path: run_sql(
        path, "CREATE TRIGGER t AFTER INSERT ON results BEGIN DELETE FROM results; END"
    ),
    "a view for a table": lambda path: run_sql(
        path, "DROP TABLE results", "CREATE VIEW results AS SELECT 1 AS key, 2 AS number"
    ),
    "a log of garbage": lambda path: Path(f"{path}-wal").write_bytes(os.urandom(40_000)),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file_is_begun_anew(tmp_path: Path, damage: Callable[[Path], Any]) -> None:
    damage(filled(tmp_path))
    check_usable(tmp_path)


def test_bytes_that_flip_never_give_a_wrong_result(tmp_path: Path) -> None:
    path = filled(tmp_path)
    sound, chance = path.read_bytes(), random.Random(7)
    for _ in range(60):
        damaged = bytearray(sound)
        for _ in range(chance.choice((1, 20, 500))):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        path.write_bytes(damaged)
        for ending in ("-wal", "-shm"):
            Path(f"{path}{ending}").unlink(missing_ok=True)
        found, told = used(tmp_path)
        assert all(one in (None, {"number": -number}) for number, one in enumerate(found))
        assert len(told) <= 1


@pytest.mark.parametrize(
    "change",
    ["value = CAST('{\"number\": 5}' AS BLOB)", "value = 3", "value = 'text'", "check_sum = 0"],
)
def test_a_value_that_was_changed_is_not_given(tmp_path: Path, change: str) -> None:
    run_sql(filled(tmp_path), f"UPDATE results SET {change}")
    check_usable(tmp_path)


def test_damage_while_it_is_open_is_survived(tmp_path: Path) -> None:
    path = filled(tmp_path)
    told: list[str] = []
    with ResultCache(tmp_path, told.append) as cache:
        assert cache.find(numbered(3)) is not None
        path.write_bytes(os.urandom(path.stat().st_size))
        for number in range(60):
            found = cache.find(numbered(number))
            assert found is None or found["number"] == number
            cache.keep(numbered(number), {"number": number})
    assert len(told) <= 1
    check_usable(tmp_path)
