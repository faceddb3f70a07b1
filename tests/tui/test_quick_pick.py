"""The quick pick: a part of a layer's name and Enter lead to that layer."""

from __future__ import annotations

from pathlib import Path

import pytest
from driven_app import DrivenApp, driven, model_at, put_models
from made_tensors import tensor_of
from textual.widgets import Input

from tensorpeek.tui.screens.quick_pick import QuickPick
from tensorpeek.tui.widgets.layer_list import LayerList

NAMES = [
    "model.embed",
    *(
        f"model.layers.{number}.{part}"
        for number in (1, 2, 12, 112)
        for part in ("self_attn/q_proj", "self_attn/k_proj", "mlp.up")
    ),
    "model.norm",
]


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model of layers whose names are alike, put in memory."""
    path = tmp_path / "model.pt"
    tensors = []
    for name in NAMES:
        tensor = tensor_of([1.0, 2.0], "float32", name=f"{name}.weight")
        object.__setattr__(tensor, "layer", name)
        tensors.append(tensor)
    put_models(monkeypatch, {path: model_at(path, tensors)})
    return path


def is_open(app: DrivenApp) -> bool:
    return isinstance(app.app.screen, QuickPick)


def matches(app: DrivenApp) -> list[str]:
    return list(app.app.screen.query_one(LayerList)._names)


@pytest.mark.parametrize(
    ("query", "layer"),
    [
        ("q_proj", "model.layers.1.self_attn/q_proj"),
        ("12 q", "model.layers.12.self_attn/q_proj"),
        ("q_proj 12", "model.layers.12.self_attn/q_proj"),
        ("UP 112", "model.layers.112.mlp.up"),
        ("attn/k", "model.layers.1.self_attn/k_proj"),
        ("mnorm", "model.norm"),
    ],
    ids=[
        "a word finds its first layer",
        "a number is a whole number",
        "words come in any order",
        "case is ignored",
        "a slash is text after text",
        "letters in order are enough",
    ],
)
async def test_keys_sent_ahead_lead_to_the_layer(path: Path, query: str, layer: str) -> None:
    async with driven(path) as app:
        await app.press("/", *query, "enter")
        assert not is_open(app)
        assert app.menu("layer") == layer
        assert app.subject() == f"{layer}.weight"


async def test_the_list_narrows_as_one_types_and_arrows_choose(path: Path) -> None:
    async with driven(path) as app:
        await app.press("/")
        assert matches(app) == NAMES
        assert "14 layers" in app.text()
        await app.press(*"proj")
        assert "8 of 14 layers" in app.text()
        await app.press("down", "down", "up", "pagedown", "pageup", "down", "enter")
        assert app.menu("layer") == "model.layers.1.self_attn/k_proj"


async def test_the_current_layer_is_highlighted_at_first(path: Path) -> None:
    async with driven(path) as app:
        await app.press("n", "n")
        await app.press("/")
        assert app.app.screen.query_one(LayerList).highlighted == NAMES[2]
        assert "float32 2" in app.text()
        await app.press("down", "enter")
        assert app.menu("layer") == NAMES[3]


async def test_escape_and_the_opening_key_close_it_and_change_nothing(path: Path) -> None:
    async with driven(path) as app:
        for keys in (("/",), ("escape",), (*"norm", "escape")):
            await app.press("/")
            assert is_open(app)
            await app.press(*keys)
            assert not is_open(app)
            assert app.menu("layer") == NAMES[0]


async def test_the_opening_key_is_text_once_something_is_typed(path: Path) -> None:
    async with driven(path) as app:
        await app.press("/")
        await app.press("a", "/")
        assert is_open(app)
        assert app.app.screen.query_one(Input).value == "a/"
        await app.press("backspace", "backspace")
        await app.press("/")
        assert not is_open(app)


async def test_it_stays_open_where_nothing_matches(path: Path) -> None:
    async with driven(path) as app:
        await app.press("/", *"zzz", "enter")
        assert is_open(app)
        assert "0 of 14 layers" in app.text()
        await app.press("down", "up", "backspace", "backspace", "backspace")
        await app.press("enter")
        assert not is_open(app)


async def test_a_click_chooses(path: Path) -> None:
    async with driven(path) as app:
        await app.press("/", *"mlp")
        await app.pilot.click("#pick-list", (5, 2))
        await app.settle()
        assert app.menu("layer") == "model.layers.12.mlp.up"


async def test_the_keys_work_on_the_plot_afterwards(path: Path) -> None:
    async with driven(path) as app:
        await app.press("/", *"norm", "enter", "p", "end")
        assert app.menu("layer") == NAMES[-2]
