"""Weights of onnxruntime's QMoE and GatherBlockQuantized: codes packed along the last axis."""

from __future__ import annotations

import math
from typing import NamedTuple

from tensorpeek.loaders.onnx_format.affine import Grid, affine, part
from tensorpeek.loaders.onnx_format.graph import NodeRecord
from tensorpeek.loaders.onnx_format.nbits import PACKED_TYPES, Coded, packed_rows
from tensorpeek.loaders.onnx_format.values import Stored
from tensorpeek.loaders.storage import Inline
from tensorpeek.loaders.tensor import Tensor


class Inputs(NamedTuple):
    """Inputs of an operator that are a packed weight, its scales and its zero points.

    ``bits`` is the attribute that overrides the number of bits of this weight alone, if any does.
    """

    weight: int
    scale: int
    zero_point: int
    bits: str = ""


PACKED = {
    "GatherBlockQuantized": (Inputs(0, 2, 3),),
    "QMoE": (
        Inputs(2, 3, 11, "fc1_expert_weight_bits"),
        Inputs(5, 6, 12, "fc2_expert_weight_bits"),
        Inputs(8, 9, 13, "fc3_expert_weight_bits"),
    ),
}
"""Operators with such weights."""


def packed_weight(
    node: NodeRecord, inputs: Inputs, weight: Stored, scale: Tensor, points: Stored | None
) -> Coded | str:
    """Return the codes of a weight and their quantization, or in one clause why there is none.

    After the documentation of onnxruntime's contributed operators: uint8 holds codes of ``bits``
    bits along the last axis, low bits first, and zero points likewise, rows padded to whole bytes;
    value = (code - zero point) * scale, where a zero point that is left out is half the range.
    """
    if node.op_type == "QMoE":
        return _experts(node, inputs, weight, scale, points)
    axis, block = node.integer("quantize_axis", 1), node.integer("block_size", 128)
    if weight.dtype != "uint8":
        return _unpacked(weight, scale, points, Grid(axis, block, "ONNX GatherBlockQuantized"))
    bits = node.integer("bits", 4)
    return _packed(weight, scale, points, bits, Grid(axis, block, "ONNX GatherBlockQuantized"))


def _experts(
    node: NodeRecord, inputs: Inputs, weight: Stored, scale: Tensor, points: Stored | None
) -> Coded | str:
    kind = node.text("quant_type", "int")
    if kind != "int":
        return f"is quantized as {kind}"
    if node.integer("weights_prepacked", -1) == 1:
        return "is arranged for one kind of device"
    bits = node.integer(inputs.bits, node.integer("expert_weight_bits", 4))
    block = node.integer("block_size", 0)
    if block > 0:
        return _packed(weight, scale, points, bits, Grid(-1, block, "ONNX QMoE"))
    whole = max(1, weight.shape[-1] * 8 // bits if weight.shape and bits in PACKED_TYPES else 1)
    column = part(
        scale.name,
        Stored(scale.dtype, (*scale.shape, 1), scale.storage, scale.error),
        scale.source,
    )
    if points is not None:  # those of one expert are packed along its rows
        points = _spread(points, scale.shape, bits)
    return _packed(weight, column, points, bits, Grid(-1, whole, "ONNX QMoE"))


def _spread(points: Stored, shape: tuple[int, ...], bits: int) -> Stored:
    """Return zero points for each of ``shape`` as codes without padding, or with an error."""
    dtype = PACKED_TYPES.get(bits, "uint8")
    rows, codes = math.prod(shape[:-1]), shape[-1] if shape else 1
    row_bytes = -(-codes * bits // 8)
    if points.storage is None or points.dtype != "uint8" or points.count != rows * row_bytes:
        return Stored(dtype, shape, error="its zero points do not have the size its scales need")
    packed = packed_rows(points.storage, rows, row_bytes, codes, bits)
    if isinstance(packed, str):
        return Stored(dtype, shape, error=packed)
    return Stored(dtype, shape, packed)


def _packed(
    weight: Stored, scale: Tensor, points: Stored | None, bits: int, grid: Grid
) -> Coded | str:
    dtype = PACKED_TYPES.get(bits)
    if dtype is None or weight.dtype != "uint8" or not weight.shape:
        return f"is of type {weight.dtype} for codes of {bits} bits"
    shape = (*weight.shape[:-1], weight.shape[-1] * 8 // bits)
    stored = Stored(dtype, shape, weight.storage, weight.error)
    if points is None:
        points = Stored("uint8", (), Inline(bytes([1 << bits - 1])))
    elif points.dtype == "uint8" and not (bits == 8 or points.error):
        points = _spread(points, scale.shape, bits)
    if points.error is not None:
        return points.error
    return _blocks(stored, scale, points, grid)


def _unpacked(weight: Stored, scale: Tensor, points: Stored | None, grid: Grid) -> Coded | str:
    if weight.element.bits > 8:
        return f"is of type {weight.dtype}"
    if grid.block == 0 and -len(weight.shape) <= grid.axis < len(weight.shape):
        grid = grid._replace(block=max(1, weight.shape[grid.axis]))
    return _blocks(weight, scale, points, grid)


def _blocks(stored: Stored, scale: Tensor, points: Stored | None, grid: Grid) -> Coded | str:
    if grid.block < 1:
        return f"has blocks of {grid.block}"
    zero_point = None if points is None else part("zero point", points, scale.source)
    coded = affine(stored, scale, zero_point, grid)
    return coded if isinstance(coded, str) else Coded(stored, coded)
