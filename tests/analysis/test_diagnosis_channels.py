"""A tensor as a matrix of channels; what its rows and columns have in common."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
from made_tensors import quantized, tensor_of

from tensorpeek.analysis import measure, never
from tensorpeek.analysis.diagnosis import near_duplicates as duplicates_module
from tensorpeek.analysis.diagnosis.channel_structure import ChannelStructure, channel_structure
from tensorpeek.analysis.diagnosis.matrix_ranges import matrix_ranges
from tensorpeek.analysis.diagnosis.near_duplicates import near_duplicates
from tensorpeek.analysis.diagnosis.unmeasurable import UnmeasurableError
from tensorpeek.analysis.diagnosis.weight_matrix import WeightMatrix, weight_matrix
from tensorpeek.loaders import Tensor

AsMatrix = Callable[[np.ndarray], np.ndarray]

RNG = np.random.default_rng(11)


def matrix_of(tensor: Tensor) -> WeightMatrix:
    return weight_matrix(tensor, "dequantized", measure(tensor).summary)


def keras(values: np.ndarray) -> Tensor:
    return dataclasses.replace(tensor_of(values), label="kernel")


def per_channel(values: np.ndarray, axis: int) -> Tensor:
    scales = np.ones(values.shape[axis])
    return quantized(values, "int8", scale=scales, scheme="per-channel", axis=axis)


INT8 = RNG.integers(-9, 9, (6, 7, 5))

MATRICES = [
    pytest.param(tensor_of(RNG.normal(size=(70, 30))), lambda v: v, id="a matrix"),
    pytest.param(
        tensor_of(RNG.normal(size=(5, 6, 3, 3))), lambda v: v.reshape(5, -1), id="a convolution"
    ),
    pytest.param(
        keras(RNG.normal(size=(3, 3, 4, 9))), lambda v: v.reshape(-1, 9).T, id="a Keras kernel"
    ),
    pytest.param(keras(RNG.normal(size=(700, 900))), lambda v: v.T, id="a large Keras kernel"),
    pytest.param(per_channel(INT8, 0), lambda v: v.reshape(6, -1), id="scales on axis 0"),
    pytest.param(
        per_channel(INT8, 1),
        lambda v: np.moveaxis(v, 1, 0).reshape(7, -1),
        id="scales on a middle axis",
    ),
    pytest.param(per_channel(INT8, 2), lambda v: v.reshape(-1, 5).T, id="scales on the last axis"),
    pytest.param(tensor_of(RNG.normal(size=100)), lambda v: v[None], id="a vector"),
    pytest.param(tensor_of(np.float32(2)), lambda v: v.reshape(1, 1), id="a scalar"),
    pytest.param(tensor_of(RNG.normal(size=(2, 70_001))), lambda v: v, id="long rows"),
    pytest.param(tensor_of(np.empty((3, 0))), lambda v: v, id="an empty tensor"),
]


@pytest.mark.parametrize("size", [1 << 16, 1 << 9, 200])
@pytest.mark.parametrize(("tensor", "as_matrix"), MATRICES)
def test_slabs_cover_the_matrix_once(tensor: Tensor, as_matrix: AsMatrix, size: int) -> None:
    matrix = matrix_of(tensor)
    wanted = as_matrix(tensor.read().astype(np.float64))
    assert (matrix.channels, matrix.columns) == wanted.shape
    found = np.full(wanted.shape, np.nan)
    for slab in matrix.slabs(never, size=size):
        rows, columns = slab.values.shape
        assert slab.column % 128 == 0
        place = found[slab.row : slab.row + rows, slab.column : slab.column + columns]
        assert np.isnan(place).all()
        place[:] = slab.values
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize(("tensor", "as_matrix"), MATRICES[:-1])
def test_ranges_of_rows_and_columns(tensor: Tensor, as_matrix: AsMatrix) -> None:
    values = as_matrix(tensor.read().astype(np.float64))
    ranges = matrix_ranges(matrix_of(tensor))
    np.testing.assert_array_equal(ranges.low, values.min(axis=1))
    np.testing.assert_array_equal(ranges.high, values.max(axis=1))
    np.testing.assert_array_equal(ranges.largest, np.abs(values).max(axis=0))


def test_huge_values_are_divided_by_a_power_of_two() -> None:
    values = RNG.normal(size=(4, 9)) * 1e250
    matrix = matrix_of(tensor_of(values))
    (slab,) = matrix.slabs(never)
    np.testing.assert_array_equal(np.ldexp(slab.values, matrix.exponent), values)
    assert np.abs(slab.values).max() <= 1


def structure_of(tensor: Tensor) -> ChannelStructure:
    matrix = matrix_of(tensor)
    return channel_structure(matrix, matrix_ranges(matrix))


def test_dead_and_constant_channels() -> None:
    values = RNG.normal(size=(6, 20)).astype(np.float32)
    values[1] = 1e-7
    values[2] = 0.25
    values[:, 3] = 0
    values[2, 3] = 0.25
    values[4] = np.nan
    found = structure_of(tensor_of(values))
    assert (found.rows, found.columns) == (6, 20)
    assert (found.dead_rows, found.constant_rows, found.dead_columns) == (2, 1, 0)
    values[2, 3] = 0
    assert structure_of(tensor_of(values)).dead_columns == 1


def brute_structure(groups: np.ndarray, most: int) -> float:
    return 100 * float(np.mean((groups != 0).sum(axis=-1) <= most))


@pytest.mark.parametrize("shape", [(8, 40), (8, 16, 3, 3), (8, 13, 2)], ids=str)
def test_structures_against_brute_force(shape: tuple[int, ...]) -> None:
    values = RNG.normal(size=shape) * (RNG.random(shape) < 0.4)
    found = structure_of(tensor_of(values)).structures_percent
    inputs = np.moveaxis(values.reshape(shape[0], shape[1], -1), 1, -1)
    for name, most, width in (("2:4", 2, 4), ("1:4", 1, 4), ("4:8", 4, 8)):
        whole = inputs[..., : shape[1] // width * width]
        groups = whole.reshape(*whole.shape[:2], -1, width)
        assert found[name] == pytest.approx(brute_structure(groups, most))


def with_axes(values: np.ndarray, axes: str) -> Tensor:
    return dataclasses.replace(tensor_of(values), axes=axes)


def quantized_kernel(values: np.ndarray) -> Tensor:
    return dataclasses.replace(per_channel(np.rint(values * 9), values.ndim - 1), label="kernel")


LAYOUTS = [
    pytest.param(tensor_of, (0, 2, 3, 1), id="torch, OIHW"),
    pytest.param(keras, (3, 0, 1, 2), id="Keras, HWIO"),
    pytest.param(quantized_kernel, (3, 0, 1, 2), id="Keras, HWIO with scales of channels"),
    pytest.param(lambda v: with_axes(v, "OHWI"), (0, 1, 2, 3), id="TFLite, OHWI"),
]
"""What makes a tensor of values, and the axes of its values as (outputs, places, inputs)."""


@pytest.mark.parametrize("inputs", [8, 12, 13, 3])
@pytest.mark.parametrize(("make", "turn"), LAYOUTS)
def test_groups_are_neighboring_inputs_at_one_position_whatever_the_layout(
    make: Callable[[np.ndarray], Tensor], turn: tuple[int, ...], inputs: int
) -> None:
    shape = (6, 3, 2, inputs)  # outputs, height, width, inputs
    values = RNG.normal(size=shape) * (RNG.random(shape) < 0.4)
    stored = np.ascontiguousarray(values.transpose(np.argsort(turn)))
    found = structure_of(make(stored)).structures_percent
    truth = np.rint(values * 9) if make is quantized_kernel else values
    for name, most, width in (("2:4", 2, 4), ("1:4", 1, 4), ("4:8", 4, 8)):
        groups = truth[..., : inputs // width * width].reshape(*shape[:3], -1, width)
        expected = brute_structure(groups, most) if inputs >= width else None
        assert found[name] == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize(("make", "turn"), LAYOUTS)
def test_weights_pruned_along_their_inputs_are_all_two_of_four(
    make: Callable[[np.ndarray], Tensor], turn: tuple[int, ...]
) -> None:
    kept = np.tile([1.0, 0.0, 2.0, 0.0], (5, 3, 3, 4))  # outputs, height, width, inputs
    stored = np.ascontiguousarray(kept.transpose(np.argsort(turn)))
    assert structure_of(make(stored)).structures_percent == {"2:4": 100, "1:4": 0, "4:8": 100}


@pytest.mark.parametrize("size", [64, 1 << 12], ids=["small pieces", "large pieces"])
@pytest.mark.parametrize(("make", "turn"), LAYOUTS)
def test_no_group_is_cut_where_a_matrix_is_read_in_pieces(
    make: Callable[[np.ndarray], Tensor],
    turn: tuple[int, ...],
    size: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tensorpeek.analysis.diagnosis.weight_matrix.CHUNK", size)
    slabs = WeightMatrix.slabs
    monkeypatch.setattr(
        WeightMatrix, "slabs", lambda self, *a, **k: slabs(self, *a, **(k | {"size": size}))
    )
    for inputs in (40, 13):
        kept = np.resize([1.0, 0.0, 2.0, 0.0], inputs) * np.ones((5, 3, 3, 1))
        stored = np.ascontiguousarray(kept.transpose(np.argsort(turn)))
        found = structure_of(make(stored)).structures_percent
        assert found == {"2:4": 100, "1:4": 0, "4:8": 100}


@pytest.mark.parametrize(
    "tensor",
    [
        dataclasses.replace(tensor_of(np.ones((3, 3, 8, 2))), label="depthwise_kernel"),
        with_axes(np.ones((1, 3, 3, 16)), "1HWC"),
    ],
    ids=["Keras", "TFLite"],
)
def test_depthwise_kernels_have_no_neighboring_inputs(tensor: Tensor) -> None:
    assert set(structure_of(tensor).structures_percent.values()) == {None}


def test_channels_are_on_the_axis_that_the_file_tells() -> None:
    values = RNG.normal(size=(2, 3, 3, 4, 7))
    matrix = matrix_of(with_axes(values, "DHWIO"))
    assert (matrix.channels, matrix.columns) == (7, 2 * 3 * 3 * 4)
    matrix = matrix_of(with_axes(values[0, :1], "1HWC"))
    assert (matrix.channels, matrix.columns) == (7, 3 * 4)


def test_a_pruned_matrix_keeps_its_structure() -> None:
    values = RNG.normal(size=(16, 64)).reshape(-1, 4)
    np.put_along_axis(values, np.argsort(np.abs(values), axis=1)[:, :2], 0, axis=1)
    found = structure_of(tensor_of(values.reshape(16, 64))).structures_percent
    assert (found["2:4"], found["4:8"], found["1:4"]) == (100, 100, 0)


def test_rows_too_short_for_a_group_have_no_structure() -> None:
    found = structure_of(tensor_of(RNG.normal(size=(5, 3)))).structures_percent
    assert set(found.values()) == {None}


def duplicates_of(tensor: Tensor) -> int:
    matrix = matrix_of(tensor)
    return near_duplicates(matrix, matrix_ranges(matrix))


def brute_duplicates(values: np.ndarray, similar: float) -> int:
    unit = values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-300)
    return int(np.triu(unit @ unit.T > similar, 1).any(axis=0).sum())


@pytest.mark.parametrize("columns", [16, 64, 65, 500])
@pytest.mark.parametrize("kind", [tensor_of, lambda v: keras(v.T)], ids=["rows", "Keras"])
def test_near_duplicates_against_brute_force(
    columns: int, kind: Callable[[np.ndarray], Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duplicates_module, "BLOCK", 100)
    values = RNG.normal(size=(300, columns))
    values[50:60] = values[:10] * RNG.uniform(0.5, 2, (10, 1))
    values[290:] = values[:10] + RNG.normal(size=(10, columns)) * np.linspace(0, 0.1, 10)[:, None]
    values[100:105] = 0
    values[200:210] = -values[:10]
    found = duplicates_of(kind(values))
    assert found == brute_duplicates(values, 0.999)
    assert 10 < found < 20


def test_duplicates_of_one_channel_count_each() -> None:
    assert duplicates_of(tensor_of(np.ones((5, 9)))) == 4
    assert duplicates_of(tensor_of(np.zeros((5, 9)))) == 0


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        pytest.param((9, 7), "fewer than 8 inputs", id="short rows"),
        pytest.param((16_385, 8), "more than 16,384 channels", id="many rows"),
        pytest.param((1, (1 << 18) + 1), "more than 262,144 inputs", id="long rows"),
    ],
)
def test_why_duplicates_are_not_looked_for(shape: tuple[int, ...], reason: str) -> None:
    tensor = tensor_of(np.zeros(shape, np.int8))
    with pytest.raises(UnmeasurableError, match=reason):
        duplicates_of(tensor)


def test_rows_of_very_different_size_are_compared() -> None:
    rows = RNG.normal(size=(20, 100))
    values = np.concatenate((rows, rows * 1e-100, rows[:5] * 1e100))
    assert duplicates_of(tensor_of(values)) == 25
