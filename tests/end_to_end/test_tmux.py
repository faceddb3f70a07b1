"""The same journey in tmux, on a private socket."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from end_to_end.terminal import COMMAND, LONG, PLAIN
from onnx import numpy_helper

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")

ENVIRONMENT = {name: value for name, value in PLAIN.items() if name not in {"TERM", "COLORTERM"}}


class Tmux:
    """One pane of a private tmux server."""

    def __init__(self, folder: Path) -> None:
        self.socket = str(folder / "socket")

    def run(self, *words: str) -> str:
        command = ["tmux", "-S", self.socket, "-f", "/dev/null", *words]
        done = subprocess.run(
            command, check=True, capture_output=True, text=True, env=ENVIRONMENT, timeout=120
        )
        return done.stdout

    def start(self, *command: str, size: tuple[int, int] = (120, 36)) -> None:
        width, height = map(str, size)
        line = f"{shlex.join(command)}; echo ended with $?; exec cat"
        self.run("new-session", "-d", "-x", width, "-y", height, "/bin/sh", "-c", line)

    def send(self, *keys: str) -> None:
        self.run("send-keys", *keys)

    def write(self, text: str) -> None:
        self.run("send-keys", "-l", text)

    def text(self) -> str:
        return self.run("capture-pane", "-p")

    def until(self, pattern: str) -> re.Match[str]:
        """Look at the pane until it matches."""
        deadline = time.monotonic() + LONG
        while (match := re.search(pattern, self.text())) is None:
            assert time.monotonic() < deadline, f"no {pattern}:\n{self.text()}"
            time.sleep(0.02)
        return match


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Tmux]:
    tmux = Tmux(tmp_path)
    yield tmux
    subprocess.run(["tmux", "-S", tmux.socket, "kill-server"], check=False, capture_output=True)


def test_the_journey_in_tmux(tmux: Tmux, samples: Path) -> None:
    graph = onnx.load(samples / "resnet8_int8_qdq.onnx").graph
    arrays = {entry.name: numpy_helper.to_array(entry) for entry in graph.initializer}
    codes = arrays["conv2d_3.weight_quantized"].astype(np.int64)
    tmux.start(COMMAND, str(samples))
    tmux.until(r"conv2d_1\.weight[\s\S]*in range +\d+ / 432")
    tmux.write("]]]")
    tmux.until("tensorpeek  resnet8_int8_qdq.onnx  ONNX  int8")
    tmux.write("/conv2d_3")
    tmux.send("Enter")
    tmux.until(r"conv2d_3\.weight")
    tmux.write("v")
    tmux.until(rf"min +{codes.min()} ")
    tmux.write("+")
    tmux.until(r"Bins  55 ")
    tmux.write("r-5,5")
    tmux.send("Enter")
    inside = int((np.abs(codes) <= 5).sum())
    tmux.until(rf"in range +{inside:,} / {codes.size:,} ")
    tmux.write("?")
    tmux.until("Find a layer")
    tmux.send("Escape")
    tmux.until("conv2d_3")
    tmux.send("End")
    tmux.until(r"bin (\d+)/\1 ")
    tmux.write("q")
    tmux.until("ended with 0")
    assert "conv2d" not in tmux.text()


def test_a_resize_in_tmux(tmux: Tmux, samples: Path) -> None:
    tmux.start(COMMAND, str(samples / "resnet8.onnx"), size=(80, 24))
    tmux.until(r"s statistics")
    tmux.run("resize-window", "-x", "140", "-y", "40")
    tmux.until(r"in range +\d+ / 432")
    tmux.send("C-c")
    tmux.until("ended with 0")
