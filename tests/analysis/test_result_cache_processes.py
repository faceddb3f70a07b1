"""Several processes that keep results in one file, one of them killed or stuck."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from kept_results import filled, in_the_way, numbered

from tensorpeek.analysis.result_cache import ResultCache
from tensorpeek.analysis.result_cache import database as database_module


def test_another_process_that_never_ends_its_writing_is_not_waited_for_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "WAIT", 0.05)
    path = filled(tmp_path, 3)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    told: list[str] = []
    with ResultCache(tmp_path, told.append) as cache:
        assert cache.find(numbered(1)) is not None  # reading goes on beside it
        for number in range(100, 103):
            cache.keep(numbered(number), {})
    (line,) = told
    assert "locked" in line
    other.close()


def test_a_lock_that_is_never_given_back_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "WAIT", 0.05)
    told: list[str] = []
    with database_module._alone(tmp_path / "lock"):
        ResultCache(tmp_path, told.append).close()
    assert "another process holds its lock" in told[0]


WRITER = """
import sys
from pathlib import Path
from tensorpeek.analysis.result_cache import ResultCache, ResultKey

def stop(reason):
    sys.exit(reason)

first = int(sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
with ResultCache(Path(sys.argv[1]), stop) as cache:
    for number in range(first, first + 300):
        cache.keep(ResultKey(f"{number:064x}"), {"number": number})
        found = cache.find(ResultKey(f"{number:064x}"))
        if found != {"number": number}:
            sys.exit(f"{number}: {found}")
        if number == first + 100:
            print("on the way", flush=True)
"""


def writer(folder: Path, first: int) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", WRITER, str(folder), str(first)]
    pipe = subprocess.PIPE
    return subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def begin(*processes: subprocess.Popen[str]) -> None:
    """Let processes begin together, once all are ready."""
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()


def test_two_processes_write_at_once_and_a_killed_one_spoils_nothing(tmp_path: Path) -> None:
    processes = [writer(tmp_path, first) for first in (0, 300, 600)]
    begin(*processes)
    victim = processes.pop()
    assert victim.stdout is not None
    victim.stdout.readline()
    victim.kill()
    victim.communicate(timeout=60)
    for process in processes:
        _, complaint = process.communicate(timeout=60)
        assert (process.returncode, complaint) == (0, "")
    with ResultCache(tmp_path, pytest.fail) as cache:
        found = [cache.find(numbered(number)) for number in range(700)]
    assert found == [{"number": number} for number in range(700)]


def test_processes_that_find_a_damaged_file_begin_one_together(tmp_path: Path) -> None:
    in_the_way(tmp_path).write_bytes(b"no database" * 999)
    processes = [writer(tmp_path, first) for first in (0, 300)]
    begin(*processes)
    for process in processes:
        _, complaint = process.communicate(timeout=60)
        assert (process.returncode, complaint) == (0, "")
    with ResultCache(tmp_path, pytest.fail) as cache:
        assert all(cache.find(numbered(number)) for number in range(600))
