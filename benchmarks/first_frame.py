"""Measure the start: from spawning ``tensorpeek models`` to its first frame and first histogram.

Each round runs the app and a bare app of the same toolkit in turn, so that whatever else the
machine does meets both. What a frame needs may be imported before it, NumPy and plotext may not.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from terminal_process import TerminalProcess
from timing import Spread, print_table

HERE = Path(__file__).resolve().parent
MODELS = HERE.parent / "models"
COMMAND = [str(Path(sys.executable).parent / "tensorpeek"), str(MODELS)]
BARE = [sys.executable, str(HERE / "bare_app.py")]
BARE_MARK = "painted"
FRAME_MARK = "palette"
"""The last word of the last line of the app's frame."""

CURSOR_MARK = "▲"
"""The bin cursor on the axis of a histogram."""

WATCHED = ("torch", "onnx", "numpy", "ml_dtypes", "plotext")


def main(rounds: int = 12) -> None:
    """Print how long the first frame and the first histogram take, and what was imported."""
    times = measure(rounds)
    base = times["bare Textual app, one text"]
    rows = [[name, *spread.milliseconds(), *spread.ratios(base)] for name, spread in times.items()]
    header = ("", "median ms", "least ms", "x bare", "x bare, least")
    print_table(f"From spawn to screen, {rounds} rounds in turn", header, rows)
    print(
        f"  imported at the first frame: {', '.join(imported_at_first_frame()) or 'none'}", end=""
    )
    print(f" (of {', '.join(WATCHED)})")


def measure(rounds: int) -> dict[str, Spread]:
    """Return the times in seconds of each stage of the app and of the bare app."""
    bare: list[float] = []
    stages: dict[str, list[float]] = {"any text": [], "frame": [], "histogram": []}
    for _ in range(rounds):
        with TerminalProcess(BARE) as terminal:
            bare.append(terminal.wait_for(BARE_MARK))
        with TerminalProcess(COMMAND) as terminal:
            stages["any text"].append(terminal.wait_for("tensorpeek"))
            stages["frame"].append(terminal.wait_for(FRAME_MARK))
            stages["histogram"].append(terminal.wait_for(CURSOR_MARK))
    return {
        "bare Textual app, one text": Spread.of(bare),
        "tensorpeek: first text": Spread.of(stages["any text"]),
        "tensorpeek: first whole frame": Spread.of(stages["frame"]),
        "tensorpeek: first histogram": Spread.of(stages["histogram"]),
    }


def imported_at_first_frame() -> Sequence[str]:
    """Return which of the heavy libraries Python had imported when the first frame was drawn.

    Python itself lists its imports (``-X importtime``) in the same terminal, in order.
    """
    command = [sys.executable, "-X", "importtime", *COMMAND]
    with TerminalProcess(command) as terminal:
        terminal.wait_for(FRAME_MARK)
        output = bytes(terminal.output)
    listed = output[: output.index(FRAME_MARK.encode())].decode(errors="replace").splitlines()
    names = {line.rpartition("|")[2].strip() for line in listed if line.count("|") == 2}
    return [name for name in WATCHED if name in names]


if __name__ == "__main__":
    main()
