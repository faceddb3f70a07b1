"""The pages of the screen of risk, and the cursor that goes through their marks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from driven_app import driven, model_at, put_models
from hostile_matrices import check_only_text
from risk_app import RNG, named, put_risky, risk_screen

from tensorpeek.analysis.diagnosis import diagnose
from tensorpeek.analysis.risk import Scheme
from tensorpeek.tui.histogram.screen import HistogramScreen
from tensorpeek.tui.risk.plot import RiskPlot


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return put_risky(monkeypatch, tmp_path / "m.pt")


async def test_health_is_that_of_a_scan_and_says_what_to_do(path: Path) -> None:
    async with driven(path) as app:
        await app.press("6")
        await app.press("G")
        risk = risk_screen(app)._risk
        assert risk is not None
        truth = [diagnose(tensor).health for tensor in risk.tensors[:5]]
        counts = {
            severity: sum(health.severity == severity for health in truth)
            for severity in ("Excellent", "Good", "Warning", "Critical")
        }
        head = app.region("#plot")[0]
        for severity, count in counts.items():
            assert f"{severity} {count}" in head
        assert "broken" in app.text()
        assert "1 infinite value" in app.text()
        assert "do not deploy" in app.text()


async def test_condition_and_rank_are_ranked_worst_first(path: Path) -> None:
    async with driven(path) as app:
        await app.press("6")
        await app.press("g")
        risk = risk_screen(app)._risk
        assert risk is not None
        truth = {}
        for tensor in risk.tensors[:5]:
            values = tensor.read().astype(float)
            if np.isfinite(values).all():
                found = np.linalg.svd(values, compute_uv=False)
                truth[tensor.layer] = (np.linalg.cond(values), (found**2).sum() / found[0] ** 2)
        rows = [line.split() for line in app.region("#plot")[2:6]]
        assert [row[1] for row in rows] == sorted(truth, key=lambda name: -truth[name][0])
        for row in rows:
            if "rank" not in row:
                assert float(row[-1]) == pytest.approx(truth[row[1]][0], rel=1e-3)
        assert rows[0][-2:] == ["rank", "1/40"]
        await app.press("g")
        rows = [line.split() for line in app.region("#plot")[2:6]]
        assert [row[1] for row in rows] == sorted(truth, key=lambda name: truth[name][1])
        for row in rows:
            assert float(row[-2]) == pytest.approx(truth[row[1]][1] / 40, abs=6e-4)


async def test_the_cursor_goes_through_the_marks_and_enter_opens_the_histogram(path: Path) -> None:
    async with driven(path) as app:
        await app.press("6")
        await app.press("home")
        marks = risk_screen(app)._risk.marks(Scheme())
        names = [risk_screen(app)._risk.tensors[mark.place].layer for mark in marks]
        assert names[0] == "broken"
        for name in names:
            assert app.menu("layer") == name
            assert app.line("#cursor").startswith(f"{name}:")
            await app.press("down")
        await app.press("up", "left")
        assert app.menu("layer") == names[-3]
        await app.press("right", "pageup", "end", "home", "pagedown")
        assert app.menu("layer") == names[-1]
        await app.press("n", "n", "p")
        chosen = app.menu("layer")
        await app.press("enter")
        assert isinstance(app.main, HistogramScreen)
        assert app.menu("layer") == chosen


async def test_a_click_puts_the_cursor_on_a_mark(path: Path) -> None:
    async with driven(path) as app:
        await app.press("6")
        plot = app.main.query_one(RiskPlot)
        assert plot._places is not None
        for (column, line), places in plot._places.cells.items():
            await app.pilot.click("#plot", offset=(column + 1, line + 1))
            await app.settle()
            assert risk_screen(app)._cursor == places[0]


async def test_other_tensors_are_left_out_unless_wanted_and_their_nan_is_told(path: Path) -> None:
    async with driven(path) as app:
        await app.press("6")
        assert "of 5 matrices" in app.line("#what-if")
        assert "NaN or inf in 1 other tensors (x)" in app.line("#cursor")
        await app.press("x")
        assert "of 6 tensors" in app.line("#what-if")
        assert "other tensors" not in app.line("#cursor")
        await app.press("G")
        assert "64 NaN values" in app.text()
        await app.press("x")
        assert "of 5 matrices" in app.line("#what-if")


async def test_a_tensor_that_cannot_be_read_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m.pt"
    bad = named("bad.weight", np.ones((4, 4)), "float32")
    object.__setattr__(bad, "error", "[@click=app.quit]damaged at byte 7")
    good = named("good.weight", RNG.normal(size=(8, 8)), "float32")
    put_models(monkeypatch, {path: model_at(path, [bad, good])})
    async with driven(path) as app:
        await app.press("6")
        assert "bad: [@click=app.quit]damaged at byte 7" in app.line("#cursor")
        check_only_text(app)
        await app.press("home")
        assert app.menu("layer") == "good"


async def test_tensors_without_values_have_nothing_to_show(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m.pt"
    empty = [
        named("a.weight", np.ones((0, 3)), "float32"),
        named("b.weight", np.array(0.0), "float32"),
        named("c.weight", np.full((2, 2), np.nan), "float32"),
    ]
    put_models(monkeypatch, {path: model_at(path, empty)})
    async with driven(path) as app:
        await app.press("6")
        for _ in range(4):
            await app.press("g", "down", "home", "end")
        await app.press("b", "y", "5", "m", "m", "6")
        assert "0 of 1 matrices below" in app.line("#what-if")
        await app.press("x")
        for _ in range(4):
            await app.press("g", "down", "home", "end")
        assert "0 of 3 tensors below" in app.line("#what-if")
