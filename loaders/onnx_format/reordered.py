"""Weights of MatMulNBits whose columns each name their group: the codec that reads them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tensorpeek.loaders.hf_quantization.grouped import MAX_INDEX
from tensorpeek.loaders.hf_quantization.matrix import Matrix, Packing
from tensorpeek.loaders.hf_quantization.scales import StoredScales
from tensorpeek.loaders.hf_quantization.spacing import Spacing
from tensorpeek.loaders.hf_quantization.weight_codec import WeightCodec
from tensorpeek.loaders.onnx_format.values import Stored
from tensorpeek.loaders.storage import Inline, Storage
from tensorpeek.loaders.tensor import Tensor

_FLOATS = frozenset({"float16", "bfloat16", "float32"})


@dataclass(frozen=True, slots=True)
class PackedGrid:
    """``rows`` by ``columns`` codes of ``bits`` bits in blocks of ``block`` along the columns."""

    rows: int
    columns: int
    bits: int
    block: int

    @property
    def shape(self) -> tuple[int, int]:
        """Its shape."""
        return self.rows, self.columns

    @property
    def blocks(self) -> int:
        """Number of blocks, and of scales, in a row."""
        return -(-self.columns // self.block)


def reordered(
    grid: PackedGrid, weight: Stored, scale: Tensor, points: Stored | None, order: Stored
) -> WeightCodec | str:
    """Return what reads a weight with a ``g_idx``, or in one clause why nothing can.

    ``order`` is int32 (K), the group of each column, or that with the padding of the last block;
    value[n, k] = (code[n, k] - zero point[n, g_idx[k]]) * scale[n, g_idx[k]], in float32, then
    rounded to the scale's type (onnxruntime, ``Dequantize4BitsKernelReOrder``). Weight, scales and
    zero points have the sizes that the operator states. A group that does not exist is an error of
    the values.
    """
    rows, blocks, block = grid.rows, grid.blocks, grid.block
    if order.dtype != "int32" or order.count not in {grid.columns, blocks * block}:
        return f"its g_idx of type {order.dtype} has {order.count:,} groups of columns"
    if grid.columns > MAX_INDEX or scale.dtype not in _FLOATS:
        return f"has a g_idx for {grid.columns:,} columns and scales of type {scale.dtype}"
    if points is not None and points.dtype not in {"uint8", *_FLOATS}:
        return f"has a g_idx, and zero points of type {points.dtype}"
    if order.storage is None or weight.storage is None or scale.storage is None:
        return "it, its scale or its g_idx cannot be read"
    index = Matrix(order.storage, 0, (1, order.count), order.dtype, 1, grid.columns)
    scales = Matrix(scale.storage, 0, (rows, blocks), scale.dtype, rows, blocks)
    return WeightCodec(
        _packed(weight.storage, rows, grid.columns, blocks * block * grid.bits // 8, grid.bits),
        f"uint{grid.bits}",
        scale.dtype,
        StoredScales(scales),
        Spacing(1, block, index, scale.source, is_complete=True),
        None if points is None else _zero_points(points, grid),
        _from_middle(grid.bits) if points is None else None,
    )


def _packed(storage: Storage, rows: int, columns: int, row_bytes: int, bits: int) -> Matrix:
    return Matrix(storage, 0, (rows, row_bytes), "uint8", rows, columns, Packing(bits))


def _zero_points(points: Stored, grid: PackedGrid) -> Matrix | None:
    if points.storage is None:
        return None
    rows, blocks = grid.rows, grid.blocks
    if points.element.kind == "float":
        return Matrix(points.storage, 0, (rows, blocks), points.dtype, rows, blocks)
    return _packed(points.storage, rows, blocks, -(-blocks * grid.bits // 8), grid.bits)


def _from_middle(bits: int) -> Matrix:
    """Return what codes stand for without zero points: their distance from half the range."""
    levels = np.arange(1 << bits, dtype="<f4") - np.float32(1 << bits - 1)
    return Matrix(Inline(levels.tobytes()), 0, (1, 1 << bits), "float32", 1, 1 << bits)
