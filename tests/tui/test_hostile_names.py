"""Names out of files are text on every widget: no markup, no escape sequence, no broken lines."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import pytest
from driven_app import NARROW, WIDE, DrivenApp, driven, model_at, put_models
from made_tensors import tensor_of
from onnx import helper, numpy_helper
from textual.widgets import Select

from tensorpeek.tui.widgets.key_bar import KeyBar

NAMES = [
    "[/foo]",
    "[@click=app.quit]gone[/]",
    "[bold red on white]loud",
    "\x1b]52;c;aGFja2Vk\x07\x1b[2J",
    "\x9b31mC1",
    "\u202egnihton\u2066",
    "two\nlines\r\ttab",
    "nul\0null",
    "x" * 10_000,
    "名前・レイヤー",
    "e\u0301\u200d\u200b",
    "😀👩‍👩‍👧",
    "$(touch pwned)'\"`\\",
    "%s {0} {x!r}",
    "   ",
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """An ONNX file of layers whose names want to be more than text."""
    weights = [
        numpy_helper.from_array(np.arange(8, dtype=np.float32).reshape(2, 4), f"{name}.weight")
        for name in NAMES
    ]
    nodes = [
        helper.make_node("MatMul", ["x", weight.name], [f"y{index}"])
        for index, weight in enumerate(weights)
    ]
    graph = helper.make_graph(nodes, "graph", [], [], weights)
    path = tmp_path / "[@click=app.quit]\x1b[31mred[bold]\u202e.onnx"
    path.write_bytes(helper.make_model(graph).SerializeToString())
    return path


def check_screen(app: DrivenApp) -> None:
    """Nothing on the screen steers a terminal or is a link, but for the key bar's own."""
    assert app.app.is_running
    for line in app.lines():
        odd = [letter for letter in line if unicodedata.category(letter)[0] == "C"]
        assert not odd, (odd, line)
    own = [region.region for region in app.main.query(KeyBar)]
    strips = app.app.screen._compositor.render_strips()
    for y, strip in enumerate(strips):
        if not any(region.contains(region.x, y) for region in own):
            linked = [
                segment.text
                for segment in strip
                if segment.style and "@click" in segment.style.meta
            ]
            assert not linked


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide screen", "narrow screen"])
async def test_every_layer_is_shown_as_text(path: Path, size: tuple[int, int]) -> None:
    async with driven(path, size=size) as app:
        layers = app.entries("layer")
        assert len(layers) == len(NAMES)
        for layer in layers:
            assert app.menu("layer") == layer.strip()
            check_screen(app)
            await app.press("n")
        await app.press("s")
        check_screen(app)


async def test_menus_quick_pick_and_notifications_show_text(path: Path) -> None:
    async with driven(path) as app:
        for menu in ("model", "layer", "tensor"):
            app.main.set_focus(app.main.query_one(f"#{menu}", Select))
            await app.press("enter")
            check_screen(app)
            await app.press("end")
            check_screen(app)
            await app.press("escape")
        app.main.set_focus(app.plot)
        await app.press("/")
        check_screen(app)
        await app.press(*"[@click")
        assert "1 of 15 layers" in app.text()
        check_screen(app)
        await app.press("enter")
        assert app.menu("layer") == NAMES[1]
        for key in ("y", "Y", "w"):
            await app.press(key)
            check_screen(app)


async def test_a_hostile_file_that_does_not_open_shows_text(tmp_path: Path) -> None:
    path = tmp_path / "[bold]\x1b[31m\n.pt"
    path.write_bytes(b"[@click=app.quit]\x1b[2J")
    async with driven(path, tmp_path / "gone\x1b]0;.pt") as app:
        check_screen(app)
        assert "not a model file" in app.note()
        await app.press("]")
        check_screen(app)
        assert "no such file" in app.note()
    async with driven(tmp_path / "[/x]\x1b*.zip", path) as app:
        assert app.notes()
        check_screen(app)


async def test_warnings_and_errors_of_a_model_are_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m.pt"
    tensor = tensor_of([1.0], "float32", name="[/foo].weight")
    object.__setattr__(tensor, "error", "[@click=app.quit]no[/] values [/]")
    warning = "names the global [/os.system] [@click=app.quit]x"
    put_models(monkeypatch, {path: model_at(path, [tensor], (warning,))})
    async with driven(path) as app:
        assert "[@click=app.quit]no[/] values [/]" in app.text()
        check_screen(app)
        await app.press("w")
        assert warning in app.text()
        check_screen(app)


async def test_the_copied_command_is_one_word_for_the_shell(path: Path, tmp_path: Path) -> None:
    import shlex

    async with driven(path) as app:
        await app.press("/", *"touch", "enter")
        await app.press("Y")
        words = shlex.split(app.app.clipboard)
        assert words[2] == str(path)
        assert words[3].startswith("$(touch pwned)")
        assert not (tmp_path / "pwned").exists()
