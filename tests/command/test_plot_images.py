"""Heat maps, kernels and grids as figures: images read back are pooled by brute force."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from command.figure_reading import figure_of, image, model_of, texts
from command.in_memory import make_tensor

from tensorpeek.analysis.heatmap import INFINITE_COLOR, NAN_COLOR
from tensorpeek.tui.figures import FigureError

rng = np.random.default_rng(12)
SMALL = rng.normal(0, 1, (6, 9))


def brute_force(values: np.ndarray, rows: int, columns: int, mode: str) -> np.ndarray:
    """Pool a matrix to cells of whole places, one at a time."""
    cuts = [
        np.arange(count + 1) * size // count
        for size, count in zip(values.shape, (rows, columns), strict=True)
    ]
    take = {
        "absmax": lambda cell: cell.flat[np.abs(cell).argmax()],
        "mean": np.mean,
        "max": np.max,
        "min": np.min,
    }[mode]
    return np.array(
        [
            [take(values[top:bottom, left:right]) for left, right in pairwise(cuts[1])]
            for top, bottom in pairwise(cuts[0])
        ]
    )


def test_a_small_matrix_is_drawn_as_it_is() -> None:
    axes = figure_of("heatmap", make_tensor("w.weight", SMALL)).axes[0]
    np.testing.assert_array_equal(image(axes), SMALL)


def test_of_more_axes_the_first_one_makes_the_rows() -> None:
    values = rng.normal(0, 1, (4, 3, 2, 2))
    axes = figure_of("heatmap", make_tensor("w.weight", values)).axes[0]
    np.testing.assert_array_equal(image(axes), values.reshape(4, -1))
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("axis 0", "axes 1, 2, 3")


@pytest.mark.parametrize("mode", ["absmax", "mean", "max", "min"])
@pytest.mark.parametrize("shape", [(700, 500), (3, 5000)], ids=["square", "long"])
def test_more_values_than_pixels_are_pooled(mode: str, shape: tuple[int, int]) -> None:
    values = rng.normal(0, 1, shape)
    tensor = make_tensor("w.weight", values)
    figure = figure_of("heatmap", tensor, mode=mode, size=(3.0, 3.0), dpi=72)
    shown = image(figure.axes[0])
    assert shown.size < values.size
    np.testing.assert_allclose(shown, brute_force(values, *shown.shape, mode), rtol=1e-9)
    assert any("a pixel is" in text for text in texts(figure))


@pytest.mark.parametrize("dpi", [50, 72, 150, 201])
def test_no_row_of_pixels_is_left_out(dpi: int) -> None:
    figure = figure_of("heatmap", make_tensor("w.weight", rng.normal(0, 1, (999, 998))), dpi=dpi)
    axes = figure.axes[0]
    rows, columns = image(axes).shape
    box = axes.get_window_extent()
    assert (box.width, box.height) == (pytest.approx(columns), pytest.approx(rows))
    assert box.x0 == pytest.approx(round(box.x0))
    assert box.y0 == pytest.approx(round(box.y0))


@pytest.mark.parametrize("scaling", ["linear", "log", "percentile"])
def test_zero_has_the_color_in_the_middle(scaling: str) -> None:
    values = np.array([[-3.0, 0.0, 0.5, 1.0]])
    axes = figure_of("heatmap", make_tensor("w.weight", values), scaling=scaling).axes[0]
    places = axes.images[0].norm(values)
    assert places[0, 1] == 0.5
    assert places[0, 0] == 0.0
    if scaling == "linear":
        np.testing.assert_allclose(places[0], (values[0] / 3 + 1) / 2)


def test_values_that_are_not_finite_have_colors_of_their_own() -> None:
    values = np.array([[1.0, np.nan], [np.inf, -2.0]], np.float32)
    figure = figure_of("heatmap", make_tensor("w.weight", values))
    axes = figure.axes[0]
    plain, infinite = axes.images
    colors = plain.cmap(plain.norm(plain.get_array()), bytes=True)
    assert tuple(colors[0, 1, :3]) == NAN_COLOR
    shown = infinite.get_array()
    assert np.ma.getmaskarray(shown).tolist() == [[True, True], [False, True]]
    assert tuple(infinite.cmap(np.array([0]), bytes=True)[0, :3]) == INFINITE_COLOR
    told = [text for text in texts(figure) if "NaN" in text]
    assert told == ["1 place with NaN: magenta   ·   1 place with infinities: bright green"]


ODD = {
    "zeros": np.zeros((3, 3)),
    "only NaN": np.full((2, 2), np.nan),
    "a scalar": np.array(3.5),
    "a vector": np.arange(70),
    "huge": np.full((2, 3), 1e308),
    "tiny": np.full((2, 3), 5e-324),
    "a column": rng.normal(size=(5000, 1)),
    "bool": np.array([[True, False]]),
    "complex": np.array([[1 + 2j, 3]]),
}


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("scaling", ["linear", "log", "percentile"])
def test_odd_tensors_are_drawn(name: str, scaling: str) -> None:
    assert figure_of("heatmap", make_tensor("w.weight", ODD[name]), scaling=scaling, dpi=50).axes


@pytest.mark.parametrize("name", ["coolwarm", "magnitude", "viridis", "RdBu_r"])
def test_color_maps_have_the_names_of_tensorpeek_and_matplotlib(name: str) -> None:
    axes = figure_of("heatmap", make_tensor("w.weight", SMALL), colormap=name).axes[0]
    assert axes.images[0].cmap.N > 60


def test_an_unknown_color_map_is_named() -> None:
    with pytest.raises(FigureError, match=r"no color map 'nope'; there are: blue-orange, .*"):
        figure_of("heatmap", make_tensor("w.weight", SMALL), colormap="nope")


@pytest.mark.parametrize("mode", ["mean", "peak", "each"])
def test_a_tile_is_a_filter(mode: str) -> None:
    weight = torch.nn.Conv2d(5, 12, (3, 2)).weight.detach().numpy()
    tensor = make_tensor("conv.weight", weight)
    shown = image(figure_of("kernels", tensor, kernel_mode=mode).axes[0])
    wide = weight.astype(np.float64)
    maps = {
        "mean": wide.mean(axis=1),
        "peak": np.abs(wide).max(axis=1),
        "each": wide.transpose(0, 2, 1, 3).reshape(12, 3, 10),
    }[mode]
    height, width = maps.shape[1:]
    across = (shown.shape[1] + 1) // (width + 1)
    for number in range(12):
        row, column = (
            side * (length + 1)
            for side, length in zip(divmod(number, across), (height, width), strict=True)
        )
        tile = shown[row : row + height, column : column + width]
        np.testing.assert_allclose(tile, maps[number], rtol=1e-6)


def test_filters_without_room_are_counted() -> None:
    tensor = make_tensor("conv.weight", rng.normal(size=(4096, 1, 7, 7)).astype(np.float32))
    figure = figure_of("kernels", tensor, size=(3.0, 3.0), dpi=50)
    shown = image(figure.axes[0])
    across, down = ((side + 1) // 8 for side in shown.shape)
    (told,) = (text for text in texts(figure) if text.endswith("of 4,096 filters"))
    count = int(told.split()[-4])
    assert (across * down - max(across, down)) < count <= across * down < 4096


def test_only_kernels_have_filters() -> None:
    with pytest.raises(FigureError, match="is no convolution's kernel"):
        figure_of("kernels", make_tensor("fc.weight", SMALL))


def test_a_grid_shows_every_value_of_a_small_model() -> None:
    one, two = rng.normal(size=(3, 4)), rng.normal(size=20)
    model = model_of(make_tensor("a.weight", one), make_tensor("b.bias", two))
    axes = figure_of("grid", model=model, grid="flat").axes[0]
    shown = image(axes)
    every = np.concatenate([one.ravel(), two])
    np.testing.assert_array_equal(shown.ravel()[: every.size], every)
    empty = axes.images[0].get_alpha().ravel()[every.size :]
    assert (empty == 0).all()


def test_a_grid_pools_what_has_no_pixel_of_its_own() -> None:
    values = rng.normal(size=(400, 400))
    figure = figure_of(
        "grid", make_tensor("a.weight", values), grid="flat", size=(3.0, 3.0), dpi=72
    )
    shown = image(figure.axes[0])
    assert shown.size < values.size
    np.testing.assert_allclose(shown, brute_force(values, *shown.shape, "absmax"))


def test_an_unknown_grid_is_named_and_a_model_without_parameters_refused() -> None:
    with pytest.raises(FigureError, match="no grid 'nope'; there are: flat, spiral"):
        figure_of("grid", make_tensor("a.weight", SMALL), grid="nope")
    with pytest.raises(FigureError, match="no parameters to draw"):
        figure_of("grid", make_tensor("a.running_mean", SMALL[:0]))


def test_a_fine_print_has_cells_of_several_pixels() -> None:
    from tensorpeek.tui.figures.boxes import MOST_CELLS, Box, cells_in

    for box in (Box(0, 0, 9000, 7000), Box(0, 0, 100_000, 90), Box(0, 0, 7, 9)):
        rows, columns = cells_in(box)
        assert rows * columns <= MOST_CELLS
        assert 0 < rows <= box.rows
        assert 0 < columns <= box.columns
    assert cells_in(Box(0, 0, 7, 9)) == (9, 7)
    with pytest.raises(FigureError, match="pixels: give a smaller --size or --dpi"):
        figure_of("heatmap", make_tensor("w.weight", SMALL), size=(90.0, 90.0), dpi=1200)
