"""Slow reading never stops the keys, is replaced by newer choices, and never delays quitting."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from driven_app import driven, model_at, put_models
from made_tensors import tensor_of

from tensorpeek.loaders import Model, Tensor
from tensorpeek.loaders.storage import Read

QUICK = 5.0
"""Seconds within which the app must have quit."""


class Gated:
    """Bytes that are read only once a gate is open; records how often they were opened."""

    def __init__(self, content: bytes, gate: threading.Event) -> None:
        self.content = content
        self.gate = gate
        self.opened = 0

    @property
    def nbytes(self) -> int:
        return len(self.content)

    @contextmanager
    def open(self) -> Iterator[Read]:
        self.opened += 1
        self.gate.wait(timeout=120)
        yield lambda start, stop: self.content[start:stop]


class Paced(Gated):
    """Bytes of which each part takes a moment, until the gate opens."""

    @contextmanager
    def open(self) -> Iterator[Read]:
        self.opened += 1

        def read(start: int, stop: int) -> bytes:
            self.gate.wait(timeout=0.02)
            return self.content[start:stop]

        yield read


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Opened at the end of a test at the latest, so that no thread is left waiting."""
    gate = threading.Event()
    yield gate
    gate.set()


def filled(name: str, value: float, storage: type[Gated], gate: threading.Event) -> Tensor:
    """Six values in a storage that makes one wait."""
    plain = tensor_of(np.full(6, value, np.float32), name=name)
    assert plain.storage is not None
    with plain.storage.open() as read:
        content = bytes(read(0, 24))
    return dataclasses.replace(
        plain, layer=name.split(".", maxsplit=1)[0], storage=storage(content, gate)
    )


def quick(name: str, value: float) -> Tensor:
    tensor = tensor_of(np.full(6, value, np.float32), name=name)
    return dataclasses.replace(tensor, layer=name.split(".", maxsplit=1)[0])


async def test_a_slow_tensor_is_measured_while_the_keys_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gate: threading.Event
) -> None:
    path = tmp_path / "slow.pt"
    slow = filled("slow.weight", 7.0, Gated, gate)
    put_models(monkeypatch, {path: model_at(path, [slow, quick("quick.weight", 3.0)])})
    async with driven(path, settled=False) as app:
        await app.until(lambda: app.note() == "measuring …")
        assert app.subject() == "slow.weight"
        assert "mean" not in app.statistics()
        assert app.statistics()["params"] == "6"
        app.send("+", "g")
        await app.until(lambda: app.field("bins") == "55")
        app.send("?")
        await app.until(lambda: len(app.app.screen_stack) == 2)
        app.send("?")
        await app.until(lambda: len(app.app.screen_stack) == 1)
        gate.set()
        await app.settle()
        assert app.statistics()["mean"] == "7"
        assert app.histogram.counts.size == 55
        assert "log scale" in app.text()


async def test_a_range_entered_meanwhile_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gate: threading.Event
) -> None:
    path = tmp_path / "slow.pt"
    slow = filled("slow.weight", 7.0, Gated, gate)
    put_models(monkeypatch, {path: model_at(path, [slow])})
    async with driven(path, settled=False) as app:
        await app.until(lambda: app.note() == "measuring …")
        await app.write("low", "-1,8")
        app.send("enter")
        await app.until(lambda: app.main.focused is app.plot)
        gate.set()
        await app.settle()
        assert app.histogram.selection == (-1, 8)
        assert (app.field("low"), app.field("high")) == ("-1", "8")
        assert app.statistics()["in range"] == "6 / 6"


async def test_results_of_an_older_choice_are_never_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gate: threading.Event
) -> None:
    path = tmp_path / "slow.pt"
    slow = filled("slow.weight", 7.0, Gated, gate)
    put_models(monkeypatch, {path: model_at(path, [slow, quick("quick.weight", 3.0)])})
    async with driven(path, settled=False) as app:
        await app.until(lambda: app.subject() == "slow.weight")
        app.send("n")
        await app.until(lambda: app.statistics().get("in range") == "6 / 6")
        gate.set()
        await app.settle()
        assert app.subject() == "quick.weight"
        assert app.statistics()["mean"] == "3"
        await app.press("p")
        assert app.statistics()["mean"] == "7"


