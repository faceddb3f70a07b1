"""Which folder results are kept in, and which one will not do."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from kept_results import in_the_way, numbered

from tensorpeek.analysis.result_cache import FOLDER_VARIABLE, ResultCache, cache_folder


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
