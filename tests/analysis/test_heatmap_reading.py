"""Only what is drawn is read, and the cursor reads what torch and onnx read."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
import torch
from made_tensors import quantized, tensor_of
from numpy.typing import NDArray

from tensorpeek.analysis.heatmap import (
    Axes,
    CellAt,
    Look,
    Mode,
    Window,
    element_at,
    plane_of,
    pooled_picture,
    read_cell,
    sampled_picture,
    whole,
)
from tensorpeek.loaders import CHUNK, DTYPES, DType, LoadError, Tensor, View, open_model
from tensorpeek.loaders.element_ranges import has_direct_ranges, open_ranges
from tensorpeek.loaders.layout import Layout
from tensorpeek.loaders.storage import Read


class Counted:
    """Bytes that remember which of them were read."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.reads: list[tuple[int, int]] = []

    @property
    def nbytes(self) -> int:
        return len(self.content)

    @contextmanager
    def open(self) -> Iterator[Read]:
        def read(start: int, stop: int) -> bytes:
            self.reads.append((start, stop))
            return self.content[start:stop]

        yield read


def counted(values: NDArray[Any]) -> tuple[Tensor, Counted]:
    storage = Counted(values.tobytes())
    return dataclasses.replace(tensor_of(values), storage=storage), storage


@dataclasses.dataclass(frozen=True, eq=False)
class PlainCodec:
    """Values that come in order and in no other way."""

    values: NDArray[Any]

    def value_type(self, view: str) -> DType:
        return DTYPES[self.values.dtype.name]

    def chunks(self, view: str, size: int) -> Iterator[NDArray[Any]]:
        flat = self.values.reshape(-1)
        for start in range(0, flat.size, 7):
            yield flat[start : start + 7]


# Ranges


TYPES = [
    "float32",
    "bfloat16",
    "float8_e5m2",
    "float4_e2m1fn",
    "int4",
    "uint2",
    "int8",
    "complex64",
]


@pytest.mark.parametrize("dtype", TYPES)
def test_a_range_is_a_slice_of_the_whole(dtype: str) -> None:
    values = np.random.default_rng(0).integers(0, 2, 41)
    tensor = tensor_of(values, dtype)
    everything = tensor.read()
    with open_ranges(tensor) as read:
        for start, stop in ((0, 41), (0, 0), (1, 2), (5, 38), (40, 41)):
            part = read(start, stop)
            assert part.dtype == everything.dtype
            assert part.tobytes() == everything[start:stop].tobytes()
        with pytest.raises(ValueError, match="elements"):
            read(40, 42)
        with pytest.raises(ValueError, match="elements"):
            read(-1, 3)


@pytest.mark.parametrize("view", ["raw", "dequantized"])
@pytest.mark.parametrize(
    "scheme",
    [
        {"scale": 0.25, "zero_point": 3},
        {"scale": [0.5, 1.0, 2.0], "scheme": "per-channel", "axis": 0},
        {"scale": [0.5, 1.0, 2.0, 3.0], "scheme": "per-channel", "axis": 1},
        {"scale": [[1.0, 2.0]] * 3, "scheme": "blockwise", "axis": 1, "block": 2},
        {"scale": 0.25, "scale_dtype": "float64"},
        {"scale": 0.3, "scale_dtype": "bfloat16"},
    ],
    ids=["one scale", "rows", "columns", "blocks", "float64 scale", "bfloat16 scale"],
)
def test_a_range_of_codes_is_a_slice_of_the_whole(scheme: dict[str, Any], view: View) -> None:
    tensor = quantized(np.arange(-6, 6).reshape(3, 4), "int8", **scheme)
    everything = tensor.read(view).reshape(-1)
    with open_ranges(tensor, view) as read:
        for start in range(12):
            for stop in range(start, 13):
                part = read(start, stop)
                assert part.dtype == everything.dtype
                assert part.tobytes() == everything[start:stop].tobytes()


