"""Grids put every value in its place, pool exactly, and a bad plugin is a line of words."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from grid_plugin import PLUGIN
from made_tensors import quantized, tensor_of
from numpy.typing import NDArray

from tensorpeek.analysis.grids import (
    BUILT_IN,
    Arrangement,
    FoundGrid,
    Grid,
    GridError,
    GridLook,
    GridPainter,
    GridPicture,
    checked,
    element_in_cell,
    find_grids,
    tensors_in_grid,
)
from tensorpeek.analysis.grids.built_in import spiral_steps
from tensorpeek.analysis.heatmap import MODES, Window
from tensorpeek.loaders import CancelledError, Model, Tensor

SIZES = (1, 7, 200, 64, 3, 1000)


def found(grid: Grid) -> FoundGrid:
    return FoundGrid(grid, grid.name, grid.description, "a test")


def layers(sizes: tuple[int, ...] = SIZES) -> list[NDArray[np.float32]]:
    random = np.random.default_rng(0)
    made = [
        random.standard_normal(size).astype(np.float32) * (3**n) for n, size in enumerate(sizes)
    ]
    made[2][[5, 50, 90]] = [np.nan, np.inf, -np.inf]
    return made


def tensors(values: list[NDArray[Any]]) -> list[Tensor]:
    return [tensor_of(each, name=f"layer{n}.weight") for n, each in enumerate(values)]


def painted(painter: GridPainter) -> GridPicture:
    shares = list(painter.steps())
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    return painter.picture(exact=True)


@pytest.mark.parametrize("grid", BUILT_IN, ids=lambda each: each.name)
@pytest.mark.parametrize("aspect", [0.5, 1.0, 2.2])
@pytest.mark.parametrize("sizes", [SIZES, (1,), (5, 5), (100_000, 1, 1)], ids=str)
def test_every_value_has_a_place_of_its_own(
    grid: Grid, aspect: float, sizes: tuple[int, ...]
) -> None:
    arranged = grid.arrange(sizes, aspect)
    taken = np.zeros((arranged.rows, arranged.columns), np.int64)
    for layer, size in enumerate(sizes):
        rows, columns = arranged.places(layer, 0, size)
        np.add.at(taken, (rows, columns), 1)
        middle = size // 2
        again = arranged.places(layer, middle, size)
        assert again[0].tolist() == rows[middle:].tolist()
        assert again[1].tolist() == columns[middle:].tolist()
    assert taken.max() == 1
    assert taken.sum() == sum(sizes)


def test_a_spiral_goes_round_step_by_step() -> None:
    across, up = spiral_steps(np.arange(4000))
    assert (across[0], up[0]) == (0, 0)
    assert (np.abs(np.diff(across)) + np.abs(np.diff(up)) == 1).all()
    assert len(set(zip(across.tolist(), up.tolist(), strict=True))) == 4000
    assert np.abs(across[:3969]).max() == 31  # 63 x 63 places are a full square


def test_layers_that_are_separated_do_not_touch() -> None:
    arranged = next(each for each in BUILT_IN if each.name == "layer-separated").arrange(SIZES, 2.0)
    owner = np.full((arranged.rows, arranged.columns), -1)
    for layer, size in enumerate(SIZES):
        owner[arranged.places(layer, 0, size)] = layer
    assert (owner[[0, -1]] == -1).all()
    assert (owner[:, [0, -1]] == -1).all()
    for one, other in ((owner[1:], owner[:-1]), (owner[:, 1:], owner[:, :-1])):
        touching = (one >= 0) & (other >= 0)
        assert (one[touching] == other[touching]).all()


def test_larger_layers_get_more_rows() -> None:
    arranged = next(each for each in BUILT_IN if each.name == "layer-weighted").arrange(SIZES, 2.0)
    heights = [len(set(arranged.places(n, 0, size)[0].tolist())) for n, size in enumerate(SIZES)]
    assert sorted(heights) == [heights[n] for n in np.argsort(SIZES, kind="stable")]
    assert sum(heights) == arranged.rows


def canvas_of(grid: Grid, arranged: Arrangement) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the value of each place of a canvas, -1e300 where none is, and its layer or -1."""
    canvas = np.full((arranged.rows, arranged.columns), -1e300)
    owner = np.full(canvas.shape, -1)
    for layer, each in enumerate(layers()):
        drawn = each.astype(np.float64)
        if grid.name == "normalized":
            drawn = drawn / np.abs(drawn[np.isfinite(drawn)]).max()
        canvas[arranged.places(layer, 0, each.size)] = drawn
        owner[arranged.places(layer, 0, each.size)] = layer
    return canvas, owner


