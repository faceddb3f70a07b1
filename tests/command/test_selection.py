"""Which words are paths, and which tensors a pattern selects."""

from __future__ import annotations

from pathlib import Path

import pytest

from tensorpeek.tui.command.selection import Selection, matches


@pytest.mark.parametrize(
    ("pattern", "name", "selected"),
    [
        pytest.param("conv", "features.conv1.weight", True, id="plain text is a part of the name"),
        pytest.param("conv*", "features.conv1.weight", False, id="wildcards match all of a name"),
        pytest.param("*conv?.*", "features.conv1.weight", True, id="stars and question marks"),
        pytest.param("conv[12].*", "conv3.weight", False, id="a set of characters"),
        pytest.param("Conv", "conv1", False, id="case matters"),
    ],
)
def test_patterns(pattern: str, name: str, selected: bool) -> None:
    assert matches(pattern, name) is selected


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.pt").touch()
    (tmp_path / "weights").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("words", "paths", "patterns"),
    [
        pytest.param(["a.pt", "*conv*"], ["a.pt"], ["*conv*"], id="a path and a pattern"),
        pytest.param(["nothing"], ["nothing"], [], id="the first word is a path even if absent"),
        pytest.param(["a.pt", "weights"], ["a.pt", "weights"], [], id="a folder is a path"),
        pytest.param(["weights", "a.pt"], ["weights", "a.pt"], [], id="a file is a path"),
        pytest.param(["a.pt", "b.onnx"], ["a.pt", "b.onnx"], [], id="an absent model is a path"),
        pytest.param(["a.pt", "*.p?"], ["a.pt", "*.p?"], [], id="a pattern of files is a path"),
        pytest.param(["a.pt", "x", "y*"], ["a.pt"], ["x", "y*"], id="several patterns"),
        pytest.param(["a.pt", "a\0b"], ["a.pt"], ["a\0b"], id="what no path can be"),
        pytest.param(["a.pt", "x" * 5000], ["a.pt"], ["x" * 5000], id="longer than a path can be"),
    ],
)
def test_words(folder: Path, words: list[str], paths: list[str], patterns: list[str]) -> None:
    selection = Selection.of(words)
    assert list(selection.paths) == paths
    assert list(selection.patterns) == patterns


def test_match_option_makes_a_pattern_of_an_existing_name(folder: Path) -> None:
    assert Selection.of(["a.pt"], ["weights"]).patterns == ("weights",)