def test_what_does_not_lie_in_order_has_no_ranges() -> None:
    turned = tensor_of(np.zeros(6, np.float32), layout=Layout((2, 3), (1, 2)))
    assert not has_direct_ranges(turned)
    with pytest.raises(ValueError, match="no direct ranges"), open_ranges(turned):
        pass
    broken = dataclasses.replace(turned, error="is broken")
    with pytest.raises(LoadError, match="is broken"), open_ranges(broken):
        pass


@pytest.mark.parametrize("dtype", ["float8_e5m2", "float8_e4m3fn", "bfloat16", "int8", "bool"])
def test_elements_of_every_size_are_gathered_from_a_turned_layout(dtype: str) -> None:
    values = np.arange(6) % 2
    turned = tensor_of(values, dtype, layout=Layout((2, 3), (1, 2)))
    expected = tensor_of(values, dtype).read().reshape(3, 2).T
    assert turned.read().dtype == expected.dtype
    assert turned.read().tolist() == expected.tolist()


# What is read


def test_a_part_reads_its_rows_alone() -> None:
    values = np.random.default_rng(1).standard_normal((4000, 300)).astype(np.float32)
    tensor, storage = counted(values)
    plane = plane_of(values.shape)
    look = Look(plane, Window(1000, 1050, 20, 60), 50, 40)
    pooled = pooled_picture(tensor, "dequantized", look)
    np.testing.assert_array_equal(pooled.values("max"), values[1000:1050, 20:60])
    assert min(start for start, _ in storage.reads) >= 1000 * 1200
    assert max(stop for _, stop in storage.reads) <= 1050 * 1200


def test_few_columns_of_long_rows_are_read_by_themselves() -> None:
    values = np.random.default_rng(1).standard_normal((50, 100_000)).astype(np.float32)
    tensor, storage = counted(values)
    plane = plane_of(values.shape)
    pooled_picture(tensor, "dequantized", Look(plane, Window(10, 20, 7, 27), 10, 20))
    assert sum(stop - start for start, stop in storage.reads) == 10 * 20 * 4


def test_one_index_of_the_first_axis_reads_that_alone() -> None:
    values = np.random.default_rng(1).standard_normal((30, 20, 50)).astype(np.float32)
    tensor, storage = counted(values)
    plane = plane_of(values.shape, Axes((1,), (2,), (0,)), 17)
    pooled = pooled_picture(tensor, "dequantized", Look(plane, whole(plane), 20, 50))
    np.testing.assert_array_equal(pooled.values("max"), values[17])
    assert sum(stop - start for start, stop in storage.reads) == 1000 * 4


def test_no_read_is_larger_than_a_chunk() -> None:
    values = np.zeros((3, 1_000_003), np.float32)
    tensor, storage = counted(values)
    for axes in (None, Axes((1,), (0,))):
        plane = plane_of(values.shape, axes)
        pooled = pooled_picture(tensor, "dequantized", Look(plane, whole(plane), 3, 50))
        assert pooled.count.sum() == values.size
    assert max(stop - start for start, stop in storage.reads) <= CHUNK * 4


@pytest.mark.parametrize("axes", [None, Axes((2,), (0,), (1,)), Axes((1,), (2,), (0,))])
def test_values_that_only_pass_by_give_the_same_picture(axes: Axes | None) -> None:
    values = np.random.default_rng(2).standard_normal((5, 6, 7)).astype(np.float32)
    passing = dataclasses.replace(
        tensor_of(values), storage=None, layout=None, codec=PlainCodec(values), stored_nbytes=1
    )
    plane = plane_of(values.shape, axes, 0 if axes is None else 3)
    for window in (whole(plane), Window(1, 3, 2, 4)):
        look = Look(plane, window, 2, 3, with_sums=True)
        ours = pooled_picture(passing, "dequantized", look)
        direct = pooled_picture(tensor_of(values), "dequantized", look)
        np.testing.assert_array_equal(ours.high, direct.high)
        np.testing.assert_array_equal(ours.low, direct.low)
        np.testing.assert_array_equal(ours.count, direct.count)
    assert sampled_picture(passing, "dequantized", look) is None
    assert element_at(passing, "dequantized", 100) == values.reshape(-1)[100]