def check_cell(
    picture: GridPicture,
    cell: tuple[int, int],
    inside: NDArray[np.float64],
    owners: NDArray[np.int64],
) -> None:
    """Compare a cell with the values of its block and with the layers that own them."""
    pooled, block = picture.pooled, inside[inside != -1e300]
    finite = block[np.isfinite(block)]
    assert pooled.count[cell] == finite.size
    assert pooled.nan[cell] == np.isnan(block).sum()
    assert pooled.above[cell] == (block == np.inf).sum()
    assert pooled.below[cell] == (block == -np.inf).sum()
    assert picture.layers[cell] == np.unique(owners[owners >= 0]).size
    if finite.size:
        assert pooled.high[cell] == finite.max()
        assert pooled.low[cell] == finite.min()
        np.testing.assert_allclose(pooled.values("mean")[cell], finite.mean(), rtol=1e-9)
    marks = np.where(np.isnan(inside), np.inf, np.minimum(np.abs(inside), 1e308))
    marks = np.where(owners >= 0, marks, -1.0)
    if block.size:
        assert marks[owners == picture.owners[cell]].max() == marks.max()
    else:
        assert picture.owners[cell] == -1


@pytest.mark.parametrize("grid", BUILT_IN, ids=lambda each: each.name)
@pytest.mark.parametrize("part", [False, True], ids=["whole", "part"])
def test_cells_are_what_numpy_gives_for_the_whole_canvas(grid: Grid, part: bool) -> None:
    cells = (7, 11)
    arranged = grid.arrange(SIZES, cells[1] / cells[0])
    canvas, owner = canvas_of(grid, arranged)
    window = Window(2, arranged.rows - 1, 1, arranged.columns) if part else None
    look = GridLook(*cells, window, with_sums=True)
    picture = painted(GridPainter(tensors(layers()), "dequantized", found(grid), look))
    pooled = picture.pooled
    assert picture.canvas == canvas.shape
    for row, column in np.ndindex(*pooled.shape):
        where = (
            slice(*pooled.row_starts[row : row + 2]),
            slice(*pooled.column_starts[column : column + 2]),
        )
        check_cell(picture, (row, column), canvas[where], owner[where])


def test_what_stands_out_in_a_cell_is_found_in_its_layer() -> None:
    values = layers()
    grid = BUILT_IN[0]
    arranged = grid.arrange(SIZES, 1.0)
    everywhere = Window(0, arranged.rows, 0, arranged.columns)
    for layer, tensor in enumerate(tensors(values)):
        flat = element_in_cell(
            tensor,
            "dequantized",
            lambda start, stop, n=layer: arranged.places(n, start, stop),
            everywhere,
        )
        if layer == 2:
            assert flat == 5
        else:
            assert flat == int(np.abs(values[layer]).argmax())


def test_quantized_layers_are_drawn_in_both_views() -> None:
    tensor = quantized([[1, -2], [3, -128]], "int8", scale=0.5, zero_point=1)
    for view, expected in (("raw", -128.0), ("dequantized", -64.5)):
        picture = painted(GridPainter([tensor], view, found(BUILT_IN[0]), GridLook(1, 1)))
        assert picture.pooled.shown("absmax").tolist() == [[expected]]


def test_a_layer_that_cannot_be_read_is_left_out_and_named() -> None:
    good, bad = tensors([np.ones(5, np.float32), np.ones(5, np.float32)])
    bad = dataclasses.replace(bad, storage=None)
    picture = painted(GridPainter([bad, good], "dequantized", found(BUILT_IN[0]), GridLook(9, 9)))
    assert picture.pooled.count.sum() == 5
    assert picture.failures == ("layer1.weight: layer1.weight: has no values",)


def test_a_model_shows_its_parameters() -> None:
    one, other, empty = tensors(
        [np.ones(5, np.float32), np.ones(5, np.float32), np.ones(0, np.float32)]
    )
    broken = dataclasses.replace(one, name="x", error="is broken")
    buffer = dataclasses.replace(other, name="y", role="buffer")
    model = Model(path=Path("m"), format="PyTorch", tensors=(one, broken, buffer, other, empty))
    assert tensors_in_grid(model) == (one, other)
    with pytest.raises(ValueError, match="no tensors"):
        GridPainter([], "dequantized", found(BUILT_IN[0]), GridLook(9, 9))


def test_painting_stops_and_shows_what_is_finished() -> None:
    made = tensors([np.full(300_000, 1, np.float32), np.full(300_000, 2, np.float32)])
    painter = GridPainter(made, "dequantized", found(BUILT_IN[0]), GridLook(4, 4))
    stopped = False
    steps: Iterator[float] = painter.steps(lambda: stopped)
    share = 0.0
    while share <= 0.5:
        share = next(steps)
    part = painter.picture(exact=False).pooled
    assert not part.exact
    assert part.count.sum() == 300_000
    stopped = True
    with pytest.raises(CancelledError):
        list(steps)


