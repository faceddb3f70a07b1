"""Weights of torchao's tensor subclasses, whose parts the metadata of a safetensors file name."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from tensorpeek.loaders.clean import clean
from tensorpeek.loaders.hf_quantization.grid import Grid
from tensorpeek.loaders.hf_quantization.grouped import Grouped, grouped
from tensorpeek.loaders.hf_quantization.json_text import parse_mapping
from tensorpeek.loaders.hf_quantization.matrix import Packing
from tensorpeek.loaders.hf_quantization.nibble_floats import RAW, nibbles, shape_of
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
from tensorpeek.loaders.hf_quantization.scaled import FLOATS_OF_8_BITS
from tensorpeek.loaders.hf_quantization.scales import (
    TILE_COLUMNS,
    TILE_ROWS,
    Scales,
    StoredScales,
    SwizzledScales,
    TwoLevelScales,
)
from tensorpeek.loaders.hf_quantization.spacing import Spacing
from tensorpeek.loaders.tensor import Tensor

TORCHAO = "torchao"
"""What a configuration calls the method."""

PARTS = ("qdata", "scale", "zero_point", "scale_and_zero")
"""The parts of weights, the main one first."""

_RESULTS = frozenset({"float32", "bfloat16", "float16"})
_MAX_DIMENSIONS = 8
_BESIDE = ("act_pre_scale", "act_quant_scale", "act_quant_zero_point", "act_per_tensor_scale")
"""Parts that change activations: shown, not used."""


@dataclass(frozen=True, slots=True)
class Described:
    """What the metadata say of one tensor: its class, and the attributes of the instance."""

    name: str
    kind: str
    attributes: Mapping[str, object]


def described(texts: Mapping[str, str]) -> Iterator[Described]:
    """Yield the tensor subclasses among descriptions, which are JSON and may hold anything.

    They are those of torchao's ``flatten_tensor_state_dict``: ``_type`` and ``_data``.
    """
    for name, text in texts.items():
        one = _described(name, text.encode("utf-8", "replace"))
        if one is not None:
            yield one


def _described(name: str, content: bytes) -> Described | None:
    fields = parse_mapping(content) or {}
    kind, attributes = fields.get("_type"), fields.get("_data")
    if isinstance(kind, str) and isinstance(attributes, dict):
        return Described(clean(name), clean(kind, 120), attributes)
    return None


def described_within(layer: Layer) -> Weight | None:
    """Put together the parts of a tensor that a pickle holds, with the description as one of them.

    None if the part is something else. Raises MisfitError and LoadError.
    """
    part = layer.need(TORCHAO)
    if part.dtype != "uint8" or len(part.shape) != 1:
        return None
    one = _described(layer.base.removesuffix("."), small_content(part))
    return torchao(layer, one) if one is not None else None


def bases_of(name: str) -> tuple[str, str]:
    """Return with what the names of the parts of a weight begin, in this torchao and before 0.15.

    The weight ``0.weight`` has the parts ``0._weight_qdata``, or ``0.weight:qdata``.
    """
    layer, dot, label = name.rpartition(".")
    return f"{layer}{dot}_{label}_", f"{name}:"


def torchao(layer: Layer, one: Described) -> Weight:
    """Put together the parts of one tensor. Raises MisfitError.

    Int8Tensor and IntxUnpackedToInt8Tensor: (code - zero point) * scale, the difference rounded to
    the type of the result (``dequantize_affine``). Float8Tensor: code * scale in float32
    (``_dequantize_affine_float8``). Int4Tensor: code * scale + zero point, both of which lie
    (groups, out) (``int4_row_quantize_zp``, by which it is made). MXTensor and NVFP4Tensor: code *
    scale in float32, whose scales may be swizzled. Results are rounded to the original type.
    """
    join = _KINDS.get(one.kind)
    if join is None:
        raise UnknownSchemeError(f"torchao {one.kind}")
    for label in _BESIDE:
        layer.find(label)
    return replace(join(layer, one), name=one.name)


def _integers(layer: Layer, one: Described) -> Weight:
    codes, scale, point = layer.need("qdata"), layer.need("scale"), layer.find("zero_point")
    need_type(codes, "int8")
    need_float(scale)
    grid, result = _grid(codes.shape, one), _result(one, "dtype")
    if point is not None:
        need_type(point, "int8", result)
    made = Grouped(
        source=f"torchao {one.kind}",
        bits=_bits(one),
        shape=codes.shape,
        codes=matrix_of(codes, *flat_shape(codes)),
        raw="int8",
        scale=scale,
        scales=StoredScales(reshaped(scale, grid.rows, grid.columns)),
        spacing=grid.spacing,
        result=result,
        zero_point=point,
        zero_points=reshaped(point, grid.rows, grid.columns) if point is not None else None,
        rounds_difference=point is not None,
    )
    return grouped(layer, made)


def _floats(layer: Layer, one: Described) -> Weight:
    codes, scale = layer.need("qdata"), layer.need("scale")
    need_type(codes, *FLOATS_OF_8_BITS)
    need_type(scale, "float32")
    grid = _grid(codes.shape, one)
    made = Grouped(
        source=f"torchao {one.kind}",
        bits=8,
        shape=codes.shape,
        codes=matrix_of(codes, *flat_shape(codes)),
        raw=codes.dtype,
        scale=scale,
        scales=StoredScales(reshaped(scale, grid.rows, grid.columns)),
        spacing=grid.spacing,
        result=_result(one, "dtype"),
    )
    return grouped(layer, made)


def _nibbles(layer: Layer, one: Described) -> Weight:
    codes, scale, offset = (layer.need(label) for label in ("qdata", "scale", "zero_point"))
    need_type(codes, "int8", "uint8")
    need_float(scale)
    need_type(offset, scale.dtype)
    shape = _numbers(one.attributes.get("shape"))
    if len(shape) != 2 or shape[1] % 2 or 0 in shape:
        raise MisfitError(f"a weight of the shape {list(shape)}")
    grid = _grid(shape, one)
    if grid.rows != shape[0]:
        raise MisfitError("its groups are not within rows")
    packing = Packing(4, signed=True, complement=True)
    turned = StoredAs(turned=True)
    made = Grouped(
        source=f"torchao {one.kind}",
        bits=4,
        shape=shape,
        codes=matrix_of(codes, *shape, StoredAs(packing=packing)),
        raw="int4",
        scale=scale,
        scales=StoredScales(matrix_of(scale, grid.rows, grid.columns, turned)),
        spacing=grid.spacing,
        result=scale.dtype,
        zero_point=offset,
        zero_points=matrix_of(offset, grid.rows, grid.columns, turned),
        arithmetic="sum",
    )
    return grouped(layer, made)


def _mx(layer: Layer, one: Described) -> Weight:
    scale = layer.need("scale")
    need_type(scale, "float8_e8m0fnu")
    if _result(one, "orig_dtype") == "float16":  # in which most powers of two overflow
        raise UnknownSchemeError(f"torchao {one.kind} of float16")
    return _blocks(layer, one, _block_scales(layer, one))


def _nvfp4(layer: Layer, one: Described) -> Weight:
    need_type(layer.need("scale"), "float8_e4m3fn")
    within = _block_scales(layer, one)
    whole = layer.find("per_tensor_scale")
    if whole is None:
        return _blocks(layer, one, within)
    need_type(whole, "float32")
    if not whole.params or within.rows % whole.params:
        raise MisfitError(f"it has {whole.params:,} scales of the whole")
    outer = StoredScales(reshaped(whole, whole.params, 1))
    return _blocks(layer, one, TwoLevelScales(within, outer, divided=False))


def _block_scales(layer: Layer, one: Described) -> StoredScales | SwizzledScales:
    """Return the scales of the blocks of each row; swizzled ones are padded to whole tiles."""
    shape, block = _shape(layer.need("qdata")), one.attributes.get("block_size")
    if type(block) is not int or block < 1 or shape[-1] % block:
        raise MisfitError("its blocks do not fill a row")
    rows, columns, scale = math.prod(shape[:-1]), shape[-1] // block, layer.need("scale")
    if not one.attributes.get("is_swizzled_scales"):
        return StoredScales(matrix_of(scale, rows, columns))
    high, wide = -(-rows // TILE_ROWS), -(-columns // TILE_COLUMNS)
    tiles = reshaped(scale, high, wide * TILE_ROWS * TILE_COLUMNS)
    return SwizzledScales(tiles, rows, columns)


def _blocks(layer: Layer, one: Described, scales: Scales) -> Weight:
    codes = layer.need("qdata")
    is_small = codes.dtype not in FLOATS_OF_8_BITS
    if is_small and one.kind == "MXTensor" and _dtype(one, "elem_dtype") != "float4_e2m1fn_x2":
        raise UnknownSchemeError(f"torchao {one.kind} of 6 bits")
    shape = _shape(codes)
    made = Grouped(
        source=f"torchao {one.kind}",
        bits=4 if is_small else 8,
        shape=shape,
        codes=nibbles(codes, shape[-1]) if is_small else matrix_of(codes, *flat_shape(codes)),
        raw=RAW if is_small else codes.dtype,
        scale=layer.need("scale"),
        scales=scales,
        spacing=Spacing(1, shape[-1] // scales.columns),
        result=_result(one, "orig_dtype"),
    )
    return grouped(layer, made)


_KINDS: Mapping[str, Callable[[Layer, Described], Weight]] = {
    "Int8Tensor": _integers,
    "IntxUnpackedToInt8Tensor": _integers,
    "Float8Tensor": _floats,
    "Int4Tensor": _nibbles,
    "MXTensor": _mx,
    "NVFP4Tensor": _nvfp4,
}


def _shape(codes: Tensor) -> tuple[int, ...]:
    """Return the shape of codes that are floats of 8 bits, or of 4 and two in a byte."""
    found = codes.shape if codes.dtype in FLOATS_OF_8_BITS else shape_of(codes)
    if len(found) < 2:
        raise MisfitError(f"{codes.label} is no matrix")
    return found


def _grid(shape: tuple[int, ...], one: Described) -> Grid:
    """Return the grid of scales, each for a block of ``block_size``; [] is the whole tensor."""
    block = _numbers(one.attributes.get("block_size")) or shape
    if len(block) != len(shape) or not shape or 0 in block or 0 in shape:
        raise MisfitError(f"blocks of {list(block)} in a weight of {list(shape)}")
    if any(size % part for size, part in zip(shape, block, strict=True)):
        raise MisfitError(f"blocks of {list(block)} do not fill a weight of {list(shape)}")
    first = next((axis for axis, part in enumerate(block[:-1]) if part > 1), len(block))
    if block[first + 1 : -1] != shape[first + 1 : -1]:
        raise MisfitError(f"blocks of {list(block)} are no runs of rows")
    high, rows = math.prod(block[:-1]), math.prod(shape[:-1])
    return Grid(rows // high, shape[-1] // block[-1], Spacing(high, block[-1]))


def _numbers(value: object) -> tuple[int, ...]:
    """Return sizes: a list of up to 8 integers. Raises MisfitError."""
    sizes = value if isinstance(value, list) else None
    if sizes is None or len(sizes) > _MAX_DIMENSIONS:
        raise MisfitError("its metadata give no sizes")
    if any(type(size) is not int or not 0 <= size < 1 << 40 for size in sizes):
        raise MisfitError("its metadata give impossible sizes")
    return tuple(sizes)


def _dtype(one: Described, key: str) -> str | None:
    value = one.attributes.get(key)
    name = value.get("_data") if isinstance(value, dict) else None
    return name if isinstance(name, str) else None


def _result(one: Described, key: str) -> str:
    name = _dtype(one, key)
    if name not in _RESULTS:
        raise MisfitError(f"its metadata give no {key} of floats")
    return name


def _bits(one: Described) -> int:
    """Return the width of a code: that of ``target_dtype``, such as int4."""
    name = _dtype(one, "target_dtype") or "int8"
    digits = name.removeprefix("int")
    return int(digits) if digits in set("12345678") else 8
