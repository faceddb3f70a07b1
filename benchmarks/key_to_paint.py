"""Measure keys: from writing one to the last byte that it draws, and how many bytes that is.

The app runs in a terminal of 120x36 characters. A repaint has ended when nothing comes any more.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import sample_files
from terminal_process import Repaint, TerminalProcess
from timing import Spread, print_table

HERE = Path(__file__).resolve().parent
MODEL = HERE.parent / "models" / "resnet8_int8.pt"
TENSORPEEK = str(Path(sys.executable).parent / "tensorpeek")
BARE = [sys.executable, str(HERE / "bare_app.py")]

MENU, DRAWN = "Model", "▲"
"""What is on the screen of the app when its menus, and when a histogram, are drawn."""

KEYS = {"n": "n: next layer", "v": "v: other view", "+": "+: more bins", "\x1b[C": "→: bin cursor"}
QUIET = 0.3
"""Seconds without a byte after which a repaint has ended."""

HEADER = ("", "median ms", "least ms", "x bare", "x bare, least", "first byte ms", "bytes")


def main(rounds: int = 9) -> None:
    """Print what keys cost on a small tensor, then on one of 100 million values."""
    with TerminalProcess(BARE) as bare, TerminalProcess([TENSORPEEK, str(MODEL)]) as app:
        bare.wait_for("painted")
        app.wait_for(DRAWN)
        for terminal in (bare, app):
            terminal.settle(2 * QUIET)
        repaints = _press_in_turn(bare, app, rounds)
    print_repaints(f"From key to paint, {rounds} rounds in turn, small tensors", repaints)
    with tempfile.TemporaryDirectory(prefix="tensorpeek-") as folder:
        path = Path(folder, "large.pt")
        sample_files.write("large tensor", path)
        _measure_large(path, rounds)


def _press_in_turn(
    bare: TerminalProcess, app: TerminalProcess, rounds: int
) -> dict[str, list[Repaint]]:
    repaints: dict[str, list[Repaint]] = {"bare Textual app, one line": []}
    repaints |= {name: [] for name in KEYS.values()}
    for _ in range(rounds):
        repaints["bare Textual app, one line"].append(bare.press("x", quiet=QUIET))
        for key, name in KEYS.items():
            repaints[name].append(app.press(key, quiet=QUIET))
    return repaints


def _measure_large(path: Path, rounds: int) -> None:
    """Press + on a large tensor, and count what the process reads meanwhile (Linux tells)."""
    with TerminalProcess(BARE) as bare, TerminalProcess([TENSORPEEK, str(path)]) as app:
        bare.wait_for("painted")
        app.wait_for(MENU)
        opened = app.wait_for(DRAWN)
        for terminal in (bare, app):
            terminal.settle(2 * QUIET)
        while_counting = _bytes_read(app.pid)
        repaints: dict[str, list[Repaint]] = {"bare Textual app, one line": [], "+: more bins": []}
        for _ in range(rounds):
            repaints["bare Textual app, one line"].append(bare.press("x", quiet=QUIET))
            repaints["+: more bins"].append(app.press("+", quiet=QUIET))
        after = _bytes_read(app.pid)
    params = f"{sample_files.LARGE_PARAMS:,} bfloat16 values ({path.stat().st_size / 1e6:.0f} MB)"
    print_repaints(f"From key to paint, {rounds} rounds in turn, {params}", repaints)
    print(f"  from spawn to the histogram: {opened:.2f} s")
    if while_counting is not None and after is not None:
        print(f"  read until then: {while_counting / 1e6:,.1f} MB, programs and libraries included")
        print(f"  read by {rounds} times +: {(after - while_counting) / 1e6:,.3f} MB")


def print_repaints(title: str, repaints: dict[str, list[Repaint]]) -> None:
    """Print a table of what keys cost; ratios are those to the first row."""
    spreads = {name: Spread.of([one.last for one in seen]) for name, seen in repaints.items()}
    base = next(iter(spreads.values()))
    rows = [
        [
            name,
            *spread.milliseconds(),
            *spread.ratios(base),
            _milliseconds([one.first for one in repaints[name]]),
            f"{Spread.of([one.nbytes for one in repaints[name]]).median:,.0f}",
        ]
        for name, spread in spreads.items()
    ]
    print_table(title, HEADER, rows)


def _milliseconds(seconds: Sequence[float]) -> str:
    return Spread.of(seconds).milliseconds()[0]


def _bytes_read(pid: int) -> int | None:
    """Return how many bytes a process has read so far, from files and else; None off Linux."""
    path = Path(f"/proc/{pid}/io")
    if not path.exists():
        return None
    return int(path.read_text(encoding="ascii").split("rchar:")[1].split()[0])


if __name__ == "__main__":
    main()
