"""The cursor of the heatmap screen, and the window that is zoomed and moved around it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from driven_app import driven
from heatmap_app import (
    Weights,
    cell_line,
    drawing_of,
    legend,
    pooled_by_numpy,
    pooled_of,
    saved_weights,
    screen_of,
    settings,
    title,
)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Weights:
    return saved_weights(tmp_path_factory.mktemp("heatmap"))


@pytest.mark.filterwarnings("ignore")  # TorchScript and quantized tensors are deprecated
async def test_the_cursor_tells_what_torch_unpacks(samples: Path) -> None:
    path = samples / "resnet8_int8.pt"
    weight, _ = torch.ops.quantized.conv2d_unpack(torch.jit.load(path).conv2d_1._packed_params)
    codes, floats = weight.int_repr(), weight.dequantize()
    async with driven(path) as app:
        await app.press("3")
        for keys, row, column in (
            ("", 0, 0),
            ("ll", 0, 2),
            ("jjj", 3, 2),
            ("h", 3, 1),
            ("k", 2, 1),
            ("$", 2, 26),
            ("0", 2, 0),
        ):
            await app.press(*keys)
            index = (row, *np.unravel_index(column, (3, 3, 3)))
            raw, value = codes[index].item(), floats[index].item()
            words = re.fullmatch(r"\[(.*)\]  raw (.*)  dequantized (.*)", cell_line(app))
            assert words is not None, cell_line(app)
            assert words[1] == ", ".join(map(str, index))
            assert int(words[2]) == raw
            assert float(words[3]) == pytest.approx(value, rel=1e-8)
        before = cell_line(app)
        await app.press("right", "down", "up", "left")
        assert cell_line(app) == before
        await app.press("v")
        assert cell_line(app) == before
        assert "v raw" in settings(app)


async def test_a_pooled_cell_tells_its_rows_columns_and_what_stands_out(weights: Weights) -> None:
    path, values = weights
    async with driven(path) as app:
        await app.press("3")
        await app.press("x")
        words = re.fullmatch(
            r"rows (\d+)–(\d+), columns (\d+)–(\d+)  absmax -40 of (\d+) values  \[123, 456\]  -40",
            cell_line(app),
        )
        assert words is not None, cell_line(app)
        top, bottom, left, right, count = map(int, words.groups())
        assert top <= 123 <= bottom
        assert left <= 456 <= right
        assert count == (bottom - top + 1) * (right - left + 1)
        await app.press("m")
        mean = values["matrix.weight"][top : bottom + 1, left : right + 1].mean(dtype=np.float64)
        assert f"mean {mean:.6g} of" in cell_line(app)


async def test_the_mouse_puts_the_cursor(samples: Path) -> None:
    async with driven(samples / "resnet8_int8.pt") as app:
        await app.press("3")
        drawing = drawing_of(app)
        x = drawing.room.gutter + drawing.lefts[5] + 1
        await app.pilot.click("#plot", offset=(x + 1, 1 + drawing.lines_of(4)[-1]))
        await app.settle()
        assert cell_line(app).startswith("[4, 0, 1, 2]")
        await app.pilot.click("#plot", offset=(1, 1))
        await app.settle()
        assert cell_line(app).startswith("[4, 0, 1, 2]")


async def test_zooming_in_goes_to_every_value_and_back(weights: Weights) -> None:
    path, values = weights
    async with driven(path) as app:
        await app.press("3")
        await app.press("x")
        whole = app.text()
        seen = [title(app)]
        for _ in range(20):
            await app.press("z")
            seen.append(title(app))
            assert "[123, 456]  -40" in cell_line(app)
            bounds = screen_of(app)._viewing.viewport.bounds
            shown = pooled_by_numpy(app, values["matrix.weight"])
            expected = pooled_of(app).values("absmax")
            np.testing.assert_array_equal(np.abs(shown), np.abs(expected))
            assert bounds[0] <= 123 < bounds[1]
            assert bounds[2] <= 456 < bounds[3]
        assert seen[0] == "300 rows × 500 columns"
        assert seen[-1] == seen[-2]
        assert re.fullmatch(r"rows \d+–\d+ of 300, columns \d+–\d+ of 500", seen[-1])
        assert " -40 " in "\n".join(app.region("#plot"))
        assert "range of all" in settings(app)
        assert "40" in legend(app)
        await app.press(*"Z" * 20)
        assert app.text() == whole
        await app.press("+", "+", "-", "f")
        assert title(app) == seen[0]


async def test_panning_moves_the_window_and_the_cursor(weights: Weights) -> None:
    path, values = weights
    async with driven(path) as app:
        await app.press("3")
        await app.press(*"zzz")
        viewport = screen_of(app)._viewing.viewport
        start = viewport.bounds
        for key, axis, sign in (("L", 2, 1), ("J", 0, 1), ("H", 2, -1), ("K", 0, -1)):
            before = viewport.bounds
            await app.press(key)
            size = before[axis + 1] - before[axis]
            assert viewport.bounds[axis] - before[axis] == pytest.approx(sign * size / 2, abs=1)
            shown = pooled_by_numpy(app, values["matrix.weight"])
            assert np.abs(shown).max() == np.abs(pooled_of(app).values("absmax")).max()
        assert viewport.bounds == start
        await app.press("pagedown", "pageup", "shift+right", "shift+left")
        assert viewport.bounds == start
        for _ in range(40):
            app.send("J")
        await app.settle()
        assert viewport.bounds[1] == 300
        await app.press("f")
        assert viewport.bounds == (0, 300, 0, 500)


async def test_the_window_follows_the_cursor_beyond_its_edge(samples: Path) -> None:
    async with driven(samples / "resnet8_int8.pt") as app:
        await app.press("3")
        await app.press("z", "z")
        viewport = screen_of(app)._viewing.viewport
        for _ in range(40):
            app.send("l")
        await app.settle()
        assert viewport.bounds[3] == 27
        assert cell_line(app).startswith("[0, 2, 2, 2]")


async def test_colors_span_the_whole_picture_or_the_part(weights: Weights) -> None:
    path, values = weights
    async with driven(path) as app:
        await app.press("3")
        await app.press(*"zzz")
        assert legend(app).split()[-1] == "40"
        await app.press("r")
        top, bottom, left, right = screen_of(app)._viewing.viewport.bounds
        part = np.abs(values["matrix.weight"][top:bottom, left:right]).max()
        assert legend(app).split()[-1] == f"{part:.3g}"
        assert "range of this part" in settings(app)


async def test_going_to_a_layer_of_the_same_shape_keeps_the_part(samples: Path) -> None:
    async with driven(samples / "resnet8.onnx") as app:
        await app.press("3")
        await app.press("n", "z", "l", "j")
        part, index = title(app), cell_line(app).split("]")[0]
        await app.press("n")
        assert app.menu("layer") == "conv2d_3"
        assert title(app) == part
        assert cell_line(app).split("]")[0] == index
        await app.press("n")
        assert title(app) == "32 rows × 144 columns"
