"""Each key of the heatmap screen does what it says, and its numbers are torch's and NumPy's."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import torch
from driven_app import DrivenApp, driven, model_at, put_models
from heatmap_app import (
    cell_colors,
    cell_line,
    drawing_of,
    legend,
    plot_of,
    pooled_of,
    screen_of,
    settings,
    title,
)
from made_tensors import tensor_of
from numpy.typing import NDArray

from tensorpeek.analysis.heatmap import COLOR_MAPS, CURVES, MODES
from tensorpeek.analysis.heatmap.color_maps import INFINITE_COLOR, NAN_COLOR
from tensorpeek.tui.app import TensorpeekApp

Weights = tuple[Path, dict[str, NDArray[np.float32]]]


@pytest.fixture(scope="module")
def weights(
    tmp_path_factory: pytest.TempPathFactory,
) -> Weights:
    """A checkpoint by PyTorch with a matrix, a convolution, a bias and odd values."""
    torch.manual_seed(0)
    odd = torch.randn(40, 60)
    odd[7, 9], odd[11, 30], odd[22, 5] = float("nan"), float("inf"), float("-inf")
    state = {
        "matrix.weight": torch.randn(300, 500),
        "conv.weight": torch.randn(6, 5, 3, 4),
        "conv.bias": torch.randn(37),
        "odd.weight": odd,
    }
    state["matrix.weight"][123, 456] = -40.0
    path = tmp_path_factory.mktemp("heatmap") / "weights.pt"
    torch.save(state, path)
    return path, {name: value.numpy() for name, value in state.items()}


def pooled_by_numpy(app: DrivenApp, values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The value of each block that is farthest from zero."""
    pooled = pooled_of(app)
    shown = np.empty(pooled.shape, np.float32)
    for row in range(shown.shape[0]):
        for column in range(shown.shape[1]):
            block = values[
                slice(*pooled.row_starts[row : row + 2]),
                slice(*pooled.column_starts[column : column + 2]),
            ].reshape(-1)
            shown[row, column] = block[np.abs(block).argmax()]
    return shown


# The picture


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


# The cursor


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


# Zoom and pan


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


# Settings


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


# Grids


async def test_grids_show_the_whole_model_and_lead_to_its_layers(samples: Path) -> None:
    path = samples / "resnet8.onnx"
    async with driven(path) as app:
        await app.press("3")
        before = app.text()
        names = ("flat", "spiral", "normalized", "layer-weighted", "layer-separated")
        for name in names:
            await app.press("G")
            assert f"G {name}  o whole model" in settings(app)
            total = app.main._choice.model.params  # type: ignore[union-attr]
            assert pooled_of(app).count.sum() == total
        await app.press("x")
        assert cell_line(app).startswith("conv2d_1.weight")
        await app.press("z", "x")
        assert "range of all" in settings(app)
        await app.press("G")
        assert app.text() == before
        await app.press("G", "x", "enter")
        assert app.menu("tensor") == "weight"
        assert "G flat" not in settings(app)
        await app.press("G", "o")
        assert "o this tensor" in settings(app)
        assert pooled_of(app).count.sum() == app.main._choice.tensor.params  # type: ignore[union-attr]
        await app.press("n")
        assert pooled_of(app).count.sum() == app.main._choice.tensor.params  # type: ignore[union-attr]
        await app.press("g")
        assert "this tensor" not in settings(app)


async def test_the_cursor_of_a_grid_tells_layer_index_and_value(samples: Path) -> None:
    import onnx

    graph = onnx.load(samples / "resnet8.onnx").graph
    arrays = {each.name: onnx.numpy_helper.to_array(each) for each in graph.initializer}
    async with driven(samples / "resnet8.onnx") as app:
        await app.press("3")
        await app.press(*"GGGG", *"jjjjjjjjjjjjjjjjjjjjjjllllllllll")
        words = re.search(r"^(\S+)  .*absmax (\S+) of \d+ values  \[(.*)\]  (\S+)$", cell_line(app))
        assert words is not None, cell_line(app)
        index = tuple(int(each) for each in words[3].split(", "))
        value = arrays[words[1]][index]
        assert float(words[4]) == pytest.approx(float(value), rel=1e-8)
        assert float(words[2]) == pytest.approx(float(value), rel=1e-5)


PLUGIN = """
import numpy as np
from tensorpeek.analysis.grids import Arrangement, Grid

class Good(Grid):
    name = "[red]columns"
    description = "one column for each layer"

    def arrange(self, sizes, aspect):
        def places(layer, start, stop):
            return np.arange(start, stop), np.full(stop - start, layer)

        return Arrangement(max(sizes), len(sizes), places)

class Bad(Grid):
    name = "bad"
    description = "fails"

    def arrange(self, sizes, aspect):
        raise RuntimeError("[@click=app.quit]no[/]")
"""


async def test_plugins_that_the_user_names_are_grids_too_and_cannot_end_the_app(
    samples: Path, tmp_path: Path
) -> None:
    good, broken = tmp_path / "good.py", tmp_path / "broken.py"
    good.write_text(PLUGIN)
    broken.write_text("raise OSError('[/nothing]')")
    app = TensorpeekApp([str(samples / "resnet8.onnx")], plugins=[str(good), str(broken)])
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        driver = DrivenApp(app, pilot)
        await driver.settle()
        await driver.press("3")
        await driver.press(*"G" * 6)
        assert "broken.py: OSError: [/nothing]" in driver.notes()[0]
        assert "G [red]columns" in settings(driver)
        await driver.press("G")
        assert "grid bad: RuntimeError: [@click=app.quit]no[/]" in plot_of(driver).note
        await driver.press("G")
        assert plot_of(driver).has_picture


async def test_no_code_is_taken_from_the_folder_of_a_model(tmp_path: Path) -> None:
    torch.save({"a.weight": torch.ones(4, 4)}, tmp_path / "m.pt")
    (tmp_path / "grid.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n{PLUGIN}")
    async with driven(tmp_path) as app:
        await app.press("3")
        await app.press(*"GGGGG")
        assert "layer-separated" in settings(app)
        await app.press("G")
        assert not (tmp_path / "ran").exists()


async def test_a_model_without_parameters_has_no_grid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m.pt"
    tensor = tensor_of(np.ones(3, np.float32))
    object.__setattr__(tensor, "role", "buffer")
    put_models(monkeypatch, {path: model_at(path, [tensor])})
    async with driven(path) as app:
        await app.press("3")
        await app.press("G")
        assert plot_of(app).note == "no parameters to show"
        await app.press("g")
        assert plot_of(app).has_picture
