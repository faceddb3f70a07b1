"""Matrices whose names want to be more than text, and a check that they are not."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
from driven_app import DrivenApp
from onnx import helper, numpy_helper

from tensorpeek.tui.widgets.key_bar import KeyBar
from tensorpeek.tui.widgets.tab_line import TabLine

NAMES = (
    "[/foo]",
    "[@click=app.quit]gone[/]",
    "[bold red on white]loud",
    "\x1b]52;c;aGFja2Vk\x07\x1b[2J",
    "\u202egnihton\u2066",
    "two\nlines\r\ttab",
    "x" * 10_000,
    "名前・レイヤー",
    "e\u0301\u200d\u200b",
    "😀👩‍👩‍👧",
    "   ",
)


def write_hostile_matrices(path: Path) -> None:
    """Write an ONNX file of small matrices with hostile names."""
    rng = np.random.default_rng(0)
    weights = [
        numpy_helper.from_array(rng.normal(size=(6, 8)).astype(np.float32), f"{name}.weight")
        for name in NAMES
    ]
    nodes = [
        helper.make_node("MatMul", ["x", weight.name], [f"y{index}"])
        for index, weight in enumerate(weights)
    ]
    graph = helper.make_graph(nodes, "graph", [], [], weights)
    path.write_bytes(helper.make_model(graph).SerializeToString())


def check_only_text(app: DrivenApp) -> None:
    """Nothing on the screen steers a terminal or is a link, but for the app's own lines."""
    assert app.app.is_running
    for line in app.lines():
        odd = [letter for letter in line if unicodedata.category(letter)[0] == "C"]
        assert not odd, (odd, line)
    own = [region.region for bar in (KeyBar, TabLine) for region in app.main.query(bar)]
    for y, strip in enumerate(app.app.screen._compositor.render_strips()):
        if not any(region.contains(region.x, y) for region in own):
            assert not [each for each in strip if each.style and "@click" in each.style.meta]
