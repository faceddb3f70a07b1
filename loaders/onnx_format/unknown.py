"""Which operators take quantized weights in a way that is not known here: they are counted."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from tensorpeek.loaders.clean import clean
from tensorpeek.loaders.onnx_format.graph import NodeRecord
from tensorpeek.loaders.onnx_format.quantization import Codings
from tensorpeek.loaders.onnx_format.scope import Scope, Value

_FAMILIES = (
    "QOrdered",
    "QLinear",
    "MatMulNBits",
    "MatMulBlockQuantized",
    "MatMulBnb4",
    "GemmFloat8",
)
"""How the names of onnxruntime's operators begin that dequantize a weight of theirs."""

_INPUTS = 32
"""Inputs that are looked at: no operator has more that differ in kind."""


def unknown_weights(
    scopes: Iterable[Scope], codings: Codings, known: Collection[str]
) -> Iterator[str]:
    """Yield a line for each operator, but for the ``known``, that dequantizes constants itself.

    Such is a constant of 8 bits at most with two dimensions or more, where another input is named
    a scale or the operator is of a family that is known to do so.
    """
    found: dict[str, set[Value]] = {}
    for scope in scopes:
        for node in scope.graph.nodes:
            if node.op_type not in known and _has_scales(node):
                constants = (scope.constant(name) for name in node.inputs[:_INPUTS])
                codes = {one for one in constants if one is not None and _is_code(one, codings)}
                if codes:
                    found.setdefault(node.op_type, set()).update(codes)
    for operator, weights in found.items():
        plural = "" if len(weights) == 1 else "s"
        yield f"not dequantized: {len(weights):,} weight{plural} of {clean(operator, 80)}"


def _has_scales(node: NodeRecord) -> bool:
    if node.op_type.startswith(_FAMILIES):
        return True
    return any("scale" in name.lower() for name in node.inputs[:_INPUTS])


def _is_code(value: Value, codings: Codings) -> bool:
    if value in codings.found:
        return False
    stored = codings.stored(value)
    narrow = stored.element.bits <= 8 and stored.element.kind in ("int", "float")
    return narrow and len(stored.shape) >= 2
