"""Tensor subclasses of torchao: their parts are tensors of their own, and so is a description."""

from __future__ import annotations

import json

from tensorpeek.loaders.inert_pickle.values import Global, Pairs, Record
from tensorpeek.loaders.torch_format.element_types import type_name
from tensorpeek.loaders.torch_format.facts import whole_numbers
from tensorpeek.loaders.torch_format.hqq_settings import Setting

DESCRIPTION = "torchao"
"""The label of the part that is JSON: the class and its attributes, as torchao writes them."""

_FROM_TYPE = Global("torch._tensor", "_rebuild_from_type_v2")
_WRAPPER = Global("torch._utils", "_rebuild_wrapper_subclass")
_PARAMETERS = frozenset(
    {
        Global("torch._utils", "_rebuild_parameter"),
        Global("torch._utils", "_rebuild_parameter_with_state"),
    }
)
_ATTRIBUTES = ("block_size", "target_dtype", "elem_dtype", "is_swizzled_scales")
_MAX_ITEMS = 64
"""Attributes, and characters in the name of one, beyond which they are another class's."""

_MAX_TEXT = 4096


def subclass_parts(record: Record) -> list[tuple[str, object]] | None:
    """Return the names and records of what a tensor of torchao holds; None for anything else.

    It is written as (rebuild, class, (class, type, size, ...), attributes), where those attributes
    that are tensors are its parts. The last part is a description.
    """
    arguments = record.arguments
    if record.calls(_PARAMETERS) and isinstance(arguments, tuple) and arguments:
        inner = arguments[0]
        if not isinstance(inner, Record):
            return None
        record, arguments = inner, inner.arguments
    if record.callee is not _FROM_TYPE or not isinstance(arguments, tuple) or len(arguments) < 4:
        return None
    rebuild, kind, facts, state = arguments[:4]
    if rebuild is not _WRAPPER or not isinstance(kind, Global) or not isinstance(state, Pairs):
        return None
    if kind.module.partition(".")[0] != DESCRIPTION or len(state.pairs) > _MAX_ITEMS:
        return None
    held = {
        key: value for key, value in state.pairs if isinstance(key, str) and len(key) <= _MAX_ITEMS
    }
    parts = [(key, value) for key, value in held.items() if isinstance(value, Record)]
    text = json.dumps({"_type": kind.name, "_data": _attributes(held, facts)})
    return [*parts, (DESCRIPTION, Setting(tuple(text.encode()[:_MAX_TEXT]), "uint8"))]


def _attributes(held: dict[str, object], facts: object) -> dict[str, object]:
    _, kind, size, *_ = (*facts, None, None, None) if isinstance(facts, tuple) else (None,) * 4
    dtype, shape = _plain(kind), whole_numbers(size)
    found = {key: _plain(held[key]) for key in _ATTRIBUTES if key in held}
    found |= {"dtype": dtype, "orig_dtype": dtype, "shape": list(shape or ())}
    block = held.get("block_size")
    return {**found, "block_size": block} if type(block) is int else found


def _plain(value: object) -> object:
    """Return a type, a flag or sizes as torchao writes them in JSON; None for others."""
    if isinstance(value, bool):
        return value
    if isinstance(value, Global):
        return {"_type": "torch.dtype", "_data": type_name(value)}
    sizes = whole_numbers(value)
    return None if sizes is None else list(sizes)
