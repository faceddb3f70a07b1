"""The key that saves a tensor's values, and the app that may write nothing."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from driven_app import DrivenApp, driven, model_at, put_models
from made_tensors import tensor_of
from onnx import numpy_helper

from tensorpeek.analysis import Stop
from tensorpeek.loaders import CancelledError
from tensorpeek.tui import background
from tensorpeek.tui.export import Item
from tensorpeek.tui.tabs import TABS

QDQ = "resnet8_int8_qdq.onnx"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


async def test_both_views_are_saved_and_nothing_is_overwritten(samples: Path, here: Path) -> None:
    stored = {
        entry.name: numpy_helper.to_array(entry)
        for entry in onnx.load(samples / QDQ).graph.initializer
    }
    async with driven(samples / QDQ) as app:
        for _ in range(2):
            await app.press("E")
        assert app.notes()[-1] == "conv2d_1.weight-dequantized-1.npy"
        await app.press("v", "E")
    names = ["conv2d_1.weight-dequantized-1.npy", "conv2d_1.weight-dequantized.npy"]
    assert sorted(path.name for path in here.iterdir()) == [*names, "conv2d_1.weight-raw.npy"]
    codes = stored["conv2d_1.weight_quantized"]
    assert np.array_equal(np.load("conv2d_1.weight-raw.npy"), codes)
    real = codes.astype(np.float32) * stored["conv2d_1.weight_scale"].reshape(-1, 1, 1, 1)
    assert np.array_equal(np.load(names[0]), real)
    assert np.array_equal(np.load(names[1]), real)


async def test_a_folder_that_cannot_be_written_is_said(
    samples: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with driven(samples / QDQ) as app:
        here.rmdir()
        monkeypatch.setattr(Path, "cwd", lambda: here)
        await app.press("E")
        assert app.notes()[-1] == "no such file or directory"


async def test_a_read_only_app_saves_nothing(samples: Path, here: Path) -> None:
    async with driven(samples / QDQ, read_only=True) as app:
        await app.press("E", "S")
        assert not app.notes()
    assert not list(here.iterdir())


class Slow:
    """Values that keep coming, the first half of them at once; until stopped or let go on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.may_end = threading.Event()

        def chunks(item: Item, stop: Stop) -> Iterator[np.ndarray]:
            return self.chunks(item, stop)

        monkeypatch.setattr(Item, "chunks", chunks)
        monkeypatch.setattr(background, "PROGRESS_INTERVAL", 0.0)

    def chunks(self, item: Item, stop: Stop) -> Iterator[np.ndarray]:
        values = np.concatenate(list(item.tensor.chunks(item.view, ordered=True)))
        half = values.size // 2
        yield values[:half]
        while not self.may_end.wait(timeout=0.005):
            if stop():
                raise CancelledError
        yield values[half:]


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Slow]:
    slow = Slow(monkeypatch)
    yield slow
    slow.may_end.set()


def half_written(app: DrivenApp) -> bool:
    return "50%, Esc stops" in app.line("#title")


@pytest.mark.parametrize("screen", [tab.key for tab in TABS], ids=[tab.name for tab in TABS])
async def test_progress_is_told_and_escape_stops(
    samples: Path, here: Path, slow: Slow, screen: str
) -> None:
    async with driven(samples / "resnet8.pt") as app:
        await app.press(screen)
        app.send("E")
        await app.until(lambda: half_written(app))
        assert app.line("#title").endswith("writing conv2d_1.weight … 50%, Esc stops")
        assert len(list(here.iterdir())) == 1
        app.send("escape")
        await app.until(lambda: not app.main._session.saving)
        assert app.notes() == ["conv2d_1.weight.npy: stopped"]
        assert "writing" not in app.line("#title")
    assert not list(here.iterdir())


async def test_what_was_begun_on_one_screen_is_told_and_stopped_on_another(
    samples: Path, here: Path, slow: Slow
) -> None:
    async with driven(samples / "resnet8.pt") as app:
        app.send("E")
        await app.until(lambda: half_written(app))
        app.send("2")
        await app.until(lambda: app.app.screen.has_class("-wide") and half_written(app))
        app.send("E")
        await app.until(lambda: bool(app.notes()))
        assert app.notes() == ["writing conv2d_1.weight … 50%, Esc stops"]
        app.send("3", "escape")
        await app.until(lambda: app.notes()[-1] == "conv2d_1.weight.npy: stopped")
        assert not list(here.iterdir())
        slow.may_end.set()
        await app.press("E")
        assert app.notes()[-1] == "conv2d_1.weight.npy"


async def test_a_file_that_another_program_made_meanwhile_is_kept(
    samples: Path, here: Path, slow: Slow
) -> None:
    async with driven(samples / "resnet8.pt") as app:
        app.send("E")
        await app.until(lambda: half_written(app))
        (here / "conv2d_1.weight.npy").write_text("mine")
        slow.may_end.set()
        await app.until(lambda: bool(app.notes()))
        assert app.notes() == ["file exists"]
    assert [path.read_text() for path in here.iterdir()] == ["mine"]


@pytest.mark.parametrize("leads_on", ["", "2"], ids=["the same screen", "another screen"])
async def test_quitting_takes_a_half_written_file_away(
    samples: Path, here: Path, slow: Slow, leads_on: str
) -> None:
    async with driven(samples / "resnet8.pt") as app:
        app.send("E")
        await app.until(lambda: half_written(app))
        writer = app.main._writer
        app.send(*leads_on)
        await app.until(lambda: half_written(app))
        await app.ended_by("q")
    while not writer.is_idle():
        await asyncio.sleep(0.01)
    assert not list(here.iterdir())


async def test_a_tensor_that_cannot_be_read_is_not_written(
    tmp_path: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = replace(tensor_of(np.zeros(2, np.float32)), error="values missing")
    path = tmp_path / "broken.pt"
    put_models(monkeypatch, {path: model_at(path, [broken])})
    async with driven(path) as app:
        await app.press("E")
        assert app.notes() == [f"{broken.name}: values missing"]
    assert list(here.iterdir()) == [path]
