"""Find the tensors in what a pickle describes, each with the path that leads to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from tensorpeek.loaders.inert_pickle.machine import Allowance
from tensorpeek.loaders.inert_pickle.values import Global, Group, Pairs, Record
from tensorpeek.loaders.torch_format.hqq_settings import Setting, hqq_settings
from tensorpeek.loaders.torch_format.packed import (
    Part,
    is_weight_and_bias,
    module_numbers,
    packed_parts,
    untagged,
)
from tensorpeek.loaders.torch_format.rebuild import is_parameter, is_tensor
from tensorpeek.loaders.torch_format.sparse import sparse_parts
from tensorpeek.loaders.torch_format.subclass_parts import subclass_parts

Section = Literal["", "parameter", "buffer"]

MAX_DEPTH = 256
"""Containers within containers beyond which nothing is looked for."""

MAX_VISITS = 4
"""Names under which one shared container is told; a chain of shared lists has 2^n paths."""

_STEP_COST = 7
"""What a step costs; each item of a container that is looked into costs one more."""

SHORT = 8
"""Items of a container that are looked at without a step of their own: logs have many such."""

MAX_PART = 512
"""Characters kept of a key: it comes again in the name of every tensor below it."""

_SECTIONS: dict[str, Section] = {"_parameters": "parameter", "_buffers": "buffer", "_modules": ""}
_GRAPH_MODULES = frozenset(
    {
        Global("torch.fx.graph_module", "reduce_graph_module"),
        Global("torch.fx.graph_module", "reduce_deploy_graph_module"),
        Global("torch.fx.graph_module", "reduce_package_graph_module"),
    }
)


@dataclass(frozen=True, eq=False, slots=True)
class Node:
    """A value on the walk: its name within its parent, and what kind of member it is."""

    value: object = field(repr=False)
    parent: Node | None = field(default=None, repr=False)
    name: str = ""
    section: Section = ""
    depth: int = 0

    @property
    def path(self) -> tuple[str, ...]:
        """The names from the root to here; containers without a name of their own are left out."""
        names: list[str] = []
        node: Node | None = self
        while node is not None:
            if node.name:
                names.append(node.name)
            node = node.parent
        return tuple(reversed(names))

    def is_within(self, value: object) -> bool:
        """Whether ``value`` is one of the containers around this one: the graph has a cycle."""
        node = self.parent
        while node is not None:
            if node.value is value:
                return True
            node = node.parent
        return False


@dataclass(slots=True)
class Walk:
    """A walk from ``root`` in the order of the file, which may cost no more than is allowed.

    ``complete`` is False if a limit cut it.
    """

    root: object = field(repr=False)
    allowance: Allowance
    complete: bool = True

    def tensors(self) -> Iterator[Node]:
        """Yield the nodes of tensors, and of numbers that quantized modules keep for tensors."""
        visits: dict[int, int] = {}
        pending: list[Iterator[Node]] = [iter((Node(self.root),))]
        while self.allowance.spend(_STEP_COST):
            if not pending:
                return
            node = next(pending[-1], None)
            if node is None:
                pending.pop()
            elif isinstance(node.value, float | int | Setting) or _is_dense(node.value):
                yield node
            elif self._enters(node, visits):
                self.allowance.spend(_size(node.value))
                pending.append(_children(node))
        self.complete = False

    def _enters(self, node: Node, visits: dict[int, int]) -> bool:
        seen = visits[id(node.value)] = visits.get(id(node.value), 0) + 1
        if node.depth >= MAX_DEPTH:
            self.complete = False
            return False
        return seen <= MAX_VISITS and (seen == 1 or not node.is_within(node.value))


def _is_dense(value: object) -> bool:
    """Whether ``value`` is a tensor that is listed as one, and not in parts."""
    if not is_tensor(value) or not isinstance(value, Record):
        return False
    return sparse_parts(value) is None and subclass_parts(value) is None


def _size(value: object) -> int:
    """Return how many items are looked at in a container."""
    if isinstance(value, Record):
        state = None if isinstance(value.state, Record) else value.state
        return len(value.items or ()) + len(value.pairs or ()) + _size(state)
    if isinstance(value, Pairs):
        return len(value.pairs)
    items = value.items if isinstance(value, Group) else value
    return len(items) if isinstance(items, list | tuple) else 0


def is_container(value: object) -> bool:
    """Whether there may be tensors in ``value``."""
    return isinstance(value, Record | Pairs | list | tuple | Group)


def _children(node: Node) -> Iterator[Node]:
    value = node.value
    if isinstance(value, Pairs):
        yield from _mapping(node, value.pairs)
    elif isinstance(value, Record):
        yield from _object(node, value)
    else:
        items = value.items if isinstance(value, Group) else value
        if isinstance(items, list | tuple):
            yield from _sequence(node, items)


def _child(node: Node, value: object, name: str, section: Section | None = None) -> Node:
    kept = node.section if section is None else section
    return Node(value, node, name, kept, node.depth + 1)


def _is_worth_a_look(value: object) -> bool:
    """Whether there may be tensors in ``value``; in short dictionaries and lists it is seen."""
    if not is_container(value):
        return False
    if isinstance(value, Pairs) and len(value.pairs) <= SHORT:
        return any(is_container(item) for _, item in value.pairs)
    if isinstance(value, list | tuple) and len(value) <= SHORT:
        return any(map(is_container, value))
    return True


def _sequence(node: Node, items: list[object] | tuple[object, ...]) -> Iterator[Node]:
    for index, item in enumerate(items):
        if _is_worth_a_look(item):
            yield _child(node, item, str(index))


def _mapping(node: Node, pairs: list[tuple[object, object]]) -> Iterator[Node]:
    for key, value in _last_of_each(pairs):
        if not _is_worth_a_look(value):
            continue
        name = key_name(key)
        if name.endswith("_packed_params") and is_weight_and_bias(value):
            packed = Node(None, node, name, node.section, node.depth)
            yield from _parts(packed, _weight_and_bias(value))
        else:
            yield _child(node, value, name, _of_value(value))
    for name, setting in hqq_settings(pairs):
        yield _child(node, setting, name, "buffer")


def _of_value(value: object) -> Section | None:
    return "parameter" if is_parameter(value) else None


def _weight_and_bias(value: object) -> list[Part]:
    items = value if isinstance(value, tuple) else ()
    named = zip(("weight", "bias"), items, strict=False)
    return [(name, item) for name, item in named if item is not None]


def _parts(node: Node, parts: list[Part]) -> Iterator[Node]:
    for name, value in parts:
        yield _child(node, value, name, "")


def _object(node: Node, record: Record) -> Iterator[Node]:
    plain = untagged(record)
    if plain is not record:
        yield Node(plain, node, "", node.section, node.depth + 1)
        return
    parts = sparse_parts(record) or subclass_parts(record) or packed_parts(record)
    if parts is not None:
        yield from _parts(node, parts)
        return
    if record.calls(_GRAPH_MODULES) and isinstance(record.arguments, tuple):
        yield from _state(node, record, record.arguments[0] if record.arguments else None)
        return
    if is_container(record.arguments):
        yield from _arguments(node, record)
    yield from _state(node, record, record.state)
    if record.items is not None:
        yield from _sequence(node, record.items)
    if record.pairs is not None:
        yield from _mapping(node, record.pairs)


def _arguments(node: Node, record: Record) -> Iterator[Node]:
    """Look at what an object was made from; an OrderedDict was made from a list of pairs."""
    if not isinstance(record.arguments, tuple):
        return
    if isinstance(record.callee, Global) and record.callee.name in ("OrderedDict", "defaultdict"):
        for argument in record.arguments:
            if isinstance(argument, Pairs):
                yield _child(node, argument, "")
            elif isinstance(argument, list | tuple):
                yield from _mapping(node, _as_pairs(argument))
        return
    compiled = isinstance(record.callee, Global) and record.callee.name == "OptimizedModule"
    for index, argument in enumerate(record.arguments):
        if is_container(argument):
            yield _child(node, argument, "_orig_mod" if compiled and index == 0 else str(index))


def _as_pairs(items: list[object] | tuple[object, ...]) -> list[tuple[object, object]]:
    return [
        (item[0], item[1]) for item in items if isinstance(item, list | tuple) and len(item) == 2
    ]


def _state(node: Node, record: Record, state: object) -> Iterator[Node]:
    """Look at an object's attributes: a dictionary, or (dictionary, slots)."""
    halves = state if isinstance(state, tuple) and len(state) == 2 else (state,)
    for half in halves:
        if isinstance(half, Pairs):
            yield from _attributes(node, record, half)
        elif is_container(half):
            yield _child(node, half, "")


