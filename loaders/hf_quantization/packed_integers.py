"""Weights that compressed-tensors packs: codes of 1 to 8 bits in rows of words."""

from __future__ import annotations

import math
import struct

from tensorpeek.loaders.hf_quantization.gptq import index_of
from tensorpeek.loaders.hf_quantization.grid import Grid, grid_of
from tensorpeek.loaders.hf_quantization.grouped import Grouped, grouped
from tensorpeek.loaders.hf_quantization.hints import Hints
from tensorpeek.loaders.hf_quantization.matrix import Matrix, Packing
from tensorpeek.loaders.hf_quantization.nibble_floats import RAW, mxfp4, nvfp4
from tensorpeek.loaders.hf_quantization.parts import (
    Layer,
    MisfitError,
    StoredAs,
    UnknownSchemeError,
    Weight,
    flat_shape,
    matrix_of,
    need_float,
    need_type,
    reshaped,
    small_content,
)
from tensorpeek.loaders.hf_quantization.scales import StoredScales
from tensorpeek.loaders.hf_quantization.spacing import Spacing
from tensorpeek.loaders.tensor import Tensor

_WORD = 32
_UNKNOWN = frozenset({"marlin-24", "mxfp6-pack-quantized"})
"""Formats that share the names of the parts."""

_MAX_DIMENSIONS = 8
_MAX_SIZE = 1 << 40


def packed(layer: Layer, hints: Hints) -> Weight:
    """Put together ``weight_packed`` of compressed-tensors: integers, or 4-bit floats.

    Integers lie in int32 (out, words), each row a stream of codes from the lowest bits on, with
    half their range added (``pack_to_int32``); ``weight_shape`` is the shape they had. Zero points
    are packed likewise, down each column, or are int8. ``weight_g_idx`` is the group of each
    column. value = (code - zero point) * scale in the scale's type. Raises MisfitError.
    """
    if hints.form in _UNKNOWN:
        raise UnknownSchemeError(f"compressed-tensors {hints.form}")
    codes = layer.need("weight_packed")
    if codes.dtype in {"uint8", RAW}:
        if layer.by_name.get(layer.base + "weight_global_scale"):
            return nvfp4(layer, "weight_packed", "weight_global_scale", divided=True)
        return mxfp4(layer, "weight_packed")
    need_type(codes, "int32")
    scale = layer.need("weight_scale")
    need_float(scale)
    shape, bits = _shape_and_bits(layer, codes, hints)
    matrix = matrix_of(
        codes, math.prod(shape[:-1]), shape[-1], StoredAs(packing=Packing(bits, signed=True))
    )
    grid = grid_of(shape, scale.shape, hints)
    stored = reshaped(scale, grid.rows, grid.columns)
    point = layer.find("weight_zero_point")
    index = layer.find("weight_g_idx")
    made = Grouped(
        source="compressed-tensors",
        bits=bits,
        shape=shape,
        codes=matrix,
        raw=matrix.values,
        scale=scale,
        scales=StoredScales(stored),
        spacing=_spacing(grid, index, shape[-1]),
        zero_point=point,
        zero_points=_zero_points(point, grid, bits) if point is not None else None,
    )
    return grouped(layer, made)


def _shape_and_bits(layer: Layer, codes: Tensor, hints: Hints) -> tuple[tuple[int, ...], int]:
    """Return the shape of the weight and the width of a code. Raises MisfitError."""
    rows, words = flat_shape(codes)
    said = layer.find("weight_shape")
    if said is None:
        bits = hints.bits or 4
        if not 1 <= bits <= 8:
            raise MisfitError(f"it has {bits} bits")
        return (*codes.shape[:-1], words * _WORD // bits), bits
    shape = _read_shape(said)
    if math.prod(shape[:-1]) != rows:
        raise MisfitError(f"weight_shape says {list(shape)} of {rows:,} rows")
    fitting = [bits for bits in (4, 8, 2, 3, 5, 6, 7, 1) if -(-shape[-1] * bits // _WORD) == words]
    if not fitting:
        raise MisfitError(f"{words:,} words do not hold the {shape[-1]:,} codes of a row")
    return shape, hints.bits if hints.bits in fitting else fitting[0]


def _read_shape(part: Tensor) -> tuple[int, ...]:
    need_type(part, "int64", "int32")
    if not 2 <= part.params <= _MAX_DIMENSIONS:
        raise MisfitError("weight_shape is no shape")
    letter = "q" if part.dtype == "int64" else "i"
    shape = struct.unpack(f"<{part.params}{letter}", small_content(part))
    if min(shape) < 1 or max(shape) > _MAX_SIZE:
        raise MisfitError("weight_shape is no shape")
    return shape


def _zero_points(part: Tensor, grid: Grid, bits: int) -> Matrix:
    if part.dtype == "int8":
        return reshaped(part, grid.rows, grid.columns)
    need_type(part, "int32")
    form = StoredAs(packing=Packing(bits, along=0, signed=True))
    return matrix_of(part, grid.rows, grid.columns, form)


def _spacing(grid: Grid, index: Tensor | None, columns: int) -> Spacing:
    if index is None:
        return grid.spacing
    groups = index_of(index, columns)
    return Spacing(grid.spacing.rows, grid.spacing.columns, groups, index.source)
