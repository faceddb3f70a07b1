"""Put a weight, its scale and its zero point together, if they fit."""

from __future__ import annotations

from typing import NamedTuple

from tensorpeek.loaders.clean import clean
from tensorpeek.loaders.onnx_format.graph import NodeRecord
from tensorpeek.loaders.onnx_format.scope import Scope, Value
from tensorpeek.loaders.onnx_format.values import Stored
from tensorpeek.loaders.quantization import Quantization, Scheme
from tensorpeek.loaders.tensor import Tensor

_BEHIND = 4
"""Nodes between an integer operator and the multiplication with its scales, at most."""


def part(name: str, stored: Stored, source: str) -> Tensor:
    """Return a scale or a zero point as a tensor that is not listed itself."""
    shown = clean(name)
    return Tensor(
        name=shown,
        layer=shown,
        label=shown,
        role="other",
        shape=stored.shape,
        dtype=stored.dtype,
        storage=stored.storage,
        layout=stored.layout,
        error=stored.error or ("is sparse" if stored.codec is not None else None),
        source=source,
    )


class Grid(NamedTuple):
    """Along which axis scales differ (negative: from the last), in what blocks, and who says so.

    ``result`` is the type of the dequantized values where it is not that of the scale.
    """

    axis: int
    block: int
    source: str
    result: str | None = None


def affine(
    weight: Stored, scale: Tensor, zero_point: Tensor | None, grid: Grid
) -> Quantization | str:
    """Return the quantization of ``weight``, or in one clause why its parts do not fit.

    The scheme follows from the sizes, as in ONNX DequantizeLinear: one scale, one for each index
    along the axis, or, with a block above 0, one for each block of values along it.
    """
    if weight.codec is not None:
        return "is sparse"
    if weight.error or scale.error or (zero_point is not None and zero_point.error):
        return "it, its scale or its zero point cannot be read"
    if scale.element.kind != "float":
        return f"its scale has the type {scale.dtype}"
    fit = _scheme(weight.shape, scale, grid.axis, grid.block)
    if isinstance(fit, str):
        return fit
    if zero_point is not None and zero_point.params not in (1, scale.params):
        return f"has {zero_point.params:,} zero points for {scale.params:,} scales"
    scheme, axis = fit
    return Quantization(
        scheme=scheme,
        source=grid.source,
        bits=weight.element.bits,
        scale=scale,
        zero_point=zero_point,
        axis=None if scheme == "per-tensor" else axis,
        block=grid.block if scheme == "blockwise" else None,
        result=grid.result,
    )


def _scheme(
    shape: tuple[int, ...], scale: Tensor, axis: int, block: int
) -> tuple[Scheme, int] | str:
    if scale.params == 1:
        return "per-tensor", 0
    axis += len(shape) if axis < 0 else 0
    if not 0 <= axis < len(shape):
        return f"its quantized axis {axis} is none of its {len(shape)}"
    if block > 0:
        blocks = (*shape[:axis], -(-shape[axis] // block), *shape[axis + 1 :])
        if scale.shape == blocks:
            return "blockwise", axis
        return f"its scale has the shape {scale.shape} and not {blocks}"
    if scale.params == shape[axis]:
        return "per-channel", axis
    return f"has {scale.params:,} scales for {shape[axis]:,} channels"


def scale_behind(scope: Scope, node: NodeRecord) -> tuple[Value, NodeRecord, int] | None:
    """Find the weight's scale behind an operator that gives integers.

    onnxruntime's dynamic quantization writes Mul(Cast(output), Mul(input scale, weight scale)).
    Returns the scale and the input (node, index) that it is, or None.
    """
    outputs = node.outputs
    for _ in range(_BEHIND):
        behind = scope.consumers.get(outputs[0], []) if outputs else []
        if len(behind) != 1:
            return None
        if behind[0].op_type == "Mul":
            return _scale_in(scope, behind[0], outputs[0])
        if behind[0].op_type not in ("Cast", "Identity"):
            return None
        outputs = behind[0].outputs
    return None


def _scale_in(
    scope: Scope, multiplication: NodeRecord, output: str
) -> tuple[Value, NodeRecord, int] | None:
    other = next((name for name in multiplication.inputs if name != output), "")
    found = scope.producer(other)
    if found is None or found[1].op_type != "Mul":
        return None
    inner, product = found
    constants = [inner.constant(name) for name in product.inputs]
    known = [(value, at) for at, value in enumerate(constants) if value is not None]
    return (known[0][0], product, known[0][1]) if len(known) == 1 else None
