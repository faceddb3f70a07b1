"""Help, warnings and palette say what there is, and close with the keys that opened them."""

from __future__ import annotations

import os
import re
from pathlib import Path

import torch
from driven_app import NARROW, driven
from textual.command import CommandPalette

from tensorpeek.tui.histogram.keys import HISTOGRAM_KEYS
from tensorpeek.tui.histogram.plot import HistogramPlot
from tensorpeek.tui.key_help import key_rows
from tensorpeek.tui.screens.text_dialog import TextDialog

ACTIONS = [binding.tooltip for binding in (*HISTOGRAM_KEYS, *HistogramPlot.BINDINGS)]  # type: ignore[union-attr]


async def test_the_help_lists_every_key_and_is_closed_by_many(samples: Path) -> None:
    async with driven(samples / "resnet8.onnx", size=(120, 60)) as app:
        for key in ("?", "escape", "enter", "q", " "):
            await app.press("?")
            shown = app.text()
            for keys, meaning in key_rows([*HISTOGRAM_KEYS, *HistogramPlot.BINDINGS]):
                assert meaning in shown
                assert keys in shown
            await app.press(key)
            assert len(app.app.screen_stack) == 1
            assert app.app.is_running


async def test_keys_sent_ahead_of_a_closing_dialog_are_not_lost(samples: Path) -> None:
    async with driven(samples / "resnet8.onnx") as app:
        await app.press(*"??/dense", "enter")
        assert app.menu("layer") == "dense"
        await app.press("?")
        await app.press("escape", "escape", "enter")
        assert len(app.app.screen_stack) == 1
        assert app.app.is_running


async def test_the_help_scrolls_where_it_does_not_fit(samples: Path) -> None:
    async with driven(samples / "resnet8.onnx", size=NARROW) as app:
        await app.press("?")
        assert "Find a layer" in app.text()
        assert ACTIONS[-1] not in app.text()
        await app.press("end")
        await app.until(lambda: ACTIONS[-1] in app.text())


class _CallsTheSystem:
    def __reduce__(self) -> tuple[object, ...]:
        return os.getcwd, ()


async def test_the_warnings_and_metadata_are_those_of_the_model(tmp_path: Path) -> None:
    path = tmp_path / "risky.pt"
    torch.save({"w": torch.ones(3), "call": _CallsTheSystem(), "epoch": 7}, path)
    async with driven(path) as app:
        assert "! 1 warning (w)" in app.line("#title")
        await app.press("w")
        assert isinstance(app.app.screen, TextDialog)
        assert "getcwd (never executed)" in app.text()
        assert re.search(r"epoch +7", app.text())
        await app.press("w")
        assert len(app.app.screen_stack) == 1


async def test_a_model_without_warnings_says_so(samples: Path) -> None:
    async with driven(samples / "resnet8.onnx") as app:
        assert "warning" not in app.line("#title")
        await app.press("w")
        assert "no warnings" in app.text()


async def test_the_palette_lists_every_action_with_its_key(samples: Path) -> None:
    async with driven(samples / "resnet8.onnx", size=(120, 120)) as app:
        await app.press("ctrl+p")
        await app.until(lambda: "Theme" in app.text())
        shown = app.text()
        for tooltip in ACTIONS:
            assert tooltip in shown, tooltip


async def test_a_palette_entry_does_what_it_says(samples: Path) -> None:
    async with driven(samples / "resnet8_int8.pt") as app:
        for entry, done in (
            ("Next layer", lambda: app.menu("layer") == "conv2d_2"),
            ("Stored integers", lambda: app.line("#view").startswith("(•) int8 raw")),
            ("Last bin", lambda: app.plot.cursor == app.histogram.counts.size - 1),
        ):
            await app.press("ctrl+p")
            assert isinstance(app.app.screen, CommandPalette)
            await app.pilot.press(*entry.replace(" ", "_").replace("_", " "))
            await app.until(lambda entry=entry: entry in app.text().split("Search")[-1])
            await app.pilot.pause(0.05)
            await app.pilot.press("enter")
            await app.until(done)
            await app.settle()


async def test_the_key_bar_can_be_clicked(samples: Path) -> None:
    async with driven(samples / "resnet8.onnx") as app:
        column = app.region("#keys")[0].index("n p layer")
        await app.pilot.click("#keys", (column + 1, 0))
        await app.settle()
        assert app.menu("layer") == "conv2d_2"
        column = app.region("#keys")[0].index("? help")
        await app.pilot.click("#keys", (column + 1, 0))
        await app.settle()
        assert isinstance(app.app.screen, TextDialog)