def _attributes(node: Node, record: Record, attributes: Pairs) -> Iterator[Node]:
    numbers = module_numbers(record, attributes.pairs)
    rest: list[tuple[object, object]] = []
    for key, value in attributes.pairs:
        section = _SECTIONS.get(key) if isinstance(key, str) else None
        if section is None:
            if not (isinstance(key, str) and key.startswith("_") and "_hooks" in key):
                rest.append((key, value))
        elif isinstance(value, Record | Pairs):
            yield _child(node, value, "", section)
    yield from _mapping(node, rest)
    yield from _parts(node, numbers)


def _last_of_each(pairs: list[tuple[object, object]]) -> list[tuple[object, object]]:
    """Drop what a later pair with the same key (text or number) replaces."""
    last = {key: index for index, (key, _) in enumerate(pairs) if isinstance(key, str)}
    return [
        pair
        for index, pair in enumerate(pairs)
        if not isinstance(pair[0], str) or last[pair[0]] == index
    ]


def key_name(key: object) -> str:
    """Return a dictionary's key as a part of a name."""
    if isinstance(key, str):
        return key[:MAX_PART]
    if isinstance(key, tuple) and len(key) <= 4:
        return ",".join("…" if isinstance(item, tuple) else key_name(item) for item in key)
    if key is None or isinstance(key, bool | int | float | Global):
        return str(key)[:MAX_PART]
    return type(key).__name__.lower()
