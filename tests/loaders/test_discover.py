"""Folders that are searched for models: what is found in them, and what cannot be read."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tensorpeek.loaders import find_models


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a model in each of three subfolders, one of them hidden."""
    for name in ("a", "b", ".hidden"):
        (tmp_path / name).mkdir()
        np.save(tmp_path / name / "weight.npy", np.zeros(3))
    return tmp_path


@pytest.fixture
def fail(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path, int], None]:
    """Let the operating system refuse to list one folder, also for root."""

    def refuse(folder: Path, number: int) -> None:
        scandir = os.scandir

        def listing(path: str) -> object:
            if Path(path) == folder:
                raise OSError(number, os.strerror(number), path)
            return scandir(path)

        monkeypatch.setattr(os, "scandir", listing)

    return refuse


def test_hidden_folders_are_left_out(folder: Path) -> None:
    found, problems = find_models([folder])
    assert found == [folder / "a" / "weight.npy", folder / "b" / "weight.npy"]
    assert problems == []


def test_links_to_folders_are_not_followed(folder: Path) -> None:
    (folder / "loop").symlink_to(folder)
    assert len(find_models([folder])[0]) == 2


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        pytest.param("**/*.npy", ["a/weight.npy", "b/weight.npy"], id="files below"),
        pytest.param("**", ["a/weight.npy", "b/weight.npy"], id="everything below"),
        pytest.param("a/**/*.npy", ["a/weight.npy"], id="files below one folder"),
        pytest.param("**/b/**/w*", ["b/weight.npy"], id="two times any folders"),
        pytest.param("[ab]/**/weight.npy", ["a/weight.npy", "b/weight.npy"], id="below some"),
    ],
)
def test_any_folders_of_a_pattern_are_no_links_back(
    folder: Path, monkeypatch: pytest.MonkeyPatch, pattern: str, expected: list[str]
) -> None:
    for loop in ("loop", "again", "a/loop"):  # followed, there would be 2 ** 40 paths
        (folder / loop).symlink_to(folder)
    assert find_models([folder / pattern]) == ([folder / name for name in expected], [])
    monkeypatch.chdir(folder)
    assert find_models([pattern]) == ([Path(name) for name in expected], [])


def test_no_path_is_not_the_current_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    found, problems = find_models([""])
    assert found == []
    assert [str(problem) for problem in problems] == ["'': no such file"]


def test_a_subfolder_without_permission_is_told(
    folder: Path, fail: Callable[[Path, int], None]
) -> None:
    fail(folder / "b", errno.EACCES)
    found, problems = find_models([folder])
    assert found == [folder / "a" / "weight.npy"]
    assert [str(problem) for problem in problems] == [f"{folder / 'b'}: no permission to read it"]


@pytest.mark.parametrize("number", [errno.ENOENT, errno.ESRCH, errno.ENOTDIR])
def test_a_subfolder_that_is_removed_meanwhile_is_no_problem(
    folder: Path, fail: Callable[[Path, int], None], number: int
) -> None:
    fail(folder / "b", number)
    assert find_models([folder]) == ([folder / "a" / "weight.npy"], [])


def test_the_folder_itself_without_permission_is_one_problem(
    folder: Path, fail: Callable[[Path, int], None]
) -> None:
    fail(folder, errno.EACCES)
    found, problems = find_models([folder])
    assert found == []
    assert [str(problem) for problem in problems] == [f"{folder}: no permission to read it"]
