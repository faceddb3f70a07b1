"""Pooled cells are what NumPy gives for each block of the whole array, whatever the tensor."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_tensors import quantized, tensor_of
from numpy.typing import DTypeLike, NDArray

from tensorpeek.analysis.heatmap import (
    MODES,
    Axes,
    Look,
    Mode,
    Pooled,
    Window,
    cell_starts,
    choices_of_axes,
    held_choices,
    plane_of,
    pooled_picture,
    sampled_picture,
    whole,
)
from tensorpeek.loaders import CancelledError, LoadError, Tensor, View


def picture_of(values: NDArray[Any], axes: Axes, held: int = 0) -> NDArray[np.float64]:
    """The whole picture by NumPy's own indexing, in float64; the places of a short row are absent.

    Absent places are -1e300, which no test has as a value.
    """
    wide = (np.abs(values) if np.iscomplexobj(values) else values).astype(np.float64)
    if not axes.columns:
        plane = plane_of(values.shape)
        flat = np.full(plane.rows * plane.columns, -1e300)
        flat[: wide.size] = wide.reshape(-1)
        return flat.reshape(plane.rows, plane.columns)
    where: list[Any] = [slice(None)] * values.ndim
    lengths = [values.shape[axis] for axis in axes.others]
    indexes = np.unravel_index(held, lengths) if lengths else ()
    for axis, index in zip(axes.others, indexes, strict=True):
        where[axis] = index
    kept = [axis for axis in range(values.ndim) if axis not in axes.others]
    order = [kept.index(axis) for axis in (*axes.rows, *axes.columns)]
    return wide[tuple(where)].transpose(order).reshape(values.shape[axes.rows[0]], -1)


def expected(block: NDArray[np.float64], mode: Mode) -> float:
    """What a cell shows of a block, by definition."""
    finite = block[np.isfinite(block)]
    if np.isnan(block).any():
        return np.nan
    if np.isinf(block).any():
        return np.inf if (block == np.inf).any() else -np.inf
    if not finite.size:
        return np.nan
    if mode == "absmax":
        return float(max(finite, key=lambda value: (abs(value), value)))
    return float({"mean": np.mean, "max": np.max, "min": np.min}[mode](finite))


def check(pooled: Pooled, picture: NDArray[np.float64]) -> None:
    for row in range(pooled.shape[0]):
        top, bottom = pooled.row_starts[row : row + 2]
        for column in range(pooled.shape[1]):
            left, right = pooled.column_starts[column : column + 2]
            block = picture[top:bottom, left:right]
            block = block[block != -1e300]
            for mode in MODES:
                if mode == "mean" and pooled.total is None:
                    continue
                shown = pooled.shown(mode)[row, column]
                exact = expected(block, mode)
                if mode == "mean":
                    scale = np.abs(block[np.isfinite(block)]).max(initial=0.0)
                    np.testing.assert_allclose(shown, exact, rtol=1e-12, atol=1e-12 * scale)
                else:
                    np.testing.assert_equal(shown, exact)
            assert pooled.nan[row, column] == np.isnan(block).sum()
            assert pooled.above[row, column] == (block == np.inf).sum()
            assert pooled.below[row, column] == (block == -np.inf).sum()
            assert pooled.count[row, column] == np.isfinite(block).sum()
            assert pooled.holds[row, column] == bool(block.size)


def check_tensor(tensor: Tensor, values: NDArray[Any], view: View = "dequantized") -> None:
    """Compare every choice of axes, at two sizes, whole and in part."""
    for axes in choices_of_axes(values.shape):
        for held in {0, held_choices(values.shape, axes) - 1}:
            plane = plane_of(values.shape, axes, held)
            picture = picture_of(values, axes, held)
            assert picture.shape == (plane.rows, plane.columns)
            part = Window(plane.rows // 3, plane.rows, plane.columns // 4, plane.columns)
            for window, rows, columns in ((whole(plane), 5, 7), (part, 4, 3), (part, 99, 99)):
                look = Look(plane, window, rows, columns, with_sums=True)
                check(pooled_picture(tensor, view, look), picture)


def awkward(shape: tuple[int, ...], dtype: DTypeLike, seed: int = 0) -> NDArray[Any]:
    """Normal values with NaN, infinities and outliers of both signs where the type has them."""
    random = np.random.default_rng(seed)
    dtype = np.dtype(dtype)
    if dtype.kind in "iub":
        limits = (0, 2) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
        if dtype.itemsize == 8:
            limits = (max(limits[0], -(1 << 53)), 1 << 53)
        return random.integers(*limits, shape).astype(dtype)
    values = random.standard_normal(shape)
    flat = values.reshape(-1)
    for at, odd in ((0, np.nan), (3, np.inf), (4, -np.inf), (11, 30.0), (17, -30.0), (25, -30.0)):
        if at < flat.size:
            flat[at] = odd
    with np.errstate(all="ignore"):
        return values.astype(dtype)


SHAPES = [(), (1,), (5,), (1000,), (1, 1), (7, 13), (13, 1), (1, 40), (5, 3, 4), (6, 5, 3, 3)]


@pytest.mark.parametrize("shape", SHAPES, ids=[f"shape {shape}" for shape in SHAPES])
def test_every_shape_is_pooled_as_numpy_does(shape: tuple[int, ...]) -> None:
    values = awkward(shape, np.float32)
    check_tensor(tensor_of(values), values)


TYPES = [
    np.float64,
    np.float16,
    ml_dtypes.bfloat16,
    ml_dtypes.float8_e4m3fn,
    ml_dtypes.float8_e5m2,
    np.int8,
    np.uint8,
    np.int16,
    np.int64,
    np.uint32,
    np.bool_,
]


@pytest.mark.parametrize("dtype", TYPES, ids=lambda dtype: np.dtype(dtype).name)
def test_every_type_is_pooled_as_numpy_does(dtype: DTypeLike) -> None:
    values = awkward((9, 11), dtype)
    check_tensor(tensor_of(values), values)


def test_packed_integers_are_pooled_as_numpy_does() -> None:
    values = np.random.default_rng(1).integers(-8, 8, (7, 9)).astype(np.int8)
    check_tensor(tensor_of(values, "int4"), values)


def test_complex_values_are_pooled_by_their_magnitude() -> None:
    values = awkward((6, 8), np.float32) + 1j * np.random.default_rng(2).standard_normal((6, 8))
    values[np.isnan(values.real)] = complex(np.nan, 0)
    check_tensor(tensor_of(values.astype(np.complex64)), values.astype(np.complex64))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_channels_are_pooled_in_both_views(axis: int) -> None:
    random = np.random.default_rng(axis)
    codes = random.integers(-128, 128, (6, 5, 4)).astype(np.int8)
    scale = random.uniform(0.01, 2.0, codes.shape[axis]).astype(np.float32)
    points = random.integers(-5, 6, codes.shape[axis]).astype(np.int32)
    tensor = quantized(
        codes, "int8", scale=scale, zero_point=points, scheme="per-channel", axis=axis
    )
    along = [1, 1, 1]
    along[axis] = -1
    difference = codes.astype(np.int32) - points.reshape(along)
    floats = difference.astype(np.float32) * scale.reshape(along)
    check_tensor(tensor, floats)
    check_tensor(tensor, codes, "raw")


def test_blocks_and_one_scale_are_pooled_in_both_views() -> None:
    random = np.random.default_rng(3)
    codes = random.integers(-8, 8, (4, 12)).astype(np.int8)
    scale = random.uniform(0.5, 2.0, (4, 3)).astype(np.float32)
    blockwise = quantized(codes, "int8", scale=scale, scheme="blockwise", axis=1, block=4)
    check_tensor(blockwise, codes.astype(np.float32) * np.repeat(scale, 4, axis=1))
    plain = quantized(codes, "int8", scale=np.float32(0.5), zero_point=3)
    check_tensor(plain, (codes.astype(np.int32) - 3).astype(np.float32) * np.float32(0.5))
    check_tensor(plain, codes, "raw")


@given(
    shape=st.lists(st.integers(1, 9), min_size=1, max_size=4).map(tuple),
    cells=st.tuples(st.integers(1, 8), st.integers(1, 8)),
    size=st.integers(1, 40),
    seed=st.integers(0, 99),
    data=st.data(),
)
def test_any_window_of_any_choice_of_axes_is_pooled_from_bands_of_any_size(
    shape: tuple[int, ...], cells: tuple[int, int], size: int, seed: int, data: st.DataObject
) -> None:
    from tensorpeek.analysis.heatmap.bands import bands, open_values

    values = awkward(shape, np.float32, seed)
    axes = data.draw(st.sampled_from(choices_of_axes(shape)))
    held = data.draw(st.integers(0, held_choices(shape, axes) - 1))
    plane = plane_of(shape, axes, held)
    top = data.draw(st.integers(0, plane.rows - 1))
    left = data.draw(st.integers(0, plane.columns - 1))
    window = Window(
        top,
        data.draw(st.integers(top + 1, plane.rows)),
        left,
        data.draw(st.integers(left + 1, plane.columns)),
    )
    pool = Look(plane, window, *cells, with_sums=True).pool()
    with open_values(tensor_of(values), "dequantized", lambda: False) as read:
        for row, column, block in bands(plane, window, read, lambda: False, size=size):
            assert block.size <= max(size, 1)
            pool.add(row, column, block)
    check(pool.result(exact=True), picture_of(values, axes, held))


def test_a_shape_without_elements_has_no_picture() -> None:
    for shape in ((0,), (0, 3), (3, 0), (2, 0, 4)):
        for axes in choices_of_axes(shape):
            plane = plane_of(shape, axes)
            assert plane.rows * plane.columns == 0


def test_an_outlier_survives_any_pooling() -> None:
    values = np.zeros((997, 1009), np.float32)
    values[613, 377] = -5.0
    plane = plane_of(values.shape)
    pooled = pooled_picture(tensor_of(values), "dequantized", Look(plane, whole(plane), 3, 4))
    shown = pooled.shown("absmax")
    assert shown.min() == -5.0
    assert (shown != 0).sum() == 1


def test_a_cell_of_nothing_is_empty_and_not_nan() -> None:
    plane = plane_of((5,))
    pooled = pooled_picture(
        tensor_of(np.ones(5, np.float32)), "dequantized", Look(plane, whole(plane), 9, 9)
    )
    assert pooled.holds.sum() == 5
    assert pooled.holds.size > 5
    assert not pooled.is_marked.any()


def test_profiles_are_mean_magnitudes() -> None:
    values = np.random.default_rng(5).standard_normal((20, 30)).astype(np.float32)
    plane = plane_of(values.shape)
    look = Look(plane, whole(plane), 20, 30, with_sums=True)
    pooled = pooled_picture(tensor_of(values), "dequantized", look)
    wide = np.abs(values.astype(np.float64))
    np.testing.assert_allclose(pooled.mean_magnitudes(1), wide.mean(axis=1), rtol=1e-12)
    np.testing.assert_allclose(pooled.mean_magnitudes(0), wide.mean(axis=0), rtol=1e-12)
    bare = pooled_picture(tensor_of(values), "dequantized", Look(plane, whole(plane), 2, 2))
    with pytest.raises(ValueError, match="no sums"):
        bare.mean_magnitudes(0)
    with pytest.raises(ValueError, match="no sums"):
        bare.values("mean")


@pytest.mark.parametrize("turned", [False, True], ids=["rows", "columns"])
def test_a_sample_is_the_middle_line_of_each_cell_and_says_so(turned: bool) -> None:
    values = awkward((40, 60), np.float32)
    plane = plane_of(values.shape, Axes((1,), (0,)) if turned else None)
    sample = sampled_picture(tensor_of(values), "dequantized", Look(plane, whole(plane), 8, 6))
    assert sample is not None
    assert not sample.exact
    picture = values.T if turned else values
    starts = sample.column_starts if turned else sample.row_starts
    lines = (starts[:-1] + starts[1:]) // 2
    taken = picture[:, lines] if turned else picture[lines]
    across = sample.row_starts if turned else sample.column_starts
    finite = np.where(np.isfinite(taken), taken, -np.inf)
    largest = np.maximum.reduceat(finite, across[:-1], axis=0 if turned else 1)
    np.testing.assert_array_equal(sample.values("max"), largest)


def test_cells_share_places_evenly() -> None:
    for count, cells in ((10, 3), (7, 7), (3, 8), (1000, 112)):
        starts = cell_starts(4, 4 + count, cells)
        widths = np.diff(starts)
        assert starts[0] == 4
        assert starts[-1] == 4 + count
        assert widths.size == min(count, cells)
        assert widths.max() - widths.min() <= 1


def test_stopping_ends_the_work() -> None:
    values = np.zeros((2000, 2000), np.float32)
    plane = plane_of(values.shape)
    polled = iter([False, False, True])
    with pytest.raises(CancelledError):
        pooled_picture(
            tensor_of(values),
            "dequantized",
            Look(plane, whole(plane), 9, 9),
            stop=lambda: next(polled),
        )


def test_progress_goes_up_to_one() -> None:
    values = np.zeros((2000, 2000), np.float32)
    plane, shares = plane_of(values.shape), list[float]()
    look = Look(plane, whole(plane), 9, 9)
    pooled_picture(tensor_of(values), "dequantized", look, progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert len(shares) > 4


def test_a_tensor_that_cannot_be_read_says_why() -> None:
    tensor = tensor_of(np.zeros((2, 2), np.float32))
    object.__setattr__(tensor, "error", "is broken")
    plane = plane_of((2, 2))
    with pytest.raises(LoadError, match="is broken"):
        pooled_picture(tensor, "dequantized", Look(plane, whole(plane), 2, 2))
