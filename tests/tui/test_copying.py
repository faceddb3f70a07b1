"""What is copied and saved: the statistics, the command that prints them, a picture."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from driven_app import driven

BIN = Path(sys.executable).parent


def printed(command: str) -> str:
    """What a copied command line prints, run by a shell."""
    words = shlex.split(command)
    assert words[0] == "tensorpeek"
    done = subprocess.run(
        ["/bin/sh", "-c", f"{shlex.quote(str(BIN))}/{command}"],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


async def test_the_statistics_are_copied_as_they_are_shown(samples: Path) -> None:
    async with driven(samples / "resnet8_int8.pt", size=(120, 60)) as app:
        await app.press("y")
        name, *rows = app.app.clipboard.splitlines()
        assert name == "conv2d_1.weight"
        shown = app.statistics()
        assert dict(row.split("\t") for row in rows) == shown
        assert {"min", "share", "scheme", "mean scale"} <= shown.keys()
        assert f"{len(rows) + 1} lines copied" in app.text()


async def test_the_copied_command_prints_the_same_count(samples: Path) -> None:
    async with driven(samples / "resnet8_int8.pt") as app:
        await app.press("n")
        await app.press("Y")
        float_command, float_count = app.app.clipboard, app.statistics()["in range"]
        assert "copied" in app.text()
        await app.press("v", "+", "g", "r", *"-3,40", "enter")
        await app.press("Y")
        raw_command, raw_count = app.app.clipboard, app.statistics()["in range"]
    for command, count in ((float_command, float_count), (raw_command, raw_count)):
        inside, total = count.split(" / ")
        assert re.search(rf"\b{inside} (?:/|of) {total}\b", printed(command)), printed(command)
    assert shlex.split(raw_command)[4:] == [
        "--bins", "55", "--range", "-3", "40", "--view", "raw", "--log",
    ]  # fmt: skip


async def test_a_picture_lands_in_the_working_folder_and_overwrites_nothing(
    samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    taken = tmp_path / "tensorpeek-1.svg"
    taken.write_text("mine", encoding="utf-8")
    async with driven(samples / "resnet8.onnx") as app:
        await app.press("S")
        await app.press("S")
        assert "tensorpeek-3.svg" in app.text()
    assert taken.read_text(encoding="utf-8") == "mine"
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["tensorpeek-1.svg", "tensorpeek-2.svg", "tensorpeek-3.svg"]
    picture = ET.parse(tmp_path / "tensorpeek-2.svg").getroot()
    assert "conv2d_1.weight" in "".join(picture.itertext())
    assert "url(" not in (tmp_path / "tensorpeek-2.svg").read_text().replace("url(#", "")


async def test_a_folder_that_cannot_be_written_is_said_and_not_fatal(
    samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    async with driven(samples / "resnet8.onnx") as app:
        await app.press("S")
        assert "no picture: " in app.text()
        await app.press("n")
        assert app.menu("layer") == "conv2d_2"
