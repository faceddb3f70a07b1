"""The manual page: it is what the commands say now, and roff shows it as it is meant."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

from tensorpeek.tui.command.main import cli

SCRIPT = Path(__file__).resolve().parents[1] / "docs" / "make_man.py"


@pytest.fixture(scope="module")
def made() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_man", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_up_to_date(made: ModuleType) -> None:
    assert made.PAGE.read_text(encoding="utf-8") == made.man_page(), "make it again with make man"


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
def test_groff_shows_every_command_and_keeps_examples(made: ModuleType) -> None:
    words = ["groff", "-man", "-Tascii", "-P-cbou", "-wall", "-rLL=100n", str(made.PAGE)]
    done = subprocess.run(words, check=True, capture_output=True, text=True, timeout=120)
    assert done.stderr == ""
    shown = done.stdout
    for name in cli.commands:
        assert re.search(rf"^ +{name}$", shown, re.MULTILINE), name
    assert "tensorpeek hist model.pt --range -0.25 0.25\n" in shown
    assert "tensorpeek stats model.pt '*conv2d*'\n" in shown
