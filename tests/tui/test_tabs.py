"""The tabs: keys and clicks lead from screen to screen, the choice goes with them."""

from __future__ import annotations

from pathlib import Path

import pytest
from driven_app import NARROW, WIDE, driven

from tensorpeek.tui.screens.tab_screen import TabScreen
from tensorpeek.tui.tabs import TABS


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide screen", "narrow screen"])
async def test_every_tab_can_be_clicked(samples: Path, size: tuple[int, int]) -> None:
    async with driven(samples / "resnet8.onnx", size=size) as app:
        for tab in reversed(TABS):
            line = app.line("#tabs")
            assert all(f"{each.key} {each.title}" in line for each in TABS)
            column = line.index(tab.title) + 1
            await app.pilot.click("#tabs", offset=(column + 1, 0))
            await app.settle()
            assert isinstance(app.app.screen, TabScreen)
            assert tab.name == app.app.screen.NAME


async def test_the_choice_goes_with_the_screens(samples: Path) -> None:
    async with driven(samples) as app:
        await app.press("]", "n", "n", "t")
        chosen = app.chosen()
        for tab in reversed(TABS):
            await app.press(tab.key)
            assert tab.name == app.app.screen.NAME  # type: ignore[attr-defined]
            assert app.chosen() == chosen, tab.name
        await app.press("n", "n")
        later = app.chosen()
        assert later != chosen
        for tab in TABS[1:]:
            await app.press(tab.key)
            assert app.chosen() == later, tab.name


async def test_typed_ahead_keys_reach_the_screen_that_they_were_meant_for(samples: Path) -> None:
    async with driven(samples / "resnet8.onnx") as app:
        await app.press(*"3n5n1n")
        assert app.menu("layer") == "conv2d_4"
        assert app.subject() == "conv2d_4.weight"


@pytest.mark.parametrize("tab", TABS, ids=[tab.title for tab in TABS])
async def test_help_copy_and_quit_are_on_every_screen(samples: Path, tab) -> None:  # noqa: ANN001
    async with driven(samples) as app:
        await app.press(tab.key)
        await app.press("?")
        for key in app.app.screen_stack[0].key_bindings():  # type: ignore[attr-defined]
            for binding in key[1]:
                assert binding.tooltip
        await app.press("escape", "w", "escape")
        await app.press("y", "Y")
        assert any("copied" in (note.title or note.message) for note in app.app._notifications)
        await app.ended_by("q")


async def test_a_theme_and_a_size_that_changed_elsewhere_are_followed(samples: Path) -> None:
    async with driven(samples / "resnet8.onnx") as app:
        for tab in TABS:
            await app.press(tab.key)
        app.app.theme = "tensorpeek-light"
        await app.pilot.resize_terminal(80, 24)
        await app.settle()
        light = app.app.screen.styles.background
        for tab in TABS:
            await app.press(tab.key)
            assert app.app.screen.styles.background == light
            assert app.app.screen.has_class("-narrow")
            assert max(map(len, app.lines())) <= 80
