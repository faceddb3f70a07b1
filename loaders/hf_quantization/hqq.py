"""Weights of HQQ: codes of 1 to 8 bits in planes, a float zero point for each group."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from tensorpeek.loaders.hf_quantization.grouped import Grouped, grouped
from tensorpeek.loaders.hf_quantization.matrix import Matrix, Packing
from tensorpeek.loaders.hf_quantization.parts import (
    Layer,
    MisfitError,
    Weight,
    matrix_of,
    need_float,
    need_type,
    place_of,
    small_content,
)
from tensorpeek.loaders.hf_quantization.scales import StoredScales
from tensorpeek.loaders.hf_quantization.spacing import Spacing
from tensorpeek.loaders.tensor import Tensor

_SIGNS = ("zero", "zero_scale", "packing")
"""Parts without one of which ``W_q`` is a weight of another kind, such as that of queries."""

_PACKINGS = {
    "8bit_u8": (8, "uint8", 1),
    "4bit_u8": (4, "uint8", 2),
    "3bit_32": (3, "int32", 10),
    "2bit_u8": (2, "uint8", 4),
    "1bit_u8": (1, "uint8", 8),
}
"""Width of a code, type of a word, and codes in a word, by the name of the packing."""

_FLAGS = (
    "quant_scale",
    "quant_zero",
    "view_as_float",
    "nbits",
    "unpack_view_dtype",
    "compute_dtype",
    "channel_wise",
    "optimize",
    "round_zero",
    "offload_meta",
    "encoded_state_dict",
    "stores_quant_config",
)
_NUMBERS = {"uint8": "u1", "int32": "<i4", "int64": "<i8"}
_MAX_DIMENSIONS = 8
_MAX_SIZE = 1 << 40


class _Form(NamedTuple):
    """What the settings of a layer say: codes are ``rows`` by ``columns`` before packing."""

    shape: tuple[int, ...]
    axis: int
    group: int
    packing: str

    @property
    def rows(self) -> int:
        return self.group if self.axis == 0 else math.prod(self.shape) // self.group

    @property
    def columns(self) -> int:
        return math.prod(self.shape) // self.rows


def hqq(layer: Layer) -> Weight | None:
    """Put together the encoded state of an ``HQQLinear``; None if ``W_q`` is something else.

    Every setting is a tensor of its own: ``shape``, ``axis``, ``group_size``, and ``packing`` as
    the bytes of its name. The weight, as rows of a group (axis 1) or columns of a group (axis 0),
    is packed along its rows: the first half of them has the upper 4 bits, and so for quarters,
    eighths and, in int32, tenths (``BitPack``). value = (code - zero) * scale, in the type of the
    scale: the difference is rounded, then the product (``Quantizer.dequantize``).
    In older files all but the codes lie in ``meta``. Raises MisfitError, also for scales and zero
    points that are quantized themselves.
    """
    within = f"{layer.base}meta." if f"{layer.base}meta.packing" in layer.by_name else layer.base
    if all(within + sign not in layer.by_name for sign in _SIGNS):
        return None
    weight, outer = layer.need("W_q"), layer
    layer = Layer(within, layer.by_name, layer.used)
    scale, zero = layer.need("scale"), layer.need("zero")
    need_float(scale)
    need_type(zero, scale.dtype)
    form = _form(layer)
    for flag in _FLAGS:
        layer.find(flag)
    if any(_flag(layer, flag) for flag in ("quant_scale", "quant_zero")):
        raise MisfitError("its scales or zero points are quantized themselves")
    groups = (1, form.columns) if form.axis == 0 else (form.rows, 1)
    codes = _codes(weight, form, viewed=_flag(layer, "view_as_float"))
    made = Grouped(
        source="HQQ",
        bits=_bits(layer, form.packing),
        shape=form.shape,
        codes=codes,
        raw=codes.values,
        scale=scale,
        scales=StoredScales(matrix_of(scale, *groups)),
        spacing=Spacing(form.rows, 1) if form.axis == 0 else Spacing(1, form.columns),
        zero_point=zero,
        zero_points=matrix_of(zero, *groups),
        rounds_difference=True,
        blocks=(0, form.group) if form.axis == 0 else None,
    )
    return grouped(outer, made)


def _form(layer: Layer) -> _Form:
    shape = _numbers(layer.need("shape"))
    (axis,), (group,) = _numbers(layer.need("axis"), 1), _numbers(layer.need("group_size"), 1)
    packing = small_content(layer.need("packing")).decode("latin-1")
    if packing not in _PACKINGS:
        raise MisfitError("its packing is unknown")
    if min(shape) < 1 or max(shape) > _MAX_SIZE or axis not in {0, 1}:
        raise MisfitError("its shape or its axis is impossible")
    if group < 1 or math.prod(shape) % group:
        raise MisfitError(f"groups of {group:,} do not fill a weight of {list(shape)}")
    return _Form(shape, axis, group, packing)


def _numbers(part: Tensor, count: int | None = None) -> tuple[int, ...]:
    """Read integers: ``count`` of them, or the sizes of a shape."""
    need_type(part, *_NUMBERS)
    if not 1 <= part.params <= _MAX_DIMENSIONS or part.params != (count or part.params):
        raise MisfitError(f"{part.label} has {part.params:,} numbers")
    return tuple(np.frombuffer(small_content(part), _NUMBERS[part.dtype]).tolist())


def _flag(layer: Layer, label: str) -> bool:
    """Tell whether a setting is there and is not 0."""
    part = layer.find(label)
    return part is not None and _numbers(part, 1) != (0,)


def _bits(layer: Layer, packing: str) -> int:
    """Return the width of a code: codes of 5 and 6 bits take a byte each."""
    bits = _PACKINGS[packing][0]
    said = layer.find("nbits")
    if bits < 8 or said is None or said.dtype not in _NUMBERS:
        return bits
    (number,) = _numbers(said, 1)
    return number if 1 <= number <= bits else bits


def _codes(weight: Tensor, form: _Form, *, viewed: bool) -> Matrix:
    """Return the codes; the words of ``viewed`` ones have a type of float. Raises MisfitError."""
    bits, word, per_word = _PACKINGS[form.packing]
    if not viewed:
        need_type(weight, word)
    storage, offset = place_of(weight)
    high = -(-form.rows // per_word)
    size = weight.params * weight.element.bits // 8
    if size != high * form.columns * np.dtype(word).itemsize or (
        bits != 3 and form.rows % per_word
    ):
        raise MisfitError(f"W_q has {size:,} bytes for {form.rows:,} x {form.columns:,} codes")
    packing = Packing(bits, along=0, order="planes") if bits < 8 else None
    return Matrix(storage, offset, (high, form.columns), word, form.rows, form.columns, packing)
