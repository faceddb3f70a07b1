"""Results on disk: found for the same bytes only, bounded, never fatal."""

from __future__ import annotations

import json
import os
import random
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_tensors import quantized, tensor_of
from safetensors.numpy import save_file

from tensorpeek.analysis.result_cache import FOLDER_VARIABLE, ResultCache, ResultKey, cache_folder
from tensorpeek.analysis.result_cache import database as database_module
from tensorpeek.analysis.result_cache import result_keys as key_module
from tensorpeek.analysis.result_cache.result_keys import result_key
from tensorpeek.loaders import Tensor, open_model

OPTIONS = {"command": "scan", "bits": [8]}


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trust files that were written a moment ago."""
    monkeypatch.setattr(key_module, "SETTLED_NS", 0)


def only_tensor(path: Path, value: float = 1.0) -> Tensor:
    save_file({"a.weight": np.full((4, 4), value, np.float32)}, path)
    return open_model(path).tensors[0]


def numbered(number: int) -> ResultKey:
    return ResultKey(f"{number:064x}")


def rewritten(path: Path) -> None:
    """Write other bytes into a file, as many, until its time of change differs."""
    content, before = path.read_bytes(), path.stat().st_mtime_ns
    while path.stat().st_mtime_ns == before:
        with path.open("r+b") as stream:
            stream.seek(-4, os.SEEK_END)
            stream.write(np.float32(7).tobytes())
    assert len(path.read_bytes()) == len(content)


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


@pytest.mark.usefixtures("settled")
def test_every_circumstance_is_part_of_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tensor = only_tensor(tmp_path / "a.safetensors")
    other = only_tensor(tmp_path / "b.safetensors")
    save_file({n: np.ones((2, 8), np.float32) for n in ("x.weight", "y.weight")}, tmp_path / "c")
    two = open_model(tmp_path / "c").tensors
    codes = np.arange(8).reshape(2, 4)
    scaled = [quantized(codes, "int8", scale=scale) for scale in (1.0, 2.0)]
    memory = [tensor_of(np.arange(4.0)), tensor_of(np.arange(1, 5.0)), *scaled]
    keys = [result_key(one, OPTIONS) for one in (tensor, other, *two, *memory)]
    keys.append(result_key(tensor, OPTIONS | {"bits": [4]}))
    monkeypatch.setattr(key_module, "MEASURES", key_module.MEASURES + 1)
    keys.append(result_key(tensor, OPTIONS))
    monkeypatch.setattr(key_module, "package_version", lambda: "0.0.0")
    keys.append(result_key(tensor, OPTIONS))
    assert None not in keys
    assert len({key.digest for key in keys if key is not None}) == len(keys) == 11


@pytest.mark.usefixtures("settled")
def test_the_same_tensor_has_the_same_key_when_it_is_opened_again(samples: Path) -> None:
    for path in sorted(samples.glob("*.*t*")):
        if path.suffix not in {".pt", ".onnx"}:
            continue
        first, second = (
            [result_key(tensor, OPTIONS) for tensor in open_model(path).tensors] for _ in range(2)
        )
        assert first == second
        assert None not in first


@pytest.mark.usefixtures("settled")
def test_a_file_that_is_rewritten_in_place_has_no_old_result(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    before = result_key(only_tensor(path), OPTIONS)
    assert before is not None
    assert before.is_current()
    rewritten(path)
    assert not before.is_current()
    after = result_key(open_model(path).tensors[0], OPTIONS)
    assert after is not None
    assert after.digest != before.digest


@pytest.mark.usefixtures("settled")
def test_turning_back_the_time_of_change_does_not_help(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    before, status = result_key(only_tensor(path), OPTIONS), path.stat()
    assert before is not None
    rewritten(path)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_mtime_ns == status.st_mtime_ns
    assert not before.is_current()
    after = result_key(open_model(path).tensors[0], OPTIONS)
    assert after is not None
    assert after.digest != before.digest


@pytest.mark.usefixtures("settled")
@pytest.mark.parametrize("change", [rewritten, Path.unlink, lambda path: path.write_bytes(b"")])
def test_what_changed_while_it_was_measured_is_not_kept(
    tmp_path: Path, change: Callable[[Path], object]
) -> None:
    path = tmp_path / "a.safetensors"
    key = result_key(only_tensor(path), OPTIONS)
    with ResultCache(tmp_path / "cache", pytest.fail) as cache:
        change(path)
        cache.keep(key, {"max": 1.0})
        assert cache.find(key) is None


def test_a_tensor_that_may_change_unseen_has_no_key(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    tensor = only_tensor(path)
    assert result_key(tensor, OPTIONS) is None  # written within the last tick of a coarse clock
    gone = open_model(path).tensors[0]
    path.unlink()
    assert result_key(gone, OPTIONS) is None


def test_a_tensor_that_cannot_be_read_has_no_key() -> None:
    broken = tensor_of(np.ones(3))
    object.__setattr__(broken, "error", "reaches past its storage")
    assert result_key(broken, OPTIONS) is None


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


def filled(folder: Path, count: int = 60) -> Path:
    """Return the file of a cache that holds ``count`` results."""
    with ResultCache(folder, pytest.fail) as cache:
        for number in range(count):
            cache.keep(numbered(number), {"number": number, "text": "x" * 400})
    return folder / database_module.FILE_NAME


def used(folder: Path) -> tuple[list[Any], list[str]]:
    """Use a cache of :func:`filled`: what is found of new results, and what is told."""
    told: list[str] = []
    with ResultCache(folder, told.append) as cache:
        for number in range(60):
            found = cache.find(numbered(number))
            assert found is None or found["number"] == number
            cache.keep(numbered(1000 + number), {"number": -number})
        return [cache.find(numbered(1000 + number)) for number in range(60)], told


def check_usable(folder: Path) -> None:
    """See that a cache gives nothing wrong, tells nothing, and keeps what is new."""
    found, told = used(folder)
    assert told == []
    assert found == [{"number": -number} for number in range(60)]


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


def in_the_way(folder: Path) -> Path:
    return folder / database_module.FILE_NAME


def linked(folder: Path) -> None:
    (folder.parent / "elsewhere").mkdir()
    folder.symlink_to(folder.parent / "elsewhere")


def open_to_all(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o777)


def another_users(folder: Path) -> None:
    if os.geteuid():
        pytest.skip("only root may give a folder away")
    folder.mkdir()
    os.chown(folder, 65534, -1)


def read_only(folder: Path) -> None:
    if not os.geteuid():
        pytest.skip("root may write everywhere")
    folder.mkdir()
    folder.chmod(0o500)


def pipe_in_the_way(folder: Path) -> None:
    folder.mkdir()
    os.mkfifo(in_the_way(folder))


def directory_in_the_way(folder: Path) -> None:
    in_the_way(folder).mkdir(parents=True)


def link_in_the_way(folder: Path) -> None:
    folder.mkdir()
    (folder.parent / "precious").write_text("precious")
    in_the_way(folder).symlink_to(folder.parent / "precious")


@pytest.mark.parametrize(
    "prepare",
    [
        linked, open_to_all, another_users, read_only, pipe_in_the_way, directory_in_the_way,
        link_in_the_way, lambda folder: folder.write_text("a file"),
    ],
    ids=[
        "a link", "open to all", "another user's", "read-only", "a pipe for the file",
        "a folder for the file", "a link for the file", "a file",
    ],
)  # fmt: skip
def test_a_folder_that_will_not_do_is_told_once(
    tmp_path: Path, prepare: Callable[[Path], object]
) -> None:
    folder = tmp_path / "cache"
    prepare(folder)
    told: list[str] = []
    with ResultCache(folder, told.append) as cache:
        cache.keep(numbered(1), {"a": 1})
        assert cache.find(numbered(1)) is None
        assert cache.facts() is None
        cache.clear()
    (line,) = told
    assert "no results are kept: " in line
    assert "\n" not in line
    if (tmp_path / "precious").exists():
        assert (tmp_path / "precious").read_text() == "precious"


@pytest.mark.parametrize("folder", ["/proc/self/cache", "/dev/null/cache"])
def test_a_folder_that_cannot_be_made_is_told_once(folder: str) -> None:
    told: list[str] = []
    with ResultCache(Path(folder), told.append) as cache:
        cache.keep(numbered(1), {})
    assert len(told) == 1


def test_a_full_disk_ends_the_keeping_only(tmp_path: Path) -> None:
    told: list[str] = []
    with ResultCache(tmp_path, told.append) as cache:
        assert cache._database is not None
        cache._database._connection.execute("PRAGMA max_page_count = 20")
        for number in range(50):
            cache.keep(numbered(number), {"text": "x" * 4000})
    (line,) = told
    assert "full" in line
    check = sqlite3.connect(in_the_way(tmp_path))
    assert check.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    check.close()


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


def test_the_folder_is_the_users_choice_or_the_platforms(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.setenv(FOLDER_VARIABLE, "")
    assert cache_folder() is None
    monkeypatch.delenv(FOLDER_VARIABLE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = cache_folder()
    assert folder is not None
    assert folder.name == "tensorpeek"
    if sys.platform == "linux":
        assert folder == tmp_path / "tensorpeek"


def test_results_are_json_on_disk(tmp_path: Path) -> None:
    connection = sqlite3.connect(filled(tmp_path, 1))
    ((value,),) = connection.execute("SELECT value FROM results").fetchall()
    connection.close()
    assert json.loads(value) == {"number": 0, "text": "x" * 400}
