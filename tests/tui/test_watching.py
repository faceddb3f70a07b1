"""A model that is rewritten while it is looked at opens again, and what changed is told."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from driven_app import DrivenApp, driven
from safetensors.numpy import save_file

from tensorpeek.loaders import open_model
from tensorpeek.tui import watching
from tensorpeek.tui.watching import changes_text, model_files

VALUES = np.random.default_rng(1).normal(size=(8, 16)).astype(np.float32)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "INTERVAL", 0.02)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write(tmp_path / "training.safetensors", {"fc.weight": VALUES})


def write(path: Path, arrays: dict[str, np.ndarray]) -> Path:
    """Write a checkpoint as training does: beside the old one, then in its place."""
    save_file(arrays, path.with_suffix(".part"))
    path.with_suffix(".part").replace(path)
    return path


async def until_mean(app: DrivenApp, values: np.ndarray) -> None:
    wanted = f"{values.astype(np.float64).mean():.6g}"
    await app.until(lambda: app.statistics().get("mean") == wanted)
    await app.settle()


async def test_new_values_are_shown_beside_the_old_ones(path: Path) -> None:
    async with driven(path, watch=True) as app:
        await app.write("low", "-0.5")
        await app.write("high", "0.5")
        await app.press("enter")
        write(path, {"fc.weight": VALUES + 1})
        await until_mean(app, VALUES + 1)
        assert app.statistics()["mean was"].startswith(f"{VALUES.mean(dtype=np.float64):.6g} (+1)")
        assert app.statistics()["min was"].endswith("(+1)")
        assert app.notes() == ["the same tensors, new values"]
        assert (app.field("low"), app.field("high")) == ("-0.5", "0.5")
        inside = int(((VALUES + 1 >= -0.5) & (VALUES + 1 <= 0.5)).sum())
        assert app.statistics()["in range"] == f"{inside} / 128"
        write(path, {"fc.weight": VALUES, "fc.bias": VALUES[0]})
        await until_mean(app, VALUES)
        assert app.notes()[-1] == "1 new"
        await app.press("t")
        assert app.menu("tensor") == "bias"
        assert "mean was" not in app.statistics()


async def test_without_being_asked_nothing_is_opened_again(path: Path) -> None:
    async with driven(path) as app:
        write(path, {"fc.weight": VALUES + 1})
        await app.pilot.pause(0.3)
        assert not app.notes()
        await app.press("R")
        await until_mean(app, VALUES + 1)
        assert app.statistics()["mean was"].endswith("(+1)")


async def test_a_file_that_is_half_written_or_gone_for_a_while_is_waited_for(path: Path) -> None:
    content = path.read_bytes()
    async with driven(path, watch=True) as app:
        path.unlink()
        await app.pilot.pause(0.2)
        assert not app.notes()
        path.write_bytes(content)
        os.utime(path, (1, 1))
        await app.until(lambda: app.notes() == ["the same tensors, new values"])
        await app.settle()
        assert app.statistics()["since then"] == "unchanged"


async def test_a_damaged_new_version_says_so_and_the_next_one_opens(path: Path) -> None:
    content = path.read_bytes()
    async with driven(path, watch=True) as app:
        path.write_bytes(b"?" * 100)
        await app.until(lambda: "not opened" in app.line("#title"))
        path.write_bytes(content)
        await app.until(lambda: "not opened" not in app.line("#title"))
        await app.settle()
        assert app.statistics()["params"] == "128"


def test_what_changed_is_told_in_words(tmp_path: Path) -> None:
    old = {"a": VALUES, "b": VALUES, "c": VALUES}
    new = {"a": VALUES, "b": VALUES[:4], "d": VALUES, "e": VALUES}
    models = [
        open_model(write(tmp_path / f"{name}.safetensors", arrays))
        for name, arrays in (("old", old), ("new", new))
    ]
    assert changes_text(*models) == "2 new, 1 gone, 1 with another shape or type"
    assert model_files(models[0]) == [str(tmp_path / "old.safetensors")]
