"""The screen of singular values: numbers against SciPy, pictures, keys, what has no spectrum."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from driven_app import NARROW, WIDE, DrivenApp, driven, model_at, put_models
from hostile_matrices import NAMES, check_only_text, write_hostile_matrices
from made_tensors import tensor_of
from scipy import linalg

from tensorpeek.loaders import Tensor, open_model
from tensorpeek.tui.spectrum import jobs
from tensorpeek.tui.spectrum import screen as screen_module
from tensorpeek.tui.spectrum.plot import EnergyPlot, SpectrumPlot
from tensorpeek.tui.spectrum.screen import SpectrumScreen

RNG = np.random.default_rng(4)

GOLDENS = Path(__file__).parent / "goldens"


def plot_of(app: DrivenApp) -> SpectrumPlot:
    return app.main.query_one(SpectrumPlot)


def spiked(rows: int, columns: int) -> np.ndarray:
    """Noise with three strong directions."""
    noise = RNG.normal(0, 0.1, (rows, columns))
    for strength in (30.0, 20.0, 10.0):
        noise += strength * np.outer(
            *(
                vector / np.linalg.norm(vector)
                for vector in map(RNG.normal, (0, 0), (1, 1), (rows, columns))
            )
        )
    return noise.astype(np.float32)


MATRIX = spiked(96, 64)


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model of a matrix and of what has no spectrum."""
    path = tmp_path / "m.pt"
    broken = MATRIX.copy()
    broken[3, 3] = np.nan
    arrays = {
        "a.weight": MATRIX,
        "b.weight": broken,
        "c.weight": np.ones(7, np.float32),
        "d.weight": np.zeros((5, 9), np.float32),
        "e.weight": np.arange(12, dtype=np.float32).reshape(1, 12),
    }
    put_models(monkeypatch, {path: model_at(path, [named(n, a) for n, a in arrays.items()])})
    return path


def named(name: str, array: np.ndarray) -> Tensor:
    tensor = tensor_of(array, name=name)
    object.__setattr__(tensor, "layer", name.removesuffix(".weight"))
    return tensor


async def test_the_measures_are_those_of_scipy(model: Path) -> None:
    truth = linalg.svdvals(MATRIX.astype(np.float64))
    energy = np.cumsum(truth**2) / np.sum(truth**2)
    sigma = MATRIX.astype(np.float64).std()
    edge = sigma * (np.sqrt(96) + np.sqrt(64))
    async with driven(model) as app:
        await app.press("5")
        rows = app.statistics()
        assert rows["matrix"] == "96 × 64"
        assert float(rows["largest"]) == pytest.approx(truth[0], rel=1e-5)
        assert float(rows["smallest"]) == pytest.approx(truth[-1], rel=1e-5)
        assert float(rows["condition"]) == pytest.approx(truth[0] / truth[-1], rel=1e-4)
        assert float(rows["nuclear norm"]) == pytest.approx(truth.sum(), rel=1e-5)
        assert float(rows["stable rank"]) == pytest.approx(
            (truth**2).sum() / truth[0] ** 2, rel=1e-4
        )
        assert rows["rank"] == "64 of 64"
        assert int(rows["rank 90"]) == np.searchsorted(energy, 0.9) + 1
        assert int(rows["rank 99"]) == np.searchsorted(energy, 0.99) + 1
        assert float(rows["noise sigma"]) == pytest.approx(sigma, rel=1e-4)
        assert rows["above noise"] == f"{np.sum(truth > edge)} of 64"
        assert float(rows["noise edges"].split("…")[1]) == pytest.approx(edge, rel=1e-3)
        assert app.line("#cursor").startswith(f"σ 1/64 = {truth[0]:.5g}")
        await app.press("right", "right", "L")
        assert app.line("#cursor").startswith(f"σ 13/64 = {truth[12]:.5g}")
        assert f"cum {100 * energy[12]:.2f} %" in app.line("#cursor")
        await app.press("H", "left", "end")
        assert app.line("#cursor").startswith(f"σ 64/64 = {truth[63]:.5g}")
        await app.press("home")
        assert app.line("#cursor").startswith("σ 1/64")


@pytest.mark.parametrize(
    ("size", "ascii_only"),
    [(WIDE, True), (NARROW, False), ((250, 70), False)],
    ids=["wide and ASCII", "narrow", "large"],
)
async def test_every_picture_is_drawn(model: Path, size: tuple[int, int], ascii_only: bool) -> None:
    async with driven(model, size=size, ascii_only=ascii_only) as app:
        await app.press("5")
        titles = ["singular values by index, log", "cumulative energy", "share of ", "law of noise"]
        for title in titles:
            assert title in app.region("#plot")[0]
            assert len([line for line in app.region("#plot") if line.strip()]) > 10
            if ascii_only:
                assert app.text().isascii()
            await app.press("m")
        await app.press("M")
        assert "law of noise" in app.region("#plot")[0]
        assert app.main.query_one(EnergyPlot).display == (size[1] >= 30)


async def test_log_and_the_kind_of_noise_have_keys(model: Path) -> None:
    async with driven(model) as app:
        await app.press("5")
        await app.press("g")
        assert "linear" in app.region("#plot")[0]
        await app.press("g")
        assert "log scale" in app.region("#plot")[0]
        before = app.statistics()
        await app.press("M", "u")
        after = app.statistics()
        assert (before["noise by"], after["noise by"]) == ("std of elements", "median")
        assert float(after["noise sigma"]) == pytest.approx(0.1, rel=0.05)
        assert int(after["above noise"].split()[0]) >= 3


