"""Ten thousand layers open, and every key stays quick."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from driven_app import DrivenApp, driven
from textual.widgets import Select

from tensorpeek.tui.screens.quick_pick import QuickPick

LAYERS = 10_000
SECONDS = 20.0
"""A generous bound for one key on a slow machine; a menu of so many entries takes longer."""


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of 10,000 layers of two values, all in one storage, written by PyTorch."""
    import torch

    path = tmp_path_factory.mktemp("many") / "many.pt"
    values = torch.arange(2.0 * LAYERS)
    names = (f"model.layers.{number}.{part}" for number in range(LAYERS // 4) for part in PARTS)
    state = {
        f"{name}.weight": values[2 * index : 2 * index + 2] for index, name in enumerate(names)
    }
    torch.save(state, path)
    return path


PARTS = ("self_attn.q_proj", "self_attn.k_proj", "mlp.up", "mlp.down")


async def timed(app: DrivenApp, *keys: str) -> None:
    """Press keys and wait for what follows, which must be quick."""
    started = time.monotonic()
    await app.press(*keys)
    assert time.monotonic() - started < SECONDS, keys


async def test_ten_thousand_layers_are_quick(path: Path) -> None:
    started = time.monotonic()
    async with driven(path) as app:
        assert time.monotonic() - started < 60
        assert "10,000 layers" in app.line("#title")
        for key in ("n", "n", "p", "t", "+"):
            await timed(app, key)
        assert app.menu("layer") == "model.layers.0.self_attn.k_proj"
        await timed(app, "p", "p")
        assert app.menu("layer") == "model.layers.2499.mlp.down"
        app.main.set_focus(app.main.query_one("#layer", Select))
        await timed(app, "enter")
        assert isinstance(app.app.screen, QuickPick)
        assert "10,000 layers" in app.text()
        for letter in "mlp 12":
            await timed(app, letter)
        assert "2 of 10,000 layers" in app.text()
        for key in ("down", "up", "pagedown", "pageup"):
            await timed(app, key)
        await timed(app, "enter")
        assert app.menu("layer") == "model.layers.12.mlp.up"
        assert app.statistics()["mean"] == str(2 * (12 * 4 + 2) + 0.5)
        await timed(app, "/", *"mdl2499dwn", "enter")
        assert app.menu("layer") == "model.layers.2499.mlp.down"
