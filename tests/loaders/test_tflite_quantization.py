"""Quantized TFLite tensors against value = scale * (code - zero point), taken by NumPy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tflite_models import Grid, Made, activation, constant, named, opened

from tensorpeek.loaders import Tensor

CODES = np.arange(-36, 36, dtype=np.int8).reshape(3, 4, 6)


def _one(folder: Path, made: Made) -> Tensor:
    return named(opened(folder, ([made], [])), made.name)


def _same(tensor: Tensor, expected: NDArray[np.float32]) -> None:
    assert tensor.error is None
    assert tensor.read("dequantized").dtype == np.float32
    np.testing.assert_array_equal(tensor.read("dequantized"), expected)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "int32", "int64"])
def test_one_scale_serves_the_whole_tensor(tmp_path: Path, dtype: str) -> None:
    codes = (CODES.astype(np.int64) + 36).astype(dtype)
    tensor = _one(tmp_path, constant("w", codes, Grid([0.037], [11])))
    expected = np.float32(0.037) * (codes.astype(np.int64) - 11).astype(np.float32)
    _same(tensor, expected)
    assert tensor.quantization is not None
    assert tensor.quantization.scheme == "per-tensor"
    assert tensor.quantization.source == "TFLite"
    np.testing.assert_array_equal(tensor.read("raw"), codes)


@pytest.mark.parametrize("axis", [0, 1, 2], ids=lambda axis: f"along dimension {axis}")
def test_scales_and_zero_points_go_along_their_dimension(tmp_path: Path, axis: int) -> None:
    count = CODES.shape[axis]
    scale = np.linspace(0.01, 3, count, dtype=np.float32)
    points = np.arange(count) - 2
    tensor = _one(tmp_path, constant("w", CODES, Grid(scale, points, axis)))
    shape = [count if each == axis else 1 for each in range(3)]
    difference = (CODES.astype(np.int64) - points.reshape(shape)).astype(np.float32)
    _same(tensor, difference * scale.reshape(shape))
    assert tensor.quantization is not None
    assert (tensor.quantization.scheme, tensor.quantization.axis) == ("per-channel", axis)
    assert tensor.quantization.source == "TFLite"


def _packed(codes: NDArray[np.int8]) -> bytes:
    flat = (codes.reshape(-1) & 15).astype(np.uint8)
    flat = np.append(flat, np.zeros(flat.size % 2, np.uint8))
    return (flat[0::2] | flat[1::2] << 4).tobytes()


def test_int4_weights_are_dequantized_per_axis(tmp_path: Path) -> None:
    codes = (np.arange(21, dtype=np.int8).reshape(3, 7) * 5 % 16 - 8).astype(np.int8)
    scale = np.array([0.5, 0.125, 3], np.float32)
    made = Made("w", (3, 7), 17, _packed(codes), Grid(scale, [0, 0, 0]))
    tensor = _one(tmp_path, made)
    _same(tensor, codes.astype(np.float32) * scale[:, None])
    assert tensor.quantization is not None
    assert tensor.quantization.bits == 4


def test_a_missing_zero_point_is_0(tmp_path: Path) -> None:
    tensor = _one(tmp_path, constant("w", CODES, Grid([2.0], None)))
    _same(tensor, CODES.astype(np.float32) * 2)


@pytest.mark.parametrize(
    ("grid", "reason"),
    [
        (Grid([1, 2], [0, 0], 0), "has 2 scales, its dimension 0 has 3 entries"),
        (Grid([1, 2, 3], [0, 0, 0], 3), "its quantized dimension 3 is none of its 3"),
        (Grid([1, 2, 3], [0, 0, 0], -1), "its quantized dimension -1 is none of its 3"),
        (Grid([1, 2, 3], [0, 0], 0), "has 2 zero points for 3 scales"),
    ],
    ids=["too few scales", "a dimension too high", "a negative dimension", "too few zero points"],
)
def test_parts_that_do_not_fit_are_an_error(tmp_path: Path, grid: Grid, reason: str) -> None:
    assert _one(tmp_path, constant("w", CODES, grid)).error == reason


@pytest.mark.parametrize("dtype", ["float32", "float16", "bool"])
def test_other_types_have_one_view_whatever_their_parameters_say(
    tmp_path: Path, dtype: str
) -> None:
    tensor = _one(tmp_path, constant("w", np.ones((2, 3), dtype), Grid([0.5], [3])))
    assert tensor.quantization is None
    assert tensor.views == ("dequantized",)


BLOCK_CODES = (np.arange(2 * 3 * 10).reshape(2, 3, 10) * 7 % 16 - 8).astype(np.int8)


def _blockwise(folder: Path, details: tuple, scale: NDArray, *others: Made) -> tuple[Tensor, tuple]:
    weight = Made("w", BLOCK_CODES.shape, 17, _packed(BLOCK_CODES), Grid(details=details))
    tensors = [activation("x"), weight, constant("s", scale), *others]
    model = opened(folder, (tensors, [(9, [0, 1], [0])]))
    if model.warnings:
        return named(model, "w"), model.warnings
    assert len(model.tensors) == 1
    return model.tensors[0], ()


@pytest.mark.parametrize("block", [5, 4, 16], ids=["whole", "a last one cut", "one for all"])
@pytest.mark.parametrize("third", [(), "shape"], ids=["no block shape", "a block shape"])
@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_blocks_go_along_the_last_dimension(
    tmp_path: Path, block: int, third: tuple | str, dtype: str
) -> None:
    blocks = -(-10 // block)
    scale = np.linspace(0.25, 2, 6 * blocks).astype(dtype).reshape(2, 3, blocks)
    points = (np.arange(6 * blocks) % 5 - 2).astype(np.int32).reshape(2, 3, blocks)
    shape = (1, 1, block) if third else ()
    tensor, _ = _blockwise(tmp_path, (2, 2, 3, block, shape), scale, constant("z", points))
    wide = [np.repeat(each, block, 2)[:, :, :10] for each in (scale, points)]
    expected = (BLOCK_CODES - wide[1]).astype(np.float32) * wide[0].astype(np.float32)
    np.testing.assert_array_equal(tensor.read(), expected.astype(dtype))
    assert tensor.quantization is not None
    assert (tensor.quantization.scheme, tensor.quantization.block) == ("blockwise", block)
    assert tensor.quantization.source == "TFLite"


@pytest.mark.parametrize("points", [-1, 0], ids=["refused by number", "left out"])
def test_blocks_without_zero_points_have_0(tmp_path: Path, points: int) -> None:
    scale = np.linspace(1, 2, 12, dtype=np.float32).reshape(2, 3, 2)
    tensor, _ = _blockwise(tmp_path, (2, 2, points, 5, ()), scale)
    np.testing.assert_array_equal(tensor.read(), BLOCK_CODES * np.repeat(scale, 5, 2))


@pytest.mark.parametrize("axes", [(0, 1), (0, 2), (1, 2), (2,)], ids=str)
def test_scales_along_several_dimensions(tmp_path: Path, axes: tuple[int, ...]) -> None:
    shape = [length if axis in axes else 1 for axis, length in enumerate(BLOCK_CODES.shape)]
    scale = np.linspace(1, 2, int(np.prod(shape)), dtype=np.float32).reshape(shape)
    tensor, _ = _blockwise(tmp_path, (3, 2, -1, 0, axes), scale)
    np.testing.assert_array_equal(tensor.read(), BLOCK_CODES * scale)


@pytest.mark.parametrize(
    "details",
    [
        pytest.param((2, 2, -1, 3, ()), id="scales of other blocks"),
        pytest.param((2, 2, -1, 0, ()), id="blocks of nothing"),
        pytest.param((2, 2, -1, -5, ()), id="blocks of a negative size"),
        pytest.param((2, 2, -1, 5, (1, 3, 5)), id="blocks of two dimensions"),
        pytest.param((2, 0, -1, 5, ()), id="scales that are computed"),
        pytest.param((2, 99, -1, 5, ()), id="scales that are not there"),
        pytest.param((2, 1, -1, 5, ()), id="the codes for scales"),
        pytest.param((2, 2, 2, 5, ()), id="zero points of a float type"),
        pytest.param((3, 2, -1, 0, (7,)), id="a dimension that is not there"),
        pytest.param((3, 2, -1, 5, (0,)), id="several axes in blocks"),
        pytest.param((3, 2, -1, 0, (0, 0)), id="a dimension twice"),
        pytest.param((1, 0, 0, 0, ()), id="a custom quantization"),
        pytest.param((9, 0, 0, 0, ()), id="an unknown quantization"),
    ],
)
def test_what_is_not_understood_is_shown_raw_with_a_warning(tmp_path: Path, details: tuple) -> None:
    scale = np.ones((2, 3, 2), np.float32)
    tensor, warnings = _blockwise(tmp_path, details, scale)
    assert tensor.quantization is None
    assert "w: quantization not understood" in warnings[0]
    np.testing.assert_array_equal(tensor.read(), BLOCK_CODES)


def test_a_shared_buffer_with_other_scales_is_another_tensor(tmp_path: Path) -> None:
    first = constant("a", CODES, Grid([1.0], [0]))
    same = Made("b", CODES.shape, 9, 0, Grid([1.0], [0]))
    other = Made("c", CODES.shape, 9, 0, Grid([2.0], [0]))
    model = opened(tmp_path, ([first, same, other], []))
    assert [each.name for each in model.tensors] == ["a", "c"]
    assert model.tensors[0].aliases == ("b",)
