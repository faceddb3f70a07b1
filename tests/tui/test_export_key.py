"""The key that saves a tensor's values, and the app that may write nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from driven_app import driven
from onnx import numpy_helper

from tensorpeek.analysis import Stop
from tensorpeek.loaders import CancelledError
from tensorpeek.tui.export import Item

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


async def test_quitting_takes_a_half_written_file_away(
    samples: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def endless(_: Item, stop: Stop) -> Iterator[np.ndarray]:
        while not stop():
            yield np.zeros(1, np.float32)
        raise CancelledError

    monkeypatch.setattr(Item, "chunks", endless)
    async with driven(samples / "resnet8.pt") as app:
        app.send("E")
        await app.until(lambda: bool(list(here.iterdir())))
        writer = app.main._writer
        app.send("q")
    while not writer.is_idle():
        await asyncio.sleep(0.01)
    assert not list(here.iterdir())
