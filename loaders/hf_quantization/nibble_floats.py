"""Weights of 4-bit floats (E2M1), two in a byte, the lower bits first: NVFP4 and MXFP4."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tensorpeek.loaders.hf_quantization.grouped import Grouped, grouped
from tensorpeek.loaders.hf_quantization.matrix import Matrix, Packing
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
from tensorpeek.loaders.hf_quantization.scales import Scales, StoredScales, TwoLevelScales
from tensorpeek.loaders.hf_quantization.spacing import Spacing
from tensorpeek.loaders.tensor import Tensor

_PACKING = Packing(4)
RAW = "float4_e2m1fn"
"""The type of the codes; in safetensors also that of a part (F4), whose shape counts codes."""


@dataclass(frozen=True, slots=True)
class _Kind:
    source: str
    block: int
    result: str


_NVFP4 = _Kind("NVFP4", 16, "float32")
_MXFP4 = _Kind("MXFP4", 32, "bfloat16")
_EXPONENTS = ("uint8", "float8_e8m0fnu")


def nvfp4(layer: Layer, codes: str, whole: str, *, divided: bool) -> Weight:
    """Put together NVFP4: scales (float8_e4m3fn) of 16 codes within that of the whole tensor.

    value = code * (scale * ``weight_scale_2``) in float32 (NVIDIA ModelOpt), or with ``divided``
    code * (scale / ``weight_global_scale``) (compressed-tensors, which then rounds to bfloat16).
    Raises MisfitError.
    """
    packed, scale, tensor_scale = layer.need(codes), layer.need("weight_scale"), layer.need(whole)
    need_type(packed, "uint8", RAW)
    need_type(scale, "float8_e4m3fn")
    need_type(tensor_scale, "float32")
    shape = shape_of(packed)
    stored = _group_scales(scale, shape, _NVFP4.block)
    if not tensor_scale.params or stored.rows % tensor_scale.params:
        raise MisfitError(f"{whole} has {tensor_scale.params:,} scales")
    count = tensor_scale.params
    whole_scale = StoredScales(reshaped(tensor_scale, count, 1))
    scales = TwoLevelScales(StoredScales(stored), whole_scale, divided)
    return grouped(layer, _made(_NVFP4, packed, shape, scale, scales))


def one_level(layer: Layer, codes: str) -> Weight:
    """Put together floats of 4 bits and the scales of their blocks alone: MXFP4 by their type.

    Scales of type float8_e4m3fn are those of NVFP4 without one of the whole: value = code * scale
    in float32. Raises MisfitError.
    """
    packed, scale = layer.need(codes), layer.need("weight_scale")
    if scale.dtype != "float8_e4m3fn":
        return mxfp4(layer, codes)
    shape = shape_of(packed)
    stored = _group_scales(scale, shape, _NVFP4.block)
    return grouped(layer, _made(_NVFP4, packed, shape, scale, StoredScales(stored)))


def mxfp4(layer: Layer, codes: str) -> Weight:
    """Put together MXFP4: the part ``codes`` with the exponents ``weight_scale``.

    value = code * 2 ** (exponent - 127), exact in bfloat16 (OCP Microscaling Formats 1.0); the
    exponent 255 is NaN. Raises MisfitError.
    """
    packed, scale = layer.need(codes), layer.need("weight_scale")
    need_type(packed, "uint8", RAW)
    need_type(scale, *_EXPONENTS)
    shape = shape_of(packed)
    stored = _group_scales(scale, shape, _MXFP4.block)
    return grouped(layer, _made(_MXFP4, packed, shape, scale, StoredScales(stored)))


def mxfp4_blocks(layer: Layer, label: str) -> Weight | None:
    """Put together the experts of gpt-oss: ``label``_blocks (..., out, groups, 16) and _scales.

    The result has the shape (..., out, in): as stored, not turned as the model turns it. None if
    there are no scales. Values are as :func:`mxfp4` says. Raises MisfitError.
    """
    packed, scale = layer.need(f"{label}_blocks"), layer.find(f"{label}_scales")
    if scale is None:
        return None
    need_type(packed, "uint8", RAW)
    need_type(scale, *_EXPONENTS)
    if len(packed.shape) < 3 or packed.shape[:-1] != scale.shape or shape_of(packed)[-1] != 32:
        raise MisfitError(f"blocks of shape {list(packed.shape)} with scales {list(scale.shape)}")
    shape = (*packed.shape[:-2], packed.shape[-2] * _MXFP4.block)
    rows, groups = math.prod(scale.shape[:-1]), scale.shape[-1]
    scales = StoredScales(matrix_of(scale, rows, groups))
    return grouped(layer, _made(_MXFP4, packed, shape, scale, scales), label=label)


def shape_of(packed: Tensor) -> tuple[int, ...]:
    """Return the shape of codes, two in a byte along the last axis. Raises MisfitError."""
    need_type(packed, "uint8", RAW)
    if len(packed.shape) < 2:
        raise MisfitError(f"{packed.label} is no matrix")
    return (*packed.shape[:-1], packed.shape[-1] * (1 if packed.dtype == RAW else 2))


def nibbles(packed: Tensor, columns: int) -> Matrix:
    """Return the codes of a part, two in a byte, in rows of ``columns``. Raises MisfitError."""
    rows, rest = divmod(math.prod(shape_of(packed)), max(columns, 1))
    if columns % 2 or rest:
        raise MisfitError(f"{packed.label} has rows of half bytes")
    storage, offset = place_of(packed, two_per_byte=packed.dtype == RAW)
    return Matrix(storage, offset, (rows, columns // 2), "uint8", rows, columns, _PACKING)


def _group_scales(scale: Tensor, shape: tuple[int, ...], block: int) -> Matrix:
    """Return the scales of every ``block`` codes of a row. Raises MisfitError."""
    if scale.shape != (*shape[:-1], -(-shape[-1] // block)):
        raise MisfitError(
            f"scales of shape {list(scale.shape)} do not fit a weight of {list(shape)}"
        )
    return matrix_of(scale, *flat_shape(scale))


def _made(
    kind: _Kind, packed: Tensor, shape: tuple[int, ...], scale: Tensor, scales: Scales
) -> Grouped:
    return Grouped(
        source=kind.source,
        bits=4,
        shape=shape,
        codes=nibbles(packed, shape[-1]),
        raw=RAW,
        scale=scale,
        scales=scales,
        spacing=Spacing(1, kind.block),
        result=kind.result,
    )
