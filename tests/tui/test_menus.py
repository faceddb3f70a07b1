"""The three menus: opened by Enter, typed to search, chosen by Enter or the mouse."""

from __future__ import annotations

from pathlib import Path

import pytest
from driven_app import driven
from textual.widgets import Select

LAYERS = [*(f"conv2d_{number}" for number in range(1, 10)), "dense"]

MODELS = [
    "resnet8.onnx",
    "resnet8.pt",
    "resnet8_int8.pt",
    "resnet8_int8_qdq.onnx",
    "resnet8_uint8_qoperator.onnx",
]


async def test_the_menus_offer_what_the_files_hold(samples: Path) -> None:
    async with driven(samples) as app:
        assert app.entries("model") == MODELS
        assert app.entries("layer") == LAYERS
        assert app.entries("tensor") == ["weight", "bias"]


async def test_the_focus_goes_from_menu_to_menu_with_tab(samples: Path) -> None:
    async with driven(samples) as app:
        app.main.set_focus(None)
        seen = []
        for _ in range(8):
            await app.press("tab")
            assert app.main.focused is not None
            seen.append(app.main.focused.id)
        assert seen == ["model", "layer", "tensor", "bins", "low", "high", "apply", "plot"]


@pytest.mark.parametrize(
    ("menu", "keys", "chosen"),
    [
        ("layer", ["down", "enter"], ("resnet8.onnx", "conv2d_2", "weight")),
        ("layer", [*"dense", "enter"], ("resnet8.onnx", "dense", "weight")),
        ("tensor", ["down", "enter"], ("resnet8.onnx", "conv2d_1", "bias")),
        ("model", ["down", "down", "enter"], ("resnet8_int8.pt", "conv2d_1", "weight")),
    ],
    ids=["a layer by arrows", "a layer by its name", "a tensor", "a model"],
)
async def test_choosing_from_a_menu_shows_it_and_gives_the_keys_back(
    samples: Path, menu: str, keys: list[str], chosen: tuple[str, str, str]
) -> None:
    async with driven(samples) as app:
        select = app.main.query_one(f"#{menu}", Select)
        app.main.set_focus(select)
        await app.press("enter")
        assert select.expanded
        for key in keys:
            await app.press(key)
        assert not select.expanded
        assert app.chosen() == chosen
        assert app.subject() == f"{chosen[1]}.{chosen[2]}"
        assert app.main.focused is app.plot


async def test_escape_closes_a_menu_and_changes_nothing(samples: Path) -> None:
    async with driven(samples) as app:
        select = app.main.query_one("#layer", Select)
        app.main.set_focus(select)
        await app.press("enter")
        await app.press("down")
        await app.press("escape")
        assert not select.expanded
        assert app.menu("layer") == "conv2d_1"


async def test_a_menu_follows_the_mouse(samples: Path) -> None:
    async with driven(samples) as app:
        await app.pilot.click("#layer")
        await app.settle()
        overlay = app.main.query_one("#layer SelectOverlay")
        await app.pilot.click(overlay, (5, 4))
        await app.settle()
        assert app.menu("layer") in LAYERS[2:5]
        assert app.subject() == f"{app.menu('layer')}.weight"


async def test_letters_in_an_open_menu_search_and_are_no_keys(samples: Path) -> None:
    async with driven(samples) as app:
        app.main.set_focus(app.main.query_one("#layer", Select))
        await app.press("enter")
        for letter in "r/?":
            await app.press(letter)
        assert len(app.app.screen_stack) == 1
        assert app.main.query_one("#layer", Select).expanded


async def test_page_keys_in_an_open_menu_are_harmless(samples: Path) -> None:
    async with driven(samples) as app:
        app.main.set_focus(app.main.query_one("#layer", Select))
        await app.press("enter")
        for key in ("pagedown", "pageup", "end", "home", "enter"):
            await app.press(key)
        assert app.menu("layer") == "conv2d_1"


async def test_files_of_one_name_are_told_apart_by_their_folder(
    samples: Path, tmp_path: Path
) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "m.onnx").write_bytes((samples / "resnet8.onnx").read_bytes())
    async with driven(tmp_path) as app:
        assert app.entries("model") == ["a/m.onnx", "b/m.onnx"]
