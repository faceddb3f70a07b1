"""What the screen of risk measures behind the picture: in which order, how often, until when."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from driven_app import driven, model_at, put_models
from risk_app import RNG, named, put_risky, risk_screen

from tensorpeek.analysis.diagnosis import Diagnosis, Request
from tensorpeek.analysis.diagnosis import diagnosis as diagnosis_module
from tensorpeek.analysis.risk import Scheme
from tensorpeek.loaders import Tensor
from tensorpeek.tui.risk import jobs
from tensorpeek.tui.risk.screen import RiskScreen


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return put_risky(monkeypatch, tmp_path / "m.pt")


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Full measurements wait until this is set."""
    gate = threading.Event()
    full = diagnosis_module.diagnose

    def gated(tensor: Tensor, request: Request, *, stop: object) -> Diagnosis:
        while not gate.wait(0.01):
            if stop():  # type: ignore[operator]
                return Diagnosis(error="stopped")
        return full(tensor, request)

    monkeypatch.setattr("tensorpeek.analysis.diagnosis.diagnose", gated)
    yield gate
    gate.set()


async def test_cheap_measures_come_first_and_spectra_can_be_stopped(
    path: Path, gate: threading.Event
) -> None:
    async with driven(path) as app:
        app.send("6")
        await app.until(lambda: "spectra 0 of 5 …" in app.text())
        await app.until(lambda: "measured" not in app.line("#what-if"))
        assert "below 30 dB" in app.line("#what-if")
        app.send("b")
        await app.until(lambda: "int6 per tensor, symmetric: " in app.text())
        app.send("escape")
        await app.until(lambda: "spectra 0 of 5 stopped" in app.text())
        gate.set()
        await app.press("r")
        assert "spectra" not in app.line("#cursor")
        assert len(risk_screen(app)._risk.diagnoses) == 5


async def test_leaving_stops_the_work_and_coming_back_ends_it_with_what_was_known(
    path: Path, gate: threading.Event
) -> None:
    async with driven(path) as app:
        app.send("6")
        await app.until(lambda: "spectra 0 of 5 …" in app.text())
        looks = risk_screen(app)._risk.looks
        await app.press("1")
        gate.set()
        await app.press("6")
        assert risk_screen(app)._risk.looks is looks
        assert len(risk_screen(app)._risk.diagnoses) == 5
        numbers = dict(app.main._background._current)
        await app.press("1", "6")
        assert app.main._background._current in ({}, numbers)


async def test_opening_the_file_again_measures_it_again(path: Path) -> None:
    async with driven(path) as app:
        await app.press("6")
        before = risk_screen(app)._risk
        await app.press("R")
        after = risk_screen(app)._risk
        assert after is not None
        assert after.surveyed(Scheme()) == 5
        assert after.looks.keys() == before.looks.keys()


async def test_a_thousand_layers_are_surveyed_and_keys_work_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "many.pt"
    values = RNG.normal(size=(1000, 2, 3))
    tensors = [named(f"l{i}.weight", values[i], "float32") for i in range(1000)]
    put_models(monkeypatch, {path: model_at(path, tensors)})
    monkeypatch.setattr(jobs, "examine", lambda *_: lambda work: None)
    async with driven(path) as app:
        app.send("6", "n", "g", "g", "g", "g")
        await app.until(lambda: isinstance(app.main, RiskScreen))
        await app.until(lambda: risk_screen(app)._risk is not None)
        await app.until(lambda: risk_screen(app)._risk.surveyed(Scheme()) == 1000)
        await app.settle()
        assert app.menu("layer") == "l1"
        assert "of 1,000 matrices" in app.line("#what-if")
