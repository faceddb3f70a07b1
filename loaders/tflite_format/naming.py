"""Layers and labels for the constants of a TFLite model: the operator that uses one tells."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from tensorpeek.loaders.naming import unique_names
from tensorpeek.loaders.tflite_format.graph import OperatorRecord, TensorRecord, Use
from tensorpeek.loaders.tflite_format.roles import (
    PRODUCTS,
    SAME_VALUES,
    label_of,
    weight_slot,
)
from tensorpeek.loaders.tflite_format.schema import Op
from tensorpeek.loaders.tflite_format.values import Stored

MAX_USES = 16
"""Uses of one constant among which the one is sought that names it."""
_BEHIND = 4
"""Operators between a constant and the one that uses its values, at most."""

_PRODUCT = r"(?:(?:depthwise|separable|Conv|MatMul|BatchMatMul|Tensordot|einsum)\w*|convolution)"
_OPERATION = re.compile(rf"{_PRODUCT}|(?:BiasAdd|ReadVariableOp|resource|FusedBatchNorm)\w*")
_IS_PRODUCT = re.compile(_PRODUCT)
_MADE_UP = re.compile(r"(?:arith|tfl|std|tf|stablehlo)\.\w+|[Cc]onst(?:ant)?_?\d*")
"""Names that converters give to constants without one."""


@dataclass(frozen=True, slots=True, eq=False)
class Claim:
    """What a use makes of a constant: ``anchor`` is the weight whose layer it belongs to.

    Without an anchor it goes by its own name.
    """

    label: str
    role: str
    order: tuple[int, int]
    anchor: TensorRecord | None = None
    operator: OperatorRecord | None = None


def claim_of(record: TensorRecord, stored: Stored, *, coded: bool) -> Claim:
    """Return what ``record`` is for, by the use of it that says most."""
    learned = stored.element.kind == "float" or coded
    several = len(stored.shape) > 0 and stored.shape != (1,)
    own = "other" if learned and several else "constant"
    found = [_claim(record, use, own, learned=learned) for use in _uses(record)]
    last = (1 << 62, record.index)
    return min(found, key=lambda claim: _RANK[claim.role], default=Claim("", own, last))


_RANK = {"weight": 0, "bias": 1, "other": 2, "constant": 3}


def _claim(record: TensorRecord, use: Use, own: str, *, learned: bool) -> Claim:
    operator, order = use.operator, (use.operator.order, use.slot)
    label, role = label_of(operator.code, use.slot)
    if role == "weight" and operator.code == Op.GATHER and not learned:
        label, role = "", "constant"
    if role in ("weight", "bias"):
        anchor = record if role == "weight" else _weight_of(record, operator)
        return Claim(label, role, order, anchor, operator)
    if role == "other" and operator.code == Op.ADD and len(record.shape) == 1:
        product = _product_before(record, use)
        if product is not None:
            return Claim("bias", "bias", order, _weight_of(record, product), product)
    return Claim("", own if role == "other" else "constant", order)


def _uses(record: TensorRecord) -> list[Use]:
    """Return the uses of a constant's values, also those behind a DEQUANTIZE."""
    found: list[Use] = []
    waiting = [(use, 0) for use in record.uses[:MAX_USES]]
    for use, depth in waiting:  # grows while it is walked
        if use.operator.code not in SAME_VALUES or use.slot != 0 or depth == _BEHIND:
            found.append(use)
            continue
        for index in use.operator.outputs[:1]:
            output = record.subgraph.tensor(index)
            room = MAX_USES - len(waiting)
            waiting += [(each, depth + 1) for each in output.uses[: max(room, 0)]] if output else []
    return found


def is_turned(record: TensorRecord, operator: OperatorRecord) -> bool:
    """Return whether a TRANSPOSE stands between a weight and the operator that uses it."""
    weight = record.subgraph.input(operator, weight_slot(operator.code))
    for _ in range(_BEHIND):
        if weight is None or weight.producer is None:
            return False
        if weight.producer.code == Op.TRANSPOSE:
            return True
        weight = record.subgraph.input(weight.producer, 0)
    return False


def _weight_of(record: TensorRecord, operator: OperatorRecord) -> TensorRecord | None:
    """Return the constant that is the weight of an operator."""
    weight = record.subgraph.input(operator, weight_slot(operator.code))
    for _ in range(_BEHIND):
        if weight is None or weight.producer is None:
            return weight
        if weight.producer.code not in SAME_VALUES:
            return None
        weight = record.subgraph.input(weight.producer, 0)
    return None


def _product_before(record: TensorRecord, use: Use) -> OperatorRecord | None:
    """Return the product without a bias of its own to whose output a vector is added."""
    other = record.subgraph.input(use.operator, 1 - use.slot)
    product = None if other is None else other.producer
    if product is None or product.code not in PRODUCTS:
        return None
    return product if record.subgraph.input(product, 2) is None else None


def layer_names(claims: Iterable[Claim]) -> dict[TensorRecord, str]:
    """Return a unique layer name for each anchor, short where that is enough."""
    anchors: dict[TensorRecord, str] = {}
    for claim in claims:
        if claim.anchor is not None and claim.anchor not in anchors:
            anchors[claim.anchor] = _telling_name(claim)
    short = {anchor: without_operation(name) for anchor, name in anchors.items()}
    counts = Counter(short.values())
    chosen = [short[each] if counts[short[each]] == 1 else name for each, name in anchors.items()]
    return dict(zip(anchors, unique_names(chosen), strict=True))


def _telling_name(claim: Claim) -> str:
    """Return the name of the anchor, or of the operator's output where a converter made it up."""
    anchor, operator = claim.anchor, claim.operator
    name = "" if anchor is None else one_name(anchor.name)
    if anchor is not None and operator is not None and (not name or _MADE_UP.fullmatch(name)):
        output = anchor.subgraph.tensor(operator.outputs[0]) if operator.outputs else None
        name = (one_name(output.name) if output is not None else "") or name
    return name


def one_name(name: str) -> str:
    """Return one of the names that fused operations gave a tensor: ``a/Relu;b/Conv2D``.

    That of the last product counts, else the first.
    """
    names = [part for part in name.split(";") if part] or [name]
    products = [part for part in names if _IS_PRODUCT.fullmatch(part.rpartition("/")[2])]
    return products[-1] if products else names[0]


def without_operation(name: str) -> str:
    """Return ``model/conv2d_1`` of ``model/conv2d_1/Conv2D``."""
    path, slash, last = name.rpartition("/")
    while slash and path and _OPERATION.fullmatch(last):
        name = path
        path, slash, last = name.rpartition("/")
    return name
