"""Measure the keys of the table of 100,000 tensors: to the last byte each draws, and how many.

The app runs in a terminal of 120x36 characters, once while it measures tensors in the background
and once when that is paused.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

from terminal_process import Repaint, TerminalProcess
from timing import Spread, print_table

HERE = Path(__file__).resolve().parent
TENSORPEEK = str(Path(sys.executable).parent / "tensorpeek")
BARE = [sys.executable, str(HERE / "bare_app.py")]
TENSORS = 100_000
SHAPE = (4, 2)

KEYS = {
    "n": "n: next row",
    "\x1b[6~": "page down",
    "l": "l: columns to the right",
    ">": ">: sort by the next column",
    "r": "r: reverse",
}
QUIET = 0.3
"""Seconds without a byte after which a repaint has ended."""

HEADER = ("", "median ms", "least ms", "x bare", "x bare, least", "first byte ms", "bytes")


def main(rounds: int = 5) -> None:
    """Print how long opening the table takes, then what keys cost."""
    with tempfile.TemporaryDirectory(prefix="tensorpeek-") as folder:
        path = Path(folder, "many.safetensors")
        write_many(path)
        with TerminalProcess(BARE) as bare, TerminalProcess([TENSORPEEK, str(path)]) as app:
            bare.wait_for("painted")
            app.wait_for("▲")
            for terminal in (bare, app):
                terminal.settle(2 * QUIET)
            opened = app.press("2", quiet=QUIET)
            print(f"  from 2 to the first byte of the table: {opened.first * 1000:.0f} ms")
            first = {"n: next row, while measuring": [_until_drawn(app) for _ in range(20)]}
            app.press("\x1b", quiet=1.0)  # pauses measuring
            repaints = {"bare Textual app, one line": []} | {name: [] for name in KEYS.values()}
            for _ in range(rounds):
                repaints["bare Textual app, one line"].append(bare.press("x", quiet=QUIET))
                for key, name in KEYS.items():
                    repaints[name].append(app.press(key, quiet=QUIET))
    _print_repaints(f"From key to paint, {rounds} rounds, {TENSORS:,} tensors", repaints)
    rows = [[name, *Spread.of(times).milliseconds()] for name, times in first.items()]
    print_table("From key to the cursor on the next row", ("", "median ms", "least ms"), rows)


def _until_drawn(app: TerminalProcess) -> float:
    """Press n; return when the cursor's sign is drawn: progress is drawn all the time."""
    before, sign = len(app.output), "▶".encode()
    pressed = time.perf_counter()
    app.press("n", quiet=0.0)
    app.wait_until(lambda output: sign in output[before:], "the cursor on the next row")
    return time.perf_counter() - pressed


def write_many(path: Path) -> None:
    """Write small float32 tensors with names as those of a language model."""
    size = 4 * SHAPE[0] * SHAPE[1]
    header = {
        f"model.layers.{index // 8}.part_{index % 8}.weight": {
            "dtype": "F32",
            "shape": SHAPE,
            "data_offsets": [index * size, (index + 1) * size],
        }
        for index in range(TENSORS)
    }
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(size * TENSORS))


def _print_repaints(title: str, repaints: dict[str, list[Repaint]]) -> None:
    spreads = {name: Spread.of([one.last for one in seen]) for name, seen in repaints.items()}
    base = next(iter(spreads.values()))
    rows = [
        [
            name,
            *spread.milliseconds(),
            *spread.ratios(base),
            Spread.of([one.first for one in repaints[name]]).milliseconds()[0],
            f"{Spread.of([one.nbytes for one in repaints[name]]).median:,.0f}",
        ]
        for name, spread in spreads.items()
    ]
    print_table(title, HEADER, rows)


if __name__ == "__main__":
    main()
