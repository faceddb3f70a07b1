"""Measure keys on every screen, while a scan of a large model runs in the background beside it."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import sample_files
from key_to_paint import QUIET, TENSORPEEK, print_repaints
from terminal_process import Repaint, TerminalProcess

HERE = Path(__file__).resolve().parent
MODELS = HERE.parent / "models"
SCREENS = {
    "Histogram": ("1", "n"),
    "Layers": ("2", "n"),
    "Heatmap": ("3", "\x1b[C"),
    "Kernels": ("4", "\x1b[C"),
    "Spectrum": ("5", "\x1b[C"),
    "Risk": ("6", "\x1b[C"),
    "Compare": ("7", "n"),
}
"""The key of each screen, and a key that is pressed most on it."""

NAMES = {"\x1b[C": "right"}


def main(rounds: int = 7) -> None:
    """Print what a key costs on each screen, alone and while all cores are measuring."""
    _print("idle", rounds)
    with tempfile.TemporaryDirectory(prefix="tensorpeek-") as folder:
        path = Path(folder, "large.pt")
        sample_files.write("large tensor", path)
        words = [TENSORPEEK, "scan", str(path), "--metrics", "quantization", "--no-cache"]
        with subprocess.Popen([*words, "--json"], stdout=subprocess.DEVNULL) as scan:
            _print("beside a scan", rounds)
            scan.kill()


def _print(state: str, rounds: int) -> None:
    repaints: dict[str, list[Repaint]] = {}
    models = [str(MODELS / "resnet8.pt"), str(MODELS / "resnet8_int8.pt")]
    for title, (screen, key) in SCREENS.items():
        with TerminalProcess([TENSORPEEK, *models]) as app:
            app.wait_for("▲")
            app.settle(2 * QUIET)
            app.press(screen, quiet=4 * QUIET)
            name = f"{title}, {NAMES.get(key, key)}"
            repaints[name] = [app.press(key, quiet=QUIET) for _ in range(rounds)]
    print_repaints(f"Key to paint on each screen, {state}, {rounds} times", repaints)


if __name__ == "__main__":
    main()
