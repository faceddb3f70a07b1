"""The settings of the heatmap screen: modes, scalings, colors, axes and profiles."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from driven_app import driven
from heatmap_app import (
    Weights,
    cell_line,
    drawing_of,
    legend,
    pooled_of,
    saved_weights,
    settings,
)

from tensorpeek.analysis.heatmap import COLOR_MAPS, CURVES, MODES


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Weights:
    return saved_weights(tmp_path_factory.mktemp("heatmap"))


async def test_modes_scalings_and_colors_go_round(samples: Path) -> None:
    async with driven(samples / "resnet8.onnx") as app:
        await app.press("3")
        before = app.text()
        for key, names in (
            ("m", MODES),
            ("s", CURVES),
            ("c", [each.name for each in COLOR_MAPS]),
        ):
            for name in (*names[1:], names[0]):
                await app.press(key)
                assert f"{key} {name}" in settings(app)
        assert app.text() == before


async def test_scaling_shows_other_values_on_the_legend(weights: Weights) -> None:
    path, _ = weights
    async with driven(path) as app:
        await app.press("3")
        numbers = [re.findall(r"-?\d[\d.e-]*", legend(app))]
        for _ in CURVES[1:]:
            await app.press("s")
            numbers.append(re.findall(r"-?\d[\d.e-]*", legend(app)))
        linear, log, percentile = [[float(each) for each in row] for row in numbers]
        assert linear == [-40, -20, 0, 20, 40]
        assert log[3] == pytest.approx(40 * (np.sqrt(1001) - 1) / 1000, rel=0.01)
        middle = np.quantile(np.abs(pooled_of(app).values("absmax")), 0.5, method="inverted_cdf")
        assert percentile[3] == pytest.approx(middle, rel=0.01)


async def test_axes_and_indexes_choose_any_slice(weights: Weights) -> None:
    path, values = weights
    conv = values["conv.weight"]
    async with driven(path) as app:
        await app.press("3")
        await app.press("/", *"conv", "enter")
        assert "a 0 × 1,2,3" in settings(app)
        np.testing.assert_array_equal(pooled_of(app).values("max"), conv.reshape(6, -1))
        await app.press("i")
        assert "at" not in settings(app)
        await app.press("a")
        assert "a 0 × 1  i at 0, 0" in settings(app)
        np.testing.assert_array_equal(pooled_of(app).values("max"), conv[:, :, 0, 0])
        await app.press("i", "i", "i", "i", "i")
        assert "i at 1, 1" in settings(app)
        np.testing.assert_array_equal(pooled_of(app).values("max"), conv[:, :, 1, 1])
        await app.press("l", "j")
        assert cell_line(app).startswith("[1, 1, 1, 1]")
        await app.press("I", "I")
        assert "i at 0, 3" in settings(app)
        await app.press("A", "A")
        assert "a 3 × 2  i at 0, 0" in settings(app)
        np.testing.assert_array_equal(pooled_of(app).values("max"), conv[0, 0].T)
        await app.press("I")
        np.testing.assert_array_equal(pooled_of(app).values("max"), conv[5, 4].T)


async def test_one_axis_is_wrapped_into_rows(weights: Weights) -> None:
    path, values = weights
    async with driven(path) as app:
        await app.press("3")
        await app.press("/", *"conv", "enter", "t")
        assert "a wrapped" in settings(app)
        pooled = pooled_of(app)
        np.testing.assert_array_equal(pooled.values("max")[pooled.holds], values["conv.bias"])
        await app.press("j", "l", "l")
        width = pooled.shape[1]
        assert cell_line(app).startswith(f"[{width + 2}]  ")


async def test_profiles_are_bars_of_mean_magnitudes(weights: Weights) -> None:
    path, values = weights
    async with driven(path) as app:
        await app.press("3")
        await app.press("/", *"conv", "enter")
        before = app.text()
        await app.press("P")
        lines = app.region("#plot")
        drawing = drawing_of(app)
        rows = np.abs(values["conv.weight"].reshape(6, -1)).mean(axis=1)
        for row, mean in enumerate(rows):
            bar = lines[drawing.lines_of(row)[1]][drawing.room.gutter + drawing.used :].strip()
            assert bar == "█" * max(round(float(mean / rows.max()) * 8), 1)
        columns = np.abs(values["conv.weight"].reshape(6, -1)).mean(axis=0)
        upper, lower = lines[drawing.used_lines : drawing.used_lines + 2]
        for column, mean in enumerate(columns):
            height = round(float(mean / columns.max()) * 16)
            x = drawing.room.gutter + drawing.lefts[column]
            assert upper.ljust(200)[x] == " ▁▂▃▄▅▆▇█"[max(height - 8, 0)]
            assert lower[x] == " ▁▂▃▄▅▆▇█"[min(height, 8)]
        await app.press("P")
        assert app.text() == before
