"""The figures in the table of tensors are NumPy's, or say why there are none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from driven_app import driven
from layers_models import BROKEN, FLOATS, HOLED, named, put_made
from layers_table import cell, row

from tensorpeek.analysis import default_edges, measure
from tensorpeek.tui.layers.sparkline import ASCII_BLOCKS, BLOCKS, sparkline


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return put_made(monkeypatch, tmp_path / "made.pt")


@pytest.mark.parametrize(("ascii_only", "levels"), [(False, BLOCKS), (True, ASCII_BLOCKS)])
async def test_figures_are_those_of_numpy(path: Path, ascii_only: bool, levels: str) -> None:
    async with driven(path, size=(200, 20), ascii_only=ascii_only) as app:
        await app.press("2")
        await app.press("home")
        for array in (FLOATS, HOLED, BROKEN):
            values = array.astype(np.float64)
            finite = values[np.isfinite(values)]
            for title, value in (
                ("Min", finite.min()),
                ("Max", finite.max()),
                ("Mean", finite.mean()),
                ("Std", finite.std()),
            ):
                assert float(cell(app, title)) == float(f"{value:.4g}")
            assert float(cell(app, "Zeros %")) == round(100 * float((values == 0).mean()), 2)
            tensor = named("x.weight", array)
            edges = default_edges(tensor, "dequantized", measure(tensor), 16).values
            counts = np.histogram(finite, edges)[0].tolist()
            assert sparkline(counts, ascii_only=ascii_only).rstrip() in row(app)
            assert levels[-1] in row(app)
            await app.press("n")
        assert "2, 1 inf" in row(app, 3)
        assert float(cell(app, "Min")) < 0
        assert app.text().isascii() or not ascii_only


async def test_sqnr_and_condition_are_those_of_numpy(path: Path) -> None:
    scale = np.abs(FLOATS).max(1, keepdims=True).astype(np.float64) / 127
    error = np.rint(FLOATS / scale) * scale - FLOATS
    ratio = 10 * np.log10((FLOATS.astype(np.float64) ** 2).sum() / (error**2).sum())
    async with driven(path, size=(250, 20)) as app:
        await app.press("2")
        await app.press("home")
        assert float(cell(app, "SQNR dB")) == pytest.approx(ratio, abs=0.05)
        condition = np.linalg.cond(FLOATS.astype(np.float64))
        assert float(cell(app, "Condition")) == float(f"{condition:.3g}")
        assert cell(app, "Bits/w") == "32.00"
        await app.press("n", "n", "n")
        assert app.line("#layers-detail").endswith("no SQNR: is quantized already")
        assert cell(app, "Bits/w") == f"{8 + (32 + 32) / 64:.2f}"


async def test_what_cannot_be_read_says_why(path: Path) -> None:
    async with driven(path) as app:
        await app.press("2")
        await app.press("/", *"lost", "enter")
        assert "not read: lies beyond the file's end" in row(app)
        assert "lies beyond the file's end" in app.line("#layers-detail")
        await app.press("escape", "/", *"empty", "enter")
        assert row(app).split()[-4:] == ["–"] * 4


async def test_a_key_measures_the_condition_of_a_large_matrix(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tensorpeek.analysis.overview.EASY_SPECTRUM", 100)
    async with driven(path, size=(200, 20)) as app:
        await app.press("2")
        await app.press("home")
        assert "press c" in row(app)
        await app.press("c")
        condition = np.linalg.cond(FLOATS.astype(np.float64))
        assert float(cell(app, "Condition")) == float(f"{condition:.3g}")
        assert "press c" in row(app, 2)
        await app.press("n", "m", "c")
        assert "press c" not in row(app, 2)