# Plugins


def test_a_file_that_the_user_names_adds_its_grids(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(PLUGIN)
    grids, problems = find_grids([path])
    assert not problems
    assert [each.name for each in grids] == [*(each.name for each in BUILT_IN), "columns"]
    assert grids[-1].source == "mine.py"
    picture = painted(GridPainter(tensors(layers()), "dequantized", grids[-1], GridLook(1, 6)))
    for layer, values in enumerate(layers()):
        if layer != 2:
            assert picture.pooled.high[0, layer] == values.max()
        assert picture.owners[0, layer] == layer


def test_the_example_in_the_documentation_runs(tmp_path: Path) -> None:
    import inspect
    import textwrap

    words = inspect.getdoc(Grid) or ""
    path = tmp_path / "example.py"
    path.write_text(textwrap.dedent(words.split("::\n", 1)[1]))
    grids, problems = find_grids([path])
    assert not problems
    assert checked(grids[-1], (3, 2), 1.0).rows == 3


BAD_FILES = {
    "raise RuntimeError('no [bold]way')": "RuntimeError: no [bold]way",
    "import sys\nsys.exit(3)": "SystemExit: 3",
    "def broken(:": "SyntaxError",
    "x = 1": "holds no class derived from Grid",
    PLUGIN.replace('"columns"', '"flat"'): "the name flat is taken",
    PLUGIN.replace(
        "def arrange", "def __init__(self): raise KeyError('k')\n    def arrange"
    ): "KeyError",
}


@pytest.mark.parametrize(
    ("content", "words"),
    BAD_FILES.items(),
    ids=["raises", "exits", "is no Python", "has no grid", "takes a name", "fails when made"],
)
def test_a_bad_file_is_reported_and_the_others_stay(
    tmp_path: Path, content: str, words: str
) -> None:
    path, good = tmp_path / "bad.py", tmp_path / "good.py"
    path.write_text(content)
    good.write_text(PLUGIN)
    grids, problems = find_grids([path, tmp_path / "gone.py", good])
    assert [each.name for each in grids] == [*(each.name for each in BUILT_IN), "columns"]
    assert words in str(problems[0])
    assert "gone.py" in str(problems[1])


class Odd(Grid):
    name = "odd"
    description = "does one thing wrong"

    def __init__(self, answer: object) -> None:
        self.answer = answer

    def arrange(self, sizes: tuple[int, ...], aspect: float) -> Arrangement:
        if isinstance(self.answer, Exception):
            raise self.answer
        if callable(self.answer):
            return Arrangement(10, 10, self.answer)
        return cast("Arrangement", self.answer)


class Longer(Odd):
    def values(self, values: NDArray[np.float64], largest: float) -> NDArray[np.float64]:
        return np.append(values, 1.0)


ODD = {
    "raises": (Odd(ZeroDivisionError("x")), "ZeroDivisionError: x"),
    "no arrangement": (Odd(3), "no Arrangement"),
    "no canvas": (Odd(Arrangement(0, 5, print)), "a canvas of 0 x 5"),
    "a huge canvas": (Odd(Arrangement(1 << 40, 5, print)), "a canvas of"),
    "outside": (Odd(lambda n, a, b: (np.arange(a, b), np.full(b - a, 10))), "outside its canvas"),
    "negative": (Odd(lambda n, a, b: (np.arange(a, b), np.full(b - a, -1))), "outside its canvas"),
    "too few": (Odd(lambda n, a, b: (np.zeros(1, int), np.zeros(1, int))), "1 places for 5 values"),
    "fractions": (Odd(lambda n, a, b: (np.zeros(b - a), np.zeros(b - a))), "no integers"),
    "fails late": (Odd(lambda n, a, b: 1 / 0), "ZeroDivisionError"),
    "more values": (
        Longer(lambda n, a, b: (np.zeros(b - a, int), np.zeros(b - a, int))),
        "changes the number of values",
    ),
}


@pytest.mark.parametrize(("grid", "words"), ODD.values(), ids=ODD)
def test_what_a_plugin_gets_wrong_is_told_with_its_name(grid: Grid, words: str) -> None:
    made = tensors([np.ones(5, np.float32)])
    with pytest.raises(GridError, match="grid odd") as raised:
        list(GridPainter(made, "dequantized", found(grid), GridLook(2, 2)).steps())
    assert words in str(raised.value)


def test_modes_need_no_second_pass() -> None:
    look = GridLook(3, 3, with_sums=True)
    picture = painted(GridPainter(tensors(layers()), "dequantized", found(BUILT_IN[0]), look))
    for mode in MODES:
        assert picture.pooled.shown(mode).shape == (3, 3)
