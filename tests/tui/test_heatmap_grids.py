"""Grids on the heatmap screen: the whole model, its layers, and what plugins add."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from driven_app import DrivenApp, driven, model_at, put_models
from heatmap_app import (
    cell_line,
    plot_of,
    pooled_of,
    settings,
)
from made_tensors import tensor_of

from tensorpeek.tui.app import TensorpeekApp


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
