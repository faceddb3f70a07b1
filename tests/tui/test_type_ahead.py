"""Keys that are typed while a model is being opened act once it is there."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from driven_app import DrivenApp, driven, model_at, put_models
from layers_table import names
from made_tensors import tensor_of

from tensorpeek.loaders import Model
from tensorpeek.tui.screens import choosing_screen

NAMES = [f"block.{number}.weight" for number in range(8)]


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Opened at the end of a test at the latest, so that no thread is left waiting."""
    gate = threading.Event()
    yield gate
    gate.set()


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gate: threading.Event) -> list[Path]:
    """A model, and one that opens only once the gate is open."""
    first, second = tmp_path / "first.pt", tmp_path / "second.pt"

    def model(path: Path) -> Model:
        values = np.arange(6, dtype=np.float32)
        return model_at(path, [tensor_of(values, name=name) for name in NAMES])

    def slowly() -> Model:
        gate.wait(timeout=120)
        return model(second)

    put_models(monkeypatch, {first: model(first), second: slowly})
    monkeypatch.setattr(choosing_screen, "KEYS_WAIT", 100.0)
    return [first, second]


async def opened_late(app: DrivenApp, gate: threading.Event, *keys: str) -> None:
    """Type keys behind the one that leads to the second model, which opens after that."""
    app.send("]", *keys)
    await app.until(lambda: "second.pt  opening" in app.line("#title"))
    gate.set()
    await app.settle()


async def test_the_table_follows_keys_typed_ahead(two: list[Path], gate: threading.Event) -> None:
    async with driven(*two) as app:
        await app.press("2")
        await opened_late(app, gate, "j", "j", "m", "r")
        assert names(app) == NAMES[::-1]
        assert app.main._session.marked == [(two[1], NAMES[2])]


async def test_a_filter_is_typed_ahead(two: list[Path], gate: threading.Event) -> None:
    async with driven(*two) as app:
        await app.press("2")
        await opened_late(app, gate, "/", *"block.3", "enter", "m")
        assert names(app) == [NAMES[3]]
        assert app.main._session.marked == [(two[1], NAMES[3])]


async def test_the_histogram_follows_keys_typed_ahead(
    two: list[Path], gate: threading.Event
) -> None:
    async with driven(*two) as app:
        await opened_late(app, gate, "t", "t")
        assert app.subject() == NAMES[2]


async def test_keys_do_not_wait_long_for_a_model(
    two: list[Path], gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choosing_screen, "KEYS_WAIT", 0.05)
    async with driven(*two) as app:
        await app.press("2")
        app.send("]", *"jkrm", "[")
        await app.until(lambda: "first.pt  PyTorch" in app.line("#title"))
        assert not gate.is_set()
