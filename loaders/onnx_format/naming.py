"""Names for the constants of an ONNX graph: the node that uses one names its layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tensorpeek.loaders.naming import role_of, split_name
from tensorpeek.loaders.onnx_format.graph import NodeRecord
from tensorpeek.loaders.onnx_format.roles import (
    ADDITIONS,
    PRODUCTS,
    label_of,
    original_node,
    original_weight,
)
from tensorpeek.loaders.onnx_format.scope import SAME_WEIGHT, Scope, Use, Value
from tensorpeek.loaders.onnx_format.values import Stored

_BEFORE = 6
"""Nodes between a product and the addition of its bias, at most."""
_FIRST = 8
"""Inputs among which an operator has its weight: Concat may have a hundred thousand others."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What one use makes of a constant; ``path`` is that of its subgraph, if it is in one."""

    layer: str
    label: str
    role: str
    path: str

    @property
    def name(self) -> str:
        """Layer and label; the layer alone where they are the same."""
        return self.layer if self.layer == self.label else f"{self.layer}.{self.label}"


def claims(value: Value, uses: Sequence[Use], stored: Stored, *, coded: bool) -> list[Claim]:
    """Return what ``value`` is called: first by the use that says most, then by the others.

    A constant without uses goes by its own name.
    """
    if not uses:
        layer, label = split_name(original_weight(value.name))
        role = "constant" if value.node is not None else role_of(label)
        return [Claim(layer, label, role, value.scope.path)]
    found = [_claim(use, value, stored, coded=coded) for use in uses]
    return sorted(found, key=lambda claim: _RANK.get(claim.role, 0))


_RANK = {
    "input scale": 1,
    "input zero point": 1,
    "output scale": 1,
    "output zero point": 1,
    "other": 2,
    "constant": 3,
}
"""Roles that say less than weight and bias do, most telling first."""


def _claim(use: Use, value: Value, stored: Stored, *, coded: bool) -> Claim:
    node = use.node
    label, role = label_of(node, use.slot)
    if role == "weight" and node.op_type == "Gather" and stored.element.kind == "int" and not coded:
        label, role = "data", "constant"
    if role == "other" and node.op_type in ADDITIONS:
        product = _product_before(use)
        if product is not None and len(stored.shape) <= 1 and stored.count > 0:
            return _place(use.scope, product, value, "bias", "bias")
    if role == "other" and not coded and _is_plain_number(value, stored):
        role = "constant"
    return _place(use.scope, node, value, label, role)


def _is_plain_number(value: Value, stored: Stored) -> bool:
    return value.node is not None or stored.element.kind in ("int", "bool") or stored.count <= 1


def _place(scope: Scope, node: NodeRecord, value: Value, label: str, role: str) -> Claim:
    own = original_weight(value.name)
    layer, own_label = split_name(own)
    dotted = layer != own_label and value.node is None
    name = original_node(node)
    if dotted and (role == "other" or (not name and role in ("weight", "bias"))):
        return Claim(layer, own_label, role_of(own_label) if role == "other" else role, scope.path)
    if not name:
        name = _anchor(scope, node)
    if not name:
        return Claim(layer, own_label, role, scope.path)
    return Claim(name, label, role, scope.path)


def _anchor(scope: Scope, node: NodeRecord) -> str:
    """Return the layer that the weight of a node without a name tells, ``""`` without a weight."""
    for index, name in enumerate(node.inputs[:_FIRST]):
        if label_of(node, index)[1] == "weight":
            weight = scope.constant(name, SAME_WEIGHT)
            if weight is not None and weight.node is None:
                return split_name(original_weight(weight.name))[0]
    return ""


def _product_before(use: Use) -> NodeRecord | None:
    """Return the MatMul or Conv to whose output the constant is added."""
    name = use.node.input(ADDITIONS[use.node.op_type] - use.slot)
    scope: Scope = use.scope
    for _ in range(_BEFORE):
        found = scope.producer(name)
        if found is None:
            return None
        scope, node = found
        if node.op_type in PRODUCTS:
            weight = (scope.constant(each, SAME_WEIGHT) for each in node.inputs[:4])
            return node if any(value is not None for value in weight) else None
        if node.op_type not in SAME_WEIGHT and node.op_type != "Mul":
            return None
        name = node.input(0)
    return None
