"""What the README tells a newcomer to type works, word for word."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMAND = Path(sys.executable).parent / "tensorpeek"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def commands() -> list[str]:
    lines = [line for block in blocks("console") for line in block.splitlines()]
    typed = [line.removeprefix("$ ").partition("  #")[0].strip() for line in lines]
    return [line for line in typed if line.startswith("tensorpeek")]


def test_there_are_five_examples() -> None:
    assert len(commands()) == 5


@pytest.mark.parametrize("line", commands()[1:])
def test_an_example_of_a_command_prints_numbers(line: str) -> None:
    words = shlex.split(line.partition("|")[0])
    answer = subprocess.run(
        [COMMAND, *words[1:]], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert not answer.stderr
    assert re.search(r"\d\.\d|\d,\d{3}", answer.stdout)


def test_the_python_example_runs() -> None:
    (block,) = blocks("python")
    answer = subprocess.run(
        [sys.executable, "-c", block], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "RangeCount" in answer.stdout


def test_every_file_it_links_is_there() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).is_file()] == []
