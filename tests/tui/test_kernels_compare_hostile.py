"""Hostile names and ten thousand layers on the screens of kernels and of comparisons."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import pytest
import torch
from driven_app import NARROW, WIDE, DrivenApp, driven
from onnx import helper, numpy_helper

from tensorpeek.tui.compare.pair_list import PairList
from tensorpeek.tui.widgets.key_bar import KeyBar
from tensorpeek.tui.widgets.tab_line import TabLine

NAMES = [
    "[/foo]",
    "[@click=app.quit]gone[/]",
    "[bold red on white]loud",
    "\x1b]52;c;aGFja2Vk\x07\x1b[2J",
    "\u202egnihton\u2066",
    "two\nlines\r\ttab",
    "x" * 3_000,
    "名前・レイヤー" * 9,
    "e\u0301\u200d\u200b",
    "😀👩‍👩‍👧" * 9,
    "   ",
]

LAYERS = 10_000


def write(path: Path, factor: float) -> Path:
    """Write an ONNX file of convolutions whose names want to be more than text."""
    values = factor * np.arange(36, dtype=np.float32).reshape(2, 2, 3, 3)
    weights = [numpy_helper.from_array(values, f"{name}.weight") for name in NAMES]
    nodes = [
        helper.make_node("Conv", ["x", weight.name], [f"y{index}"])
        for index, weight in enumerate(weights)
    ]
    graph = helper.make_graph(nodes, "graph", [], [], weights)
    path.write_bytes(helper.make_model(graph).SerializeToString())
    return path


@pytest.fixture
def paths(tmp_path: Path) -> tuple[Path, Path]:
    odd = "[@click=app.quit]\x1b[31mred[bold]\u202e"
    return write(tmp_path / f"{odd}.onnx", 1.0), write(tmp_path / f"{odd}2.onnx", 1.5)


def check_screen(app: DrivenApp) -> None:
    """Nothing on the screen steers a terminal or is a link, but for the app's own keys."""
    for line in app.lines():
        odd = [letter for letter in line if unicodedata.category(letter)[0] == "C"]
        assert not odd, (odd, line)
    own = [region.region.y for bar in (KeyBar, TabLine) for region in app.main.query(bar)]
    for y, strip in enumerate(app.app.screen._compositor.render_strips()):
        metas = [segment.style.meta for segment in strip if segment.style]
        assert y in own or not any("@click" in meta for meta in metas)


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide screen", "narrow screen"])
async def test_names_are_text_on_the_screen_of_kernels(
    paths: tuple[Path, Path], size: tuple[int, int]
) -> None:
    async with driven(paths[0], size=size) as app:
        await app.press("4")
        for _ in NAMES:
            assert "2 filters" in app.text()
            check_screen(app)
            await app.press("n")
        await app.press("enter")
        check_screen(app)
        await app.press("y")
        check_screen(app)


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide screen", "narrow screen"])
async def test_names_are_text_on_the_screen_of_comparisons(
    paths: tuple[Path, Path], size: tuple[int, int]
) -> None:
    async with driven(*paths, size=size) as app:
        await app.press("7")
        await app.press("home")
        for _ in NAMES:
            check_screen(app)
            assert "b − a, up to 17.5" in app.text()
            await app.press("j")
        await app.press("m", "u")
        check_screen(app)
        await app.press("u", "b")
        check_screen(app)
        await app.press("escape")
        await app.press("y")
        check_screen(app)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two checkpoints of 10,000 layers of two values, a convolution last."""
    folder = tmp_path_factory.mktemp("many")
    for name, factor in (("first", 1.0), ("second", 1.01)):
        values = factor * torch.arange(2.0 * LAYERS)
        state = {
            f"layers.{index}.weight": values[2 * index : 2 * index + 2] for index in range(LAYERS)
        }
        state["conv.weight"] = factor * torch.ones(2, 1, 3, 3)
        torch.save(state, folder / f"{name}.pt")
    return folder / "first.pt", folder / "second.pt"


async def test_ten_thousand_layers_are_compared(many: tuple[Path, Path]) -> None:
    async with driven(*many) as app:
        app.send("7")
        # The keys answer while all pairs are being compared.
        await app.until(lambda: "10,001 pairs" in app.text())
        app.send("j", "j", "o", "end", "home", "u", "u")
        await app.settle()
        pairs = app.main.query_one(PairList)
        assert pairs.border_subtitle == "10,001 pairs"
        await app.press("o", "o", "o", "home", "end")
        assert pairs.chosen == LAYERS
        await app.press("/", *"9999", "enter")
        assert app.chosen()[1] == "layers.9999"
        assert "199.99" in app.text()  # a hundredth of the largest value


async def test_the_convolution_among_ten_thousand_layers_is_found(
    many: tuple[Path, Path],
) -> None:
    async with driven(many[0]) as app:
        await app.press("4")
        assert "c goes to the next one: conv.weight" in app.text()
        await app.press("c")
        assert app.chosen()[1] == "conv"
        assert "= filter 0: identical" not in app.text()
        await app.press("right")
        assert "= filter 0: identical" in app.text()
        await app.press("n")
        assert app.chosen()[1] == "layers.0"


@pytest.mark.parametrize("key", ["4", "7"], ids=["kernels", "comparisons"])
async def test_help_names_every_key_of_the_screen(samples: Path, key: str) -> None:
    async with driven(samples / "resnet8.pt", samples / "resnet8_int8.pt", size=(120, 70)) as app:
        await app.press(key)
        keys = [binding for _, each in app.main.key_bindings() for binding in each]
        told = [each.tooltip for each in keys if not str(each.id).startswith("show.")]
        await app.press("?")
        shown = " ".join(app.text().replace("│", " ").split())
        assert [tooltip for tooltip in told if tooltip not in shown] == []
        await app.press("?")
        await app.press("1")