async def test_a_tensor_is_read_once_and_then_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gate: threading.Event
) -> None:
    path = tmp_path / "slow.pt"
    gate.set()
    slow = filled("slow.weight", 7.0, Gated, gate)
    put_models(monkeypatch, {path: model_at(path, [slow, quick("quick.weight", 3.0)])})
    async with driven(path) as app:
        assert isinstance(slow.storage, Gated)
        await app.press("n")
        before = slow.storage.opened
        await app.press("p")
        assert app.statistics()["mean"] == "7"
        assert slow.storage.opened - before <= 2  # bins of wide values are counted from the file


async def test_progress_is_told_and_a_newer_choice_stops_the_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gate: threading.Event
) -> None:
    path = tmp_path / "long.pt"
    values = np.zeros(1 << 24, np.float32)
    plain = dataclasses.replace(tensor_of(values, name="long.weight"), layer="long")
    assert plain.storage is not None
    with plain.storage.open() as read:
        long = dataclasses.replace(plain, storage=Paced(read(0, values.nbytes), gate))  # type: ignore[arg-type]
    put_models(monkeypatch, {path: model_at(path, [long, quick("quick.weight", 3.0)])})
    async with driven(path, settled=False) as app:
        await app.until(lambda: app.line("#cursor").startswith("measuring … "))
        app.send("n")
        await app.until(lambda: app.statistics().get("mean") == "3")
        started = time.monotonic()
        await app.settle()
        assert time.monotonic() - started < QUICK


@pytest.mark.parametrize("key", ["q", "ctrl+c"])
async def test_quitting_does_not_wait_for_measuring(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gate: threading.Event, key: str
) -> None:
    path = tmp_path / "slow.pt"
    put_models(monkeypatch, {path: model_at(path, [filled("slow.weight", 7.0, Gated, gate)])})
    async with driven(path, settled=False) as app:
        await app.until(lambda: app.note() == "measuring …")
        started = time.monotonic()
        app.send(key)
        await app.until(lambda: not app.app.is_running)
    assert time.monotonic() - started < QUICK


async def test_quitting_and_other_models_do_not_wait_for_an_endless_header(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gate: threading.Event
) -> None:
    endless, other = tmp_path / "endless.pt", tmp_path / "other.pt"

    def never() -> Model:
        gate.wait(timeout=120)
        return model_at(endless, [quick("late.weight", 9.0)])

    ready = model_at(other, [quick("quick.weight", 3.0)])
    put_models(monkeypatch, {endless: never, other: ready})
    async with driven(endless, other, settled=False) as app:
        await app.until(lambda: app.note() == "opening …")
        assert "endless.pt  opening …" in app.line("#title")
        app.send(*"ntv+gd/yYmR")
        app.send("]")
        await app.until(lambda: app.statistics().get("mean") == "3")
        app.send("[")
        await app.until(lambda: app.note() == "opening …")
        started = time.monotonic()
        app.send("q")
        await app.until(lambda: not app.app.is_running)
    assert time.monotonic() - started < QUICK


async def test_a_header_that_arrives_late_changes_nothing_on_the_screen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gate: threading.Event
) -> None:
    late, other = tmp_path / "late.pt", tmp_path / "other.pt"

    def slowly() -> Model:
        gate.wait(timeout=120)
        return model_at(late, [quick("late.weight", 9.0)])

    ready = model_at(other, [quick("quick.weight", 3.0)])
    put_models(monkeypatch, {late: slowly, other: ready})
    async with driven(late, other, settled=False) as app:
        await app.until(lambda: "opening" in app.line("#title"))
        app.send("]")
        await app.until(lambda: app.statistics().get("mean") == "3")
        gate.set()
        await app.settle()
        assert app.chosen() == ("other.pt", "quick", "weight")
        await app.press("[")
        assert app.statistics()["mean"] == "9"


class Broken(Gated):
    """A storage with a defect."""

    @contextmanager
    def open(self) -> Iterator[Read]:
        raise ZeroDivisionError("a defect")
        yield


@pytest.mark.filterwarnings("ignore")
async def test_a_defect_in_a_job_is_shown_and_not_hidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gate: threading.Event
) -> None:
    path = tmp_path / "broken.pt"
    put_models(monkeypatch, {path: model_at(path, [filled("a.weight", 1.0, Broken, gate)])})
    with pytest.raises(ZeroDivisionError, match="a defect"):
        async with driven(path, settled=False) as app:
            await app.until(lambda: not app.app.is_running)
