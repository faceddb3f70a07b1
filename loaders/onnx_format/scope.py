"""Which constant each input of each node means, through subgraphs and nodes that pass it on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from tensorpeek.loaders.onnx_format.graph import (
    AttributeRecord,
    GraphRecord,
    NodeRecord,
    TensorRecord,
)

MAX_STEPS = 16
"""Nodes that are looked through one after another: a cycle must end."""

SAME_VALUES = frozenset({"Identity"})
"""Operators whose output has the values of their input."""
SAME_WEIGHT = SAME_VALUES | {
    "Cast", "CastLike", "DequantizeLinear", "Flatten", "QuantizeLinear", "Reshape", "Squeeze",
    "Transpose", "Unsqueeze",
}  # fmt: skip
"""Operators whose output still is the layer's weight, in another type or arrangement."""


@dataclass(slots=True, eq=False)
class Value:
    """A constant of the graph: an initializer, or what a Constant node gives."""

    name: str
    scope: Scope
    record: TensorRecord | AttributeRecord
    node: NodeRecord | None = None
    uses: list[Use] = field(default_factory=list)
    passed_on: list[Use] = field(default_factory=list)


class Use(NamedTuple):
    """An input of a node that means a constant."""

    scope: Scope
    node: NodeRecord
    slot: int


@dataclass(slots=True, eq=False)
class Scope:
    """The names that the nodes of one graph see: its own, then those of the graph around it.

    ``path`` is that of the node and attribute which hold the graph, ``""`` for the main one.
    """

    graph: GraphRecord
    path: str
    parent: Scope | None
    values: dict[str, Value] = field(default_factory=dict)
    producers: dict[str, NodeRecord] = field(default_factory=dict)
    consumers: dict[str, list[NodeRecord]] = field(default_factory=dict)
    repeated: list[Value] = field(default_factory=list)

    def declare(self, value: Value) -> None:
        """Add a constant; one whose name is taken cannot be meant by any node."""
        if self.values.setdefault(value.name, value) is not value:
            self.repeated.append(value)

    def producer(self, name: str) -> tuple[Scope, NodeRecord] | None:
        """Return the node whose output ``name`` is, in this graph or one around it."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.values:
                return None
            if name in scope.producers:
                return scope, scope.producers[name]
            scope = scope.parent
        return None

    def constant(self, name: str, through: frozenset[str] = SAME_VALUES) -> Value | None:
        """Return the constant that ``name`` means, looking through the operators ``through``."""
        scope: Scope = self
        for _ in range(MAX_STEPS):
            value = scope._own(name)
            if value is not None:
                return value
            found = scope.producer(name)
            if found is None or found[1].op_type not in through:
                return None
            scope, node = found
            name = node.input(0)
        return None

    def _own(self, name: str) -> Value | None:
        scope: Scope | None = self if name else None
        while scope is not None:
            if name in scope.values:
                return scope.values[name]
            if name in scope.producers:
                return None
            scope = scope.parent
        return None


def scopes(graph: GraphRecord, path: str = "", parent: Scope | None = None) -> Iterator[Scope]:
    """Yield the scope of ``graph``, then those of its subgraphs in the order of its nodes."""
    scope = Scope(graph, path, parent)
    for record in graph.initializers:
        scope.declare(Value(record.name, scope, record))
    for node in graph.nodes:
        constant = _constant(node)
        for output in node.outputs:
            scope.producers.setdefault(output, node)
        if constant is not None and node.outputs:
            scope.declare(Value(node.outputs[0], scope, constant, node))
        for name in dict.fromkeys(node.inputs):
            scope.consumers.setdefault(name, []).append(node)
    yield scope
    for node in graph.nodes:
        for attribute in node.attributes.values():
            for subgraph in attribute.graphs:
                inner = f"{node.name or node.op_type}/{attribute.name}"
                yield from scopes(subgraph, f"{path}/{inner}" if path else inner, scope)


def _constant(node: NodeRecord) -> TensorRecord | AttributeRecord | None:
    if node.op_type != "Constant" or node.domain not in ("", "ai.onnx"):
        return None
    attribute = next((a for name, a in node.attributes.items() if name.endswith("value")), None)
    if attribute is not None and attribute.tensor is not None:
        return attribute.tensor
    return next((a for name, a in node.attributes.items() if name.startswith("value_")), None)


def note_uses(scope: Scope) -> None:
    """Tell each constant which inputs of the scope's nodes mean it, in the order of the nodes.

    What a node only passes on counts as an input of the nodes behind it.
    """
    known: dict[str, Value | None] = {}
    for node in scope.graph.nodes:
        passes_on = node.op_type in SAME_WEIGHT
        for index, name in enumerate(node.inputs):
            if name not in known:
                known[name] = scope.constant(name, SAME_WEIGHT)
            value = known[name]
            if value is None:
                continue
            uses = value.passed_on if passes_on and index == 0 else value.uses
            uses.append(Use(scope, node, index))
