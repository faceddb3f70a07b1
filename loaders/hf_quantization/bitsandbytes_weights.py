"""Weights of bitsandbytes: 8-bit integers by row, 4-bit levels (NF4, FP4) in blocks."""

from __future__ import annotations

import math
from collections.abc import Mapping

from tensorpeek.loaders.hf_quantization.grouped import Grouped, grouped
from tensorpeek.loaders.hf_quantization.json_text import parse_mapping
from tensorpeek.loaders.hf_quantization.matrix import Packing
from tensorpeek.loaders.hf_quantization.parts import (
    Layer,
    MisfitError,
    Weight,
    bytes_matrix,
    matrix_of,
    need_type,
    reshaped,
    small_content,
)
from tensorpeek.loaders.hf_quantization.scales import NestedScales, Scales, StoredScales
from tensorpeek.loaders.hf_quantization.spacing import Spacing

_BY_ROW = 7.874015718698502e-3
_MAX_SIZE = 1 << 40
_MAX_DIMENSIONS = 8
_TYPES = ("float16", "bfloat16", "float32")


def int8_rows(layer: Layer) -> Weight:
    """Put together LLM.int8(): ``weight`` (out, in) and ``SCB``, the largest size of each row.

    value = code * SCB * 0.007874015718698502 in float32, in that order (bitsandbytes,
    ``int8_vectorwise_dequant``; the constant is 1 / 127). Raises MisfitError, also for the layouts
    of old GPUs that ``weight_format`` names.
    """
    weight, row_scales = layer.need("weight"), layer.need("SCB")
    need_type(weight, "int8")
    need_type(row_scales, "float32")
    if len(weight.shape) != 2 or row_scales.params != weight.shape[0]:
        raise MisfitError(
            f"{row_scales.params:,} scales do not fit a weight of {list(weight.shape)}"
        )
    form = layer.find("weight_format")
    if form is not None and any(small_content(form)):
        raise MisfitError("its weight_format is not that of plain rows")
    rows, columns = weight.shape
    stored = reshaped(row_scales, rows, 1)
    made = Grouped(
        source="bitsandbytes int8",
        bits=8,
        shape=weight.shape,
        codes=matrix_of(weight, rows, columns),
        raw="int8",
        scale=row_scales,
        scales=StoredScales(stored),
        spacing=Spacing(1, columns),
        factor=_BY_ROW,
    )
    return grouped(layer, made)


def four_bits(layer: Layer, label: str, kind: str) -> Weight:
    """Put together NF4 or FP4 (``kind``): ``label`` and the parts whose names begin with it.

    Two codes lie in a byte, the upper bits first; ``quant_map`` has the 16 levels, ``absmax`` the
    scale of each block of elements in row-major order, quantized itself or not; the shape is in
    the JSON of ``quant_state``. value = level * scale, the product in float32, then rounded to the
    type that the JSON names (bitsandbytes, ``dequantize_4bit``). Raises MisfitError.
    """
    weight, levels = layer.need(label), layer.need(f"{label}.quant_map")
    state = parse_mapping(small_content(layer.need(f"{label}.quant_state.bitsandbytes__{kind}")))
    if state is None:
        raise MisfitError("its quant_state is not JSON")
    shape, block = _shape(state), _positive(state, "blocksize")
    count = math.prod(shape)
    result = state.get("dtype")
    if result not in _TYPES or not isinstance(result, str):
        raise MisfitError("its quant_state names no type of float")
    need_type(levels, "float32")
    absmax = layer.need(f"{label}.absmax")
    scales = _scales(layer, label, state, -(-count // block))
    made = Grouped(
        source=f"bitsandbytes {kind.upper()}",
        bits=4,
        shape=shape,
        codes=bytes_matrix(weight, count, Packing(4, order="high first")),
        raw="uint4",
        scale=absmax,
        scales=scales,
        spacing=Spacing(1, block),
        levels=reshaped(levels, 1, 16),
        result=result,
    )
    return grouped(layer, made, label=label)


def _scales(layer: Layer, label: str, state: Mapping[str, object], count: int) -> Scales:
    """Return the scales of ``count`` blocks."""
    absmax = layer.need(f"{label}.absmax")
    nested = layer.find(f"{label}.nested_absmax")
    stored = reshaped(absmax, 1, count)
    if nested is None:
        need_type(absmax, "float32")
        return StoredScales(stored)
    levels, offset = layer.need(f"{label}.nested_quant_map"), state.get("nested_offset")
    block = _positive(state, "nested_blocksize")
    need_type(absmax, "uint8")
    need_type(nested, "float32")
    need_type(levels, "float32")
    if not isinstance(offset, int | float) or not 1 <= levels.params <= 256:
        raise MisfitError("its nested scales have no offset or no levels")
    return NestedScales(
        stored,
        reshaped(levels, 1, levels.params),
        reshaped(nested, 1, -(-count // block)),
        block,
        _as_float(offset),
        absmax.source,
    )


def _as_float(number: float) -> float:
    try:
        return float(number)
    except OverflowError as error:  # an integer of hundreds of digits
        raise MisfitError("its nested offset is not finite") from error


def _positive(state: Mapping[str, object], key: str) -> int:
    value = state.get(key)
    if type(value) is not int or not 1 <= value <= _MAX_SIZE:
        raise MisfitError(f"its quant_state has no {key}")
    return value


def _shape(state: Mapping[str, object]) -> tuple[int, ...]:
    sizes = state.get("shape")
    if not isinstance(sizes, list) or not 1 <= len(sizes) <= _MAX_DIMENSIONS:
        raise MisfitError("its quant_state has no shape")
    if any(type(size) is not int or not 1 <= size <= _MAX_SIZE for size in sizes):
        raise MisfitError("its quant_state has no shape")
    return tuple(sizes)
