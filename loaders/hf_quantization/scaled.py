"""Weights of one byte with their scales: 8-bit floats, 8-bit integers."""

from __future__ import annotations

from dataclasses import dataclass

from tensorpeek.loaders.hf_quantization.grid import Grid, grid_of
from tensorpeek.loaders.hf_quantization.grouped import Grouped, grouped
from tensorpeek.loaders.hf_quantization.hints import Hints
from tensorpeek.loaders.hf_quantization.nibble_floats import RAW, nvfp4, one_level
from tensorpeek.loaders.hf_quantization.parts import (
    Layer,
    MisfitError,
    Weight,
    flat_shape,
    matrix_of,
    need_type,
    place_of,
    reshaped,
)
from tensorpeek.loaders.hf_quantization.scales import StoredScales
from tensorpeek.loaders.quantization import Quantization
from tensorpeek.loaders.tensor import Tensor

FLOATS_OF_8_BITS = frozenset({"float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz"})
_PLAIN_SCALES = frozenset({"float16", "bfloat16", "float32", "float64"})
_SCALES = (*sorted(_PLAIN_SCALES), "uint8", "float8_e8m0fnu")


def with_scale(layer: Layer, hints: Hints, label: str) -> Weight | None:
    """Put together ``weight`` and its scales ``label``; None if the weight is not quantized.

    value = (code - zero point) * scale, rounded to the scale's type (float32 for others than
    float16 and bfloat16): compressed-tensors' ``dequantize``, DeepSeek's ``weight_dequant``.
    Scales of one byte are exponents (MXFP8). Raises MisfitError.
    """
    weight, scale = layer.need("weight"), layer.need(label)
    if weight.dtype in {"uint8", RAW} and layer.by_name.get(layer.base + "weight_scale_2"):
        return nvfp4(layer, "weight", "weight_scale_2", divided=False)
    if weight.dtype == RAW:
        return one_level(layer, "weight")
    if weight.dtype not in FLOATS_OF_8_BITS and weight.dtype != "int8":
        return None
    need_type(scale, *_SCALES)
    grid = grid_of(weight.shape, scale.shape, hints)
    point = layer.find("weight_zero_point") if weight.dtype == "int8" else None
    if point is not None:
        need_type(point, "int8")
        if point.shape != scale.shape:
            raise MisfitError("it has not as many zero points as scales")
    source = "FP8" if weight.dtype in FLOATS_OF_8_BITS else "compressed-tensors"
    scaled = _Scaled(weight, scale, point, source)
    one = grid.rows == grid.columns == 1
    channels = grid.columns == 1 and grid.rows == weight.shape[0] and weight.dtype == "int8"
    if scale.dtype in _PLAIN_SCALES and (one or channels):
        return _plain(layer, scaled)
    return _grouped(layer, scaled, grid)


@dataclass(frozen=True, eq=False, slots=True)
class _Scaled:
    weight: Tensor
    scale: Tensor
    point: Tensor | None
    source: str


def _plain(layer: Layer, scaled: _Scaled) -> Weight:
    """Return a weight that needs no codec: its scales lie in its parts as they are."""
    weight, scale, point = scaled.weight, scaled.scale, scaled.point
    for part in (weight, scale, *((point,) if point is not None else ())):
        place_of(part)
    one = scale.params == 1
    quantization = Quantization(
        scheme="per-tensor" if one else "per-channel",
        source=scaled.source,
        bits=8,
        scale=scale,
        zero_point=point,
        axis=None if one else 0,
    )
    parts = tuple(layer.used)
    return Weight(weight.name, weight.shape, weight.dtype, parts, quantization, plain=weight)


def _grouped(layer: Layer, scaled: _Scaled, grid: Grid) -> Weight:
    weight, point = scaled.weight, scaled.point
    stored = reshaped(scaled.scale, grid.rows, grid.columns)
    made = Grouped(
        source=scaled.source,
        bits=8,
        shape=weight.shape,
        codes=matrix_of(weight, *flat_shape(weight)),
        raw=weight.dtype,
        scale=scaled.scale,
        scales=StoredScales(stored),
        spacing=grid.spacing,
        zero_point=point,
        zero_points=reshaped(point, grid.rows, grid.columns) if point is not None else None,
    )
    return grouped(layer, made)