async def test_bars_above_the_noise_have_another_color_and_without_color_another_mark(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with driven(model) as app:
        await app.press("5")
        lowest = app.region("#plot")[-3]
        assert "█" in lowest
        assert "░" in lowest
        assert lowest.count("█") < lowest.count("░")


async def test_what_has_no_spectrum_says_why(model: Path) -> None:
    async with driven(model) as app:
        await app.press("5")
        await app.press("n")
        assert "has NaN or infinite values" in plot_of(app).note
        await app.press("n")
        assert "needs a matrix, and this is a vector (7)" in plot_of(app).note
        await app.press("n")
        assert app.statistics()["nuclear norm"] == "0"
        for _ in range(4):
            await app.press("m")
        await app.press("n")
        assert app.statistics()["matrix"] == "1 × 12"
        for _ in range(4):
            await app.press("m")
        await app.press("n")
        assert app.statistics()["matrix"] == "96 × 64"


async def test_long_work_is_offered_and_begins_with_enter(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screen_module, "AUTOMATIC", -1.0)
    async with driven(model) as app:
        await app.press("5")
        assert "96 × 64: about" in plot_of(app).note
        assert "Enter computes it" in plot_of(app).note
        await app.press("enter")
        assert app.statistics()["matrix"] == "96 × 64"
        await app.press("n", "p")
        assert app.statistics()["matrix"] == "96 × 64", "kept"


@pytest.fixture
def held() -> Iterator[None]:
    """Another spectrum is being computed all the time."""
    jobs._ONE_AT_A_TIME.acquire()
    yield
    if jobs._ONE_AT_A_TIME.locked():
        jobs._ONE_AT_A_TIME.release()


async def test_computing_counts_the_seconds_and_escape_stops(model: Path, held: None) -> None:
    async with driven(model) as app:
        app.send("5")
        await app.until(lambda: isinstance(app.main, SpectrumScreen))
        await app.until(lambda: "computing" in plot_of(app).note)
        assert "Escape stops" in plot_of(app).note
        await app.press("escape")
        assert "stopped" in plot_of(app).note
        jobs._ONE_AT_A_TIME.release()
        await app.press("enter")
        assert app.statistics()["matrix"] == "96 × 64"


async def test_another_screen_stops_the_work_and_coming_back_begins_it_again(
    model: Path, held: None
) -> None:
    async with driven(model) as app:
        app.send("5")
        await app.until(lambda: isinstance(app.main, SpectrumScreen))
        await app.until(lambda: "computing" in plot_of(app).note)
        await app.press("1")
        jobs._ONE_AT_A_TIME.release()
        await app.press("5")
        assert app.statistics()["matrix"] == "96 × 64"


async def test_keys_work_while_it_computes(model: Path, held: None) -> None:
    async with driven(model) as app:
        app.send("5", "n", "n")
        await app.until(lambda: "vector" in app.text())
        assert "needs a matrix" in plot_of(app).note


async def test_the_mouse_moves_the_cursor(model: Path) -> None:
    async with driven(model) as app:
        await app.press("5")
        await app.pilot.hover("#plot", offset=(40, 8))
        await app.settle()
        assert not app.line("#cursor").startswith("σ 1/64")


async def test_the_measures_are_copied_and_the_command_prints_them(
    samples: Path,
) -> None:
    file = samples / "resnet8.pt"
    tensor = open_model(file).tensors[0]
    assert len(tensor.shape) > 1
    truth = linalg.svdvals(tensor.read().reshape(tensor.shape[0], -1).astype(np.float64))
    async with driven(file) as app:
        await app.press("5")
        await app.press("y")
        assert f"\nlargest\t{truth[0]:.6g}\n" in app.app.clipboard
        await app.press("Y")
        words = shlex.split(app.app.clipboard)
    assert words[:2] == ["tensorpeek", "scan"]
    ran = [sys.executable, "-m", "tensorpeek.tui", *words[1:]]
    printed = subprocess.run(ran, capture_output=True, text=True, check=True).stdout
    found = re.search(r'"largest": ([\d.]+)', printed)
    assert found is not None
    assert float(found[1]) == pytest.approx(truth[0])


async def test_hostile_names_are_text(tmp_path: Path) -> None:
    path = tmp_path / "[@click=app.quit]\x1b[31mred[bold].onnx"
    write_hostile_matrices(path)
    async with driven(path, size=NARROW) as app:
        await app.press("5")
        for _ in NAMES:
            check_only_text(app)
            await app.press("n")
        await app.press("s")
        check_only_text(app)


@pytest.mark.parametrize("theme", ["tensorpeek-light", "ansi-dark", "nord"])
async def test_other_themes_draw_it_too(model: Path, theme: str) -> None:
    async with driven(model, theme=theme) as app:
        await app.press("5")
        await app.press("m", "m", "m")
        assert "law of noise" in app.text()


@pytest.mark.parametrize(
    ("name", "size", "keys"),
    [("spectrum-wide", WIDE, "5"), ("spectrum-narrow", NARROW, "5mmm")],
    ids=["wide", "narrow"],
)
async def test_the_screen_is_as_it_was_read(
    samples: Path, name: str, size: tuple[int, int], keys: str
) -> None:
    golden = GOLDENS / f"{name}.txt"
    async with driven(samples / "resnet8.pt", size=size) as app:
        await app.press(*keys)
        shown = "\n".join(line.rstrip() for line in app.lines()[2:]) + "\n"
    if os.environ.get("TENSORPEEK_GOLDENS") == "write":
        golden.write_text(shown, encoding="utf-8")
    assert shown.splitlines() == golden.read_text(encoding="utf-8").splitlines()
