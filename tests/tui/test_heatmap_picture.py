"""The picture of the heatmap screen: its colors and numbers are torch's and NumPy's."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np
import pytest
import torch
from driven_app import driven
from heatmap_app import (
    Weights,
    cell_colors,
    cell_line,
    pooled_by_numpy,
    pooled_of,
    saved_weights,
    settings,
)

from tensorpeek.analysis.heatmap import COLOR_MAPS
from tensorpeek.analysis.heatmap.color_maps import INFINITE_COLOR, NAN_COLOR


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Weights:
    return saved_weights(tmp_path_factory.mktemp("heatmap"))


@pytest.mark.parametrize("theme", ["tensorpeek-dark", "tensorpeek-light"])
async def test_the_colors_on_the_terminal_are_those_of_the_map(
    weights: Weights, theme: str
) -> None:
    path, values = weights
    async with driven(path, theme=theme) as app:
        await app.press("3")
        shown = pooled_by_numpy(app, values["matrix.weight"])
        assert shown.min() == -40.0
        assert shown.shape[0] > 40
        assert shown.shape[1] > 100
        for color_map in COLOR_MAPS:
            colors = cell_colors(app)
            assert color_map.name in settings(app)
            for row, column in np.ndindex(*shown.shape):
                if (row, column) != (0, 0):  # where the cursor is
                    place = float(shown[row, column]) / 40.0
                    expected = color_map.color_at(place, dark=theme.endswith("dark"))
                    assert tuple(colors[row, column]) == expected
            await app.press("c")


async def test_what_is_not_finite_has_colors_of_its_own_and_is_counted(weights: Weights) -> None:
    path, _ = weights
    async with driven(path) as app:
        await app.press("3")
        await app.press("/", *"odd", "enter")
        assert "NaN 1" in app.text()
        assert "inf 2" in app.text()
        colors = cell_colors(app)
        assert colors.shape == (40, 60, 3)
        assert tuple(colors[7, 9]) == NAN_COLOR
        assert tuple(colors[11, 30]) == tuple(colors[22, 5]) == INFINITE_COLOR
        await app.press("x")
        assert cell_line(app) == "[7, 9]  NaN"
        await app.press("y")
        table = [line.split("\t") for line in app.app.clipboard.splitlines()]
        assert table[1 + 7][1 + 9] == "NaN"
        assert table[1 + 22][1 + 5] == "-inf"


async def test_copied_numbers_are_the_cells(weights: Weights) -> None:
    path, values = weights
    async with driven(path) as app:
        await app.press("3")
        await app.press("y")
        table = [line.split("\t") for line in app.app.clipboard.splitlines()]
        pooled = pooled_of(app)
        assert table[0][1:] == [str(start) for start in pooled.column_starts[:-1]]
        assert [row[0] for row in table[1:]] == [str(start) for start in pooled.row_starts[:-1]]
        copied = np.array([row[1:] for row in table[1:]], np.float64)
        np.testing.assert_allclose(copied, pooled_by_numpy(app, values["matrix.weight"]), rtol=1e-8)


async def test_the_copied_command_draws_this_tensor_or_this_grid(samples: Path) -> None:
    path = samples / "resnet8_int8.pt"
    async with driven(path) as app:
        await app.press("3")
        await app.press("v", "Y")
        words = shlex.split(app.app.clipboard)
        assert words == [
            "tensorpeek",
            "plot",
            "heatmap",
            str(path),
            "conv2d_1.weight",
            "--view",
            "raw",
            "-o",
            "heatmap.png",
        ]
        await app.press("G")
        await app.press("Y")
        grid = ["tensorpeek", "plot", "grid", str(path)]
        rest = ["--layout", "flat", "--view", "raw", "-o", "grid.png"]
        assert shlex.split(app.app.clipboard) == [*grid, *rest]
        await app.press("o", "Y")
        assert shlex.split(app.app.clipboard) == [*grid, "conv2d_1.weight", *rest]


async def test_another_screen_and_back_keeps_the_picture(samples: Path) -> None:
    async with driven(samples / "resnet8_int8.pt") as app:
        await app.press("3")
        await app.press("n", "z", "c")
        before = app.text()
        await app.press("1")
        assert app.menu("layer") == "conv2d_2"
        await app.press("3")
        assert app.text() == before
        await app.press("1", "n", "3")
        assert app.menu("layer") == "conv2d_3"
        assert "c coolwarm" in settings(app)


async def test_a_file_that_is_opened_again_is_drawn_again(tmp_path: Path) -> None:
    path = tmp_path / "m.pt"
    torch.save({"a.weight": torch.ones(4, 4)}, path)
    async with driven(path) as app:
        await app.press("3")
        assert pooled_of(app).values("max").max() == 1
        torch.save({"a.weight": torch.full((4, 4), 7.0)}, path)
        await app.press("R")
        assert pooled_of(app).values("max").max() == 7
        assert cell_line(app).startswith("[0, 0]  7 ")


async def test_every_key_is_told_in_the_help(samples: Path) -> None:
    async with driven(samples / "resnet8_int8.pt", size=(120, 80)) as app:
        await app.press("3")
        await app.press("?")
        shown = app.text()
        for words in (
            "Pooled value: absmax, mean, max, min",
            "Scaling: linear, log, percentile",
            "Next color map",
            "The whole model in the next grid",
            "Half a window down",
            "Cursor to what stands out most",
        ):
            assert words in shown
