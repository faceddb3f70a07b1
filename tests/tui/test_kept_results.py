"""The second look at a model costs nothing: what the screens measured, or a scan, is kept."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from command.in_memory import run_command
from driven_app import DrivenApp, driven
from kept_app import (
    ALL_COLUMNS,
    ARRAYS,
    RNG,
    Measuring,
    entries,
    keep_results_in,
    layers_text,
    risk_facts,
    scanned,
    wait_until_settled,
    write_model,
)
from layers_table import table
from risk_app import risk_screen
from safetensors.numpy import save_file

from tensorpeek.analysis.result_cache import FOLDER_VARIABLE
from tensorpeek.analysis.risk import Scheme
from tensorpeek.tui.settings.settings import Settings
from tensorpeek.tui.spectrum import screen as spectrum_module
from tensorpeek.tui.spectrum.plot import SpectrumPlot


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return keep_results_in(tmp_path / "results", monkeypatch)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_model(tmp_path / "model.safetensors")


@pytest.fixture
def measuring(monkeypatch: pytest.MonkeyPatch) -> Measuring:
    return Measuring(monkeypatch)


async def spectrum_of(app: DrivenApp) -> np.ndarray:
    await app.press("5")
    found = app.main.query_one(SpectrumPlot)._found
    assert found is not None, app.text()
    return found.values


async def test_the_table_is_measured_once(folder: Path, path: Path, measuring: Measuring) -> None:
    first = await layers_text(path)
    assert measuring.forget() == ["condition_number", "int8_sqnr", "tensor_figures"]
    assert folder.is_dir()
    assert await layers_text(path) == first
    assert measuring.forget() == []
    assert await layers_text(path, no_cache=True) == first
    assert measuring.forget() == ["condition_number", "int8_sqnr", "tensor_figures"]


@pytest.mark.usefixtures("folder")
async def test_risk_is_measured_once(path: Path, measuring: Measuring) -> None:
    first = await risk_facts(path)
    assert measuring.forget() == ["diagnose", "first_look", "trial_error"]
    assert await risk_facts(path) == first
    assert measuring.forget() == []
    assert await risk_facts(path, no_cache=True) == first


@pytest.mark.usefixtures("folder")
async def test_a_scheme_is_tried_once(path: Path, measuring: Measuring) -> None:
    ratios = []
    for _ in range(2):
        async with driven(path) as app:
            await app.press("6")
            measuring.forget()
            await app.press("b")
            risk = risk_screen(app)._risk
            assert risk is not None
            ratios.append([risk.ratios[place, Scheme("int6").key] for place in risk.places])
    assert ratios[0] == ratios[1]
    assert measuring.forget() == []


@pytest.mark.usefixtures("folder")
async def test_a_spectrum_is_computed_once(path: Path, measuring: Measuring) -> None:
    async with driven(path) as app:
        first = await spectrum_of(app)
        assert measuring.forget() == ["full_spectrum"]
    async with driven(path) as app:
        again = await spectrum_of(app)
    assert measuring.forget() == []
    assert again.tobytes() == first.tobytes()
    exact = np.linalg.svd(ARRAYS["a.weight"].astype(np.float64), compute_uv=False)
    np.testing.assert_allclose(again, exact, rtol=1e-9)


@pytest.mark.usefixtures("folder")
async def test_a_costly_spectrum_that_is_kept_is_not_offered_but_shown(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spectrum_module, "AUTOMATIC", -1.0)
    async with driven(path) as app:
        await app.press("5")
        assert "Enter computes it" in app.text()
        await app.press("enter")
        first = await spectrum_of(app)
    async with driven(path) as app:
        assert (await spectrum_of(app)).tobytes() == first.tobytes()
        await app.press("n")
        assert "Enter computes it" in app.text()


@pytest.mark.usefixtures("folder")
async def test_what_risk_has_measured_serves_the_table(path: Path, measuring: Measuring) -> None:
    measured = await layers_text(path, no_cache=True)
    await risk_facts(path)
    measuring.forget()
    assert await layers_text(path) == measured
    assert measuring.taken == ["tensor_figures"] * 2  # bins of float32 are exact in the table only


async def test_a_scan_serves_the_app_and_the_app_a_scan(
    tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch, measuring: Measuring
) -> None:
    wait_until_settled(path)
    anew = scanned(path, tmp_path / "scan", "--json")
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "scan"))
    facts = await risk_facts(path)
    assert "diagnose" not in measuring.forget()
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "app"))
    assert await risk_facts(path) == facts
    assert "diagnose" in measuring.forget()
    count = entries(tmp_path / "app")
    assert scanned(path, tmp_path / "app", "*.weight", "--json") in (
        scanned(path, tmp_path / "scan", "*.weight", "--json", "--no-cache"),
        anew,
    )
    assert entries(tmp_path / "app") == count


async def test_screens_and_scans_tell_the_channels_of_gpt2_alike(tmp_path: Path) -> None:
    path = tmp_path / "gpt2.safetensors"
    sizes = np.logspace(-2, 0, 96, dtype=np.float32)  # every output has a size of its own
    values = RNG.normal(size=(32, 96)).astype(np.float32) * sizes
    save_file({"h.0.attn.c_attn.weight": values}, path)
    model = json.loads(run_command("scan", path, "--json").stdout)["models"][0]
    grids = model["tensors"][0]["quantization"]["grids"]
    (ratio,) = (
        grid["sqnr_db"]
        for grid in grids
        if (grid["grid"], grid["granularity"]) == ("int8 symmetric", "channel")
    )
    async with driven(path, size=ALL_COLUMNS) as app:
        await app.press("2")
        assert f"{ratio:.1f}" in table(app)[0]
        await app.press("6", "c")
        risk = risk_screen(app)._risk
        assert risk is not None
        assert risk.ratios[0, Scheme(granularity="channel").key] == ratio


@pytest.mark.usefixtures("folder")
async def test_other_limits_are_judged_anew(path: Path, measuring: Measuring) -> None:
    await risk_facts(path)
    measuring.forget()
    settings = Settings(thresholds={"sqnr_db": [90, 80]})
    async with driven(path, settings=settings) as app:
        await app.press("6")
        risk = risk_screen(app)._risk
        assert risk is not None
        severities = {one.health.severity for one in risk.diagnoses.values()}
    assert severities <= {"Critical", "Warning"}
    assert "diagnose" in measuring.taken