# The cursor


@pytest.mark.parametrize(
    ("mode", "where"),
    [("absmax", (3, 4)), ("mean", (3, 4)), ("max", (0, 5)), ("min", (3, 4))],
    ids=["absmax", "mean", "max", "min"],
)
def test_the_cursor_reads_the_element_that_its_cell_shows(
    mode: Mode, where: tuple[int, int]
) -> None:
    values = np.zeros((6, 8), np.float32)
    values[3, 4], values[0, 5], values[5, 0] = -9.0, 7.0, 3.0
    found = read_cell(
        tensor_of(values), "dequantized", CellAt(plane_of((6, 8)), Window(0, 6, 0, 8), mode)
    )
    assert found is not None
    assert found.index == where
    assert (found.row, found.column) == where
    assert found.value == values[where]
    assert found.raw is None


def test_the_cursor_goes_to_nan_first_and_to_infinity_then() -> None:
    values = np.arange(12, dtype=np.float32).reshape(3, 4)
    values[1, 1], values[2, 0] = -np.inf, np.nan
    at = CellAt(plane_of((3, 4)), Window(0, 3, 0, 4), "absmax")
    found = read_cell(tensor_of(values), "dequantized", at)
    assert found is not None
    assert found.index == (2, 0)
    assert isinstance(found.value, float)
    assert math.isnan(found.value)
    values[2, 0] = 0
    found = read_cell(tensor_of(values), "dequantized", at)
    assert found is not None
    assert found.index == (1, 1)
    assert found.value == -np.inf


def test_the_cursor_is_exact_for_every_type() -> None:
    large = np.array([[2**63 - 1, -(2**63)], [2**53 + 1, 0]], np.int64)
    plane = plane_of((2, 2))
    tensor = tensor_of(large)
    one = CellAt(plane, Window(1, 2, 0, 1), "absmax")
    found = read_cell(tensor, "dequantized", one)
    assert found is not None
    assert found.value == 2**53 + 1
    small = tensor_of(np.array([0.1, -0.3]).astype(ml_dtypes.bfloat16))
    assert element_at(small, "dequantized", 1) == float(ml_dtypes.bfloat16(-0.3))
    assert element_at(tensor_of(np.array([3 - 4j], np.complex64)), "dequantized", 0) == 3 - 4j


def test_an_empty_cell_has_no_element() -> None:
    plane = plane_of((5,))
    at = CellAt(plane, Window(plane.rows - 1, plane.rows, plane.columns - 1, plane.columns), "max")
    assert read_cell(tensor_of(np.ones(5, np.float32)), "dequantized", at) is None


@pytest.mark.filterwarnings("ignore")  # TorchScript and quantized tensors are deprecated
def test_the_cursor_reads_what_torch_unpacks(samples: Path) -> None:
    path = samples / "resnet8_int8.pt"
    weight, _ = torch.ops.quantized.conv2d_unpack(torch.jit.load(path).conv2d_4._packed_params)
    tensor = next(each for each in open_model(path).tensors if each.name == "conv2d_4.weight")
    plane = plane_of(tensor.shape)
    for row, column in ((0, 0), (5, 17), (31, 143)):
        at = CellAt(plane, Window(row, row + 1, column, column + 1), "absmax")
        found = read_cell(tensor, "dequantized", at)
        assert found is not None
        assert found.value == weight.dequantize()[found.index].item()
        assert found.raw == weight.int_repr()[found.index].item()
    everywhere = CellAt(plane, whole(plane), "absmax")
    found = read_cell(tensor, "dequantized", everywhere)
    assert found is not None
    assert abs(found.value) == weight.dequantize().abs().max().item()
