"""The line of progress: on a terminal, late, and wiped at the end."""

from __future__ import annotations

import io
import sys

import pytest

from tensorpeek.tui.command import console


class Screen(io.StringIO):
    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr(console.time, "monotonic", lambda: now[0])
    return now


def work(clock: list[float], seconds: float) -> None:
    with console.progress_line() as progress:
        report = progress.begin("1/2 model.pt a\x1bb.weight")
        clock[0] += seconds
        report(0.25)
        report(0.5)


def test_slow_work_is_shown_and_wiped(clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen(terminal=True)
    monkeypatch.setattr(sys, "stderr", screen)
    work(clock, 1.0)
    assert screen.getvalue() == "\r\x1b[K 25% 1/2 model.pt a\\x1bb.weight\r\x1b[K"


@pytest.mark.parametrize(
    ("terminal", "seconds"),
    [pytest.param(True, 0.1, id="quick work"), pytest.param(False, 9.0, id="no terminal")],
)
def test_nothing_is_shown_of(
    clock: list[float], monkeypatch: pytest.MonkeyPatch, terminal: bool, seconds: float
) -> None:
    screen = Screen(terminal=terminal)
    monkeypatch.setattr(sys, "stderr", screen)
    work(clock, seconds)
    assert screen.getvalue() == ""
