"""A journey in a real pseudo-terminal: the numbers read off the screen are the true ones."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import onnx
import pytest
from end_to_end.terminal import Terminal, app
from onnx import numpy_helper

QDQ = "resnet8_int8_qdq.onnx"


def codes_and_values(samples: Path, name: str) -> tuple[np.ndarray, np.ndarray]:
    """The integers and the floats of a per-channel weight, as the onnx library reads them."""
    graph = onnx.load(samples / QDQ).graph
    arrays = {entry.name: numpy_helper.to_array(entry) for entry in graph.initializer}
    codes = arrays[f"{name}_quantized"].astype(np.int64)
    scale = arrays[f"{name}_scale"].astype(np.float64).reshape(-1, 1, 1, 1)
    return codes, codes * scale


def in_range(terminal: Terminal, inside: int, total: int) -> None:
    terminal.until_matched(rf"in range +{inside:,} / {total:,} ")


def test_choose_a_model_a_layer_a_view_bins_and_a_range(samples: Path) -> None:
    codes, values = codes_and_values(samples, "conv2d_4.weight")
    with app(samples) as terminal:
        terminal.until_shown("resnet8.onnx", "conv2d_1.weight", "in range")
        terminal.send("]]]")
        terminal.until_shown(f"tensorpeek  {QDQ}  ONNX  int8")
        terminal.send("/conv2d_4\r")
        mean = re.escape(f"{values.mean():.6g}")
        terminal.until_matched(rf"conv2d_4\.weight[\s\S]*mean +{mean} ")
        low, high = values.mean() - values.std(), values.mean() + values.std()
        in_range(terminal, int(((values >= low) & (values <= high)).sum()), values.size)
        terminal.send("v")
        terminal.until_shown("(•) int8 raw")
        terminal.until_matched(rf"min +{codes.min()} ")
        terminal.send("+")
        terminal.until_matched(r"Bins  55 ")
        terminal.send("r-10,10\r")
        in_range(terminal, int(((codes >= -10) & (codes <= 10)).sum()), codes.size)
        terminal.until_matched(r"Min  -10 +Max  10 ")
        terminal.send("/conv2d_5\r")
        terminal.until_shown("conv2d_5.weight", "Bins  55")
        terminal.send("q")
        assert terminal.ended() == 0
        terminal.check_restored()


def test_choose_from_the_menus_by_keys(samples: Path) -> None:
    with app(samples) as terminal:
        terminal.until_shown("conv2d_1.weight", "in range")
        terminal.send("\x1b[Z" * 4)  # back from the plot: button, two limits, bins
        terminal.send("\x1b[Z" * 2)  # the menus of tensors and of layers
        terminal.send("\r")
        terminal.until_shown("conv2d_9", "dense")
        terminal.send("dense")
        terminal.take(0.1)
        terminal.send("\r")
        terminal.until_shown("dense.weight")
        terminal.send("q")
        assert terminal.ended() == 0


def test_the_mouse_moves_the_bin_cursor(samples: Path) -> None:
    with app(samples / QDQ) as terminal:
        terminal.until_matched(r"bin \d+/50 ")
        rows = terminal.screen.display
        row = next(number for number, line in enumerate(rows, 1) if "50" in line or "█" in line)
        terminal.send(f"\x1b[<35;9;{row + 8}M")
        terminal.until_matched(r"bin 1/50 ")
        terminal.send("q")
        assert terminal.ended() == 0
        terminal.check_restored()


def test_a_narrow_terminal_and_a_resize(samples: Path) -> None:
    import fcntl
    import signal
    import struct
    import termios

    with app(samples / QDQ, size=(80, 24)) as terminal:
        terminal.until_shown("1 Histogram", "s statistics", "bin ")
        terminal.send("s")
        terminal.until_shown("mean |x|")
        terminal.screen.resize(36, 120)
        size = struct.pack("HHHH", 36, 120, 0, 0)
        fcntl.ioctl(terminal.master, termios.TIOCSWINSZ, size)
        terminal.signal(signal.SIGWINCH)
        terminal.until_shown("percent of parameters", "mean |x|", "palette")
        terminal.send("q")
        assert terminal.ended() == 0


SCREENS = {
    "2": ("Distribution", "20 tensors", "conv2d_1.weight"),
    "3": ("absmax", "blue-orange"),
    "4": ("OIHW", "16 filters", "none dead"),
    "5": ("singular values", "nuclear norm"),
    "6": ("per tensor", "SQNR", "conv2d_1"),
    "7": ("resnet8_int8.pt", "cosine"),
    "1": ("in range", "percent of parameters"),
}
"""What stands on each screen once it is done, with the float sample chosen."""


@pytest.mark.parametrize("size", [(120, 36), (80, 24)], ids=["wide terminal", "narrow terminal"])
def test_every_screen_is_reached_and_left(samples: Path, size: tuple[int, int]) -> None:
    with app(samples / "resnet8.pt", samples / "resnet8_int8.pt", size=size) as terminal:
        terminal.until_shown("resnet8.pt", "conv2d_1", "bin ")
        for key, words in SCREENS.items():
            terminal.send(key)
            shown = words if size == (120, 36) else words[:1]
            terminal.until_shown(*shown)
        terminal.send("3n5n")
        terminal.until_shown("conv2d_3", "singular values")
        terminal.send("q")
        assert terminal.ended() == 0
        terminal.check_restored()
