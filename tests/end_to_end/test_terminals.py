"""The app in terminals of every kind, and where there is none."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from end_to_end.terminal import COMMAND, PLAIN, Terminal, app

READY = ("conv2d_1.weight", "in range", "palette")


def colors(output: bytes) -> set[bytes]:
    """How colors were asked for: 38;2 is 24 bits, 38;5 is 256 colors, 3x and 9x are 16."""
    found = re.findall(rb"\x1b\[([\d;]*)m", output)
    kinds = {b"38;2", b"48;2", b"38;5", b"48;5"}
    return {kind for kind in kinds for codes in found if kind in codes}


@pytest.mark.parametrize(
    ("environment", "allowed"),
    [
        ({}, {b"38;2", b"48;2"}),
        ({"COLORTERM": ""}, {b"38;5", b"48;5"}),
        ({"TERM": "linux", "COLORTERM": ""}, set()),
        ({"TERM": "screen-256color", "COLORTERM": ""}, {b"38;5", b"48;5"}),
        ({"TERM": "vt100", "COLORTERM": ""}, None),
        ({"TERM": "dumb"}, None),
    ],
    ids=["24 bits", "256 colors", "the console", "screen", "vt100", "dumb"],
)
def test_the_app_starts_in_a_terminal(
    samples: Path, environment: dict[str, str], allowed: set[bytes] | None
) -> None:
    with app(samples / "resnet8.onnx", environment=environment) as terminal:
        terminal.until_shown(*READY)
        if allowed is not None:
            assert colors(terminal.output) == allowed
        terminal.send("q")
        assert terminal.ended() == 0
        terminal.check_restored()


def test_without_color_there_are_only_grays(samples: Path) -> None:
    with app(samples / "resnet8.onnx", environment={"NO_COLOR": "1"}) as terminal:
        terminal.until_shown(*READY, "░")
        triplets = set(re.findall(rb"[34]8;2;(\d+);(\d+);(\d+)", terminal.output))
        assert triplets
        assert all(len(set(triplet)) == 1 for triplet in triplets)
        terminal.send("q")
        assert terminal.ended() == 0


@pytest.mark.parametrize(
    ("words", "environment"),
    [
        ([], {"LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}),
        ([], {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}),
        (["--ascii"], {}),
    ],
    ids=["LANG=C", "LC_ALL=POSIX", "--ascii"],
)
def test_only_ascii_is_written(
    samples: Path, words: list[str], environment: dict[str, str]
) -> None:
    with app(*words, samples / "resnet8_int8.pt", environment=environment) as terminal:
        terminal.until_shown(*READY)
        terminal.send("?")
        terminal.until_shown("Find a layer")
        terminal.send("?/conv2d_3\r")
        terminal.until_shown("conv2d_3.weight")
        terminal.send("q")
        assert terminal.ended() == 0
        assert terminal.output.isascii()


@pytest.mark.parametrize("words", [[], ["--theme", "tensorpeek-light"]], ids=["plain", "a theme"])
def test_without_a_terminal_there_is_a_hint(samples: Path, words: list[str]) -> None:
    done = subprocess.run(
        [COMMAND, *words, str(samples / "resnet8.onnx")],
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=PLAIN,
        timeout=120,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert "terminal" in done.stderr
    assert "tensorpeek ls" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_default_folder_is_models(samples: Path) -> None:
    with app(cwd=samples.parent) as terminal:
        terminal.until_shown("resnet8.onnx", *READY)
        terminal.send("q")
        assert terminal.ended() == 0


def test_standard_output_may_be_a_file_while_the_app_runs(samples: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    line = f"exec tensorpeek {samples / 'resnet8.onnx'} > {log}"
    with Terminal(["/bin/sh", "-c", line]) as terminal:
        terminal.until_shown(*READY)
        terminal.send("q")
        assert terminal.ended() == 0
    assert log.read_bytes() == b""
