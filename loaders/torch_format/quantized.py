"""The quantizer of a PyTorch quantized tensor: scheme, scale and zero point."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import Literal

from tensorpeek.loaders.inert_pickle.values import Global
from tensorpeek.loaders.layout import Layout
from tensorpeek.loaders.storage import Inline
from tensorpeek.loaders.torch_format.element_types import type_name
from tensorpeek.loaders.torch_format.facts import Facts, Quantizer, is_whole
from tensorpeek.loaders.torch_format.hqq_settings import Setting

_INTEGERS = frozenset({"int8", "uint8", "int16", "uint16", "int32", "uint32", "int64"})
_REALS = frozenset({"float16", "bfloat16", "float32", "float64"})
_SCHEMES: dict[str, Literal["per-tensor", "per-channel"]] = {
    "per_tensor_affine": "per-tensor",
    "per_tensor_symmetric": "per-tensor",
    "per_channel_affine": "per-channel",
    "per_channel_symmetric": "per-channel",
    "per_channel_affine_float_qparams": "per-channel",
}
_BY_NUMBER = (
    "per_tensor_affine",
    "per_channel_affine",
    "per_tensor_symmetric",
    "per_channel_symmetric",
    "per_channel_affine_float_qparams",
)


def quantizer(source: str, parts: Sequence[object], shape: tuple[int, ...]) -> Quantizer | str:
    """Read quantizer parameters whose tensors are facts already; or say what is wrong with them.

    They are (scheme, scale, zero point) or (scheme, scales, zero points, axis). A per-channel
    scheme needs one scale and one zero point for each index along its axis.
    """
    scheme = _SCHEMES.get(_scheme_name(parts[0])) if len(parts) > 2 else None
    if scheme is None:
        return "is quantized by an unknown scheme"
    if scheme == "per-tensor":
        scale, point = number(parts[1]), number(parts[2])
        if scale is None or point is None or point.dtype != "int64":
            return "has no number for its scale or its zero point"
        return Quantizer(scheme, source, scale, point)
    return _per_channel(source, parts, shape)


def number(value: object) -> Facts | None:
    """Return a Python number as a tensor of shape () that lies in memory; None if it is none.

    A setting of HQQ is a tensor too.
    """
    if isinstance(value, Setting):
        return value.facts()
    if isinstance(value, float):
        content, dtype = struct.pack("=d", value), "float64"
    elif isinstance(value, int) and is_whole(value):
        content, dtype = struct.pack("=q", value), "int64"
    else:
        return None
    return Facts(dtype, (), Inline(content), Layout.contiguous(()), key=(dtype, content))


def _scheme_name(value: object) -> str:
    if type(value) is int and 0 <= value < len(_BY_NUMBER):
        return _BY_NUMBER[value]
    return (type_name(value) or "") if isinstance(value, Global) else ""


def _per_channel(source: str, parts: Sequence[object], shape: tuple[int, ...]) -> Quantizer | str:
    if len(parts) < 4 or type(parts[3]) is not int or not 0 <= parts[3] < len(shape):
        return "has no axis for its channels"
    scale, point, axis = parts[1], parts[2], parts[3]
    if not isinstance(scale, Facts) or not isinstance(point, Facts):
        return "has no tensors for its scales or its zero points"
    for what, facts, types in (
        ("scales", scale, _REALS),
        ("zero points", point, _INTEGERS | _REALS),
    ):
        if facts.error is not None:
            return f"the tensor of its {what}: {facts.error}"
        if facts.dtype not in types:
            return f"has {what} of type {facts.dtype}"
        # one stored element for each: a stride of 0 would let a tiny file ask for huge arrays
        stored = facts.layout.extent if facts.layout is not None else 0
        if math.prod(facts.shape) != shape[axis] or stored < shape[axis]:
            return f"has {math.prod(facts.shape):,} {what} for {shape[axis]:,} channels"
    return Quantizer("per-channel", source, scale, point, axis)
