"""However the app is ended, the terminal is as it was found."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from end_to_end.terminal import Terminal, app

READY = ("conv2d_1.weight", "in range", "palette")


@pytest.fixture
def terminal(samples: Path) -> Terminal:
    with app(samples / "resnet8.onnx") as terminal:
        terminal.until_shown(*READY)
        modes = terminal.modes()
        assert modes[1049]
        assert modes[1000]
        assert not modes[25]
        assert terminal.settings_now() != terminal.settings
        yield terminal


@pytest.mark.parametrize("keys", ["q", "\x03", "?\x03", "/abc\x03"], ids=repr)
def test_quitting_by_keys(terminal: Terminal, keys: str) -> None:
    terminal.send(keys)
    assert terminal.ended() == 0
    terminal.check_restored()


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGTERM, 128 + 15), (signal.SIGINT, 128 + 2), (signal.SIGHUP, 128 + 1)],
    ids=["SIGTERM", "SIGINT", "SIGHUP"],
)
def test_signals(terminal: Terminal, number: signal.Signals, code: int) -> None:
    terminal.signal(number)
    assert terminal.ended() in {code, 0}
    terminal.check_restored()
    assert "Traceback" not in terminal.text()


def test_the_terminal_vanishes(samples: Path) -> None:
    terminal = app(samples / "resnet8.onnx")
    try:
        terminal.until_shown(*READY)
        terminal.send("nnnnnnnn")
        os.close(terminal.slave)
        os.close(terminal.master)
        started = time.monotonic()
        terminal.process.wait(timeout=120)
        assert time.monotonic() - started < 30
    finally:
        terminal.process.kill()
        terminal.process.wait()


def test_an_early_signal_while_the_app_is_starting(samples: Path) -> None:
    with app(samples / "resnet8.onnx") as terminal:
        terminal.until(lambda: b"\x1b[?1049h" in terminal.output)
        terminal.take(0.1)
        terminal.signal(signal.SIGTERM)
        assert terminal.ended() in {128 + 15, 0}
        terminal.check_restored()


def test_suspended_and_resumed_by_a_shell(samples: Path) -> None:
    with Terminal(["/bin/bash", "--norc", "--noprofile", "-i"]) as terminal:
        terminal.take(0.5)
        terminal.send(f"tensorpeek {samples / 'resnet8.onnx'}\r")
        terminal.until_shown(*READY)
        group = os.tcgetpgrp(terminal.master)
        os.killpg(group, signal.SIGTSTP)
        terminal.until(lambda: b"Stopped" in terminal.output)
        assert terminal.modes()[1049] is False
        assert terminal.modes()[25] is True
        terminal.send("fg\r")
        terminal.until(lambda: terminal.modes()[1049])
        terminal.until_shown(*READY)
        terminal.send("n")
        terminal.until_shown("conv2d_2.weight")
        terminal.send("q")
        terminal.until(lambda: not terminal.modes()[1049])
        terminal.until(lambda: os.tcgetpgrp(terminal.master) == terminal.process.pid)
        terminal.send("exit\r")
        terminal.ended()
