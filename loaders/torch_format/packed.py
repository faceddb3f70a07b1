"""Packed parameters of PyTorch's quantized modules: which parts are the weight and the bias."""

from __future__ import annotations

from collections.abc import Iterable

from tensorpeek.loaders.inert_pickle.values import Global, Record
from tensorpeek.loaders.torch_format.rebuild import is_tensor

Part = tuple[str, object]
"""A name within the module, and the record of a tensor or a number."""

_CONV_WEIGHT, _CONV_BIAS, _CONV_SCALE, _CONV_ZERO_POINT = 10, 11, 12, 13
_CONV_STATE = frozenset({14, 15})
_TAGS = frozenset(
    {
        Global("torch.jit._pickle", "build_tensorlist"),
        Global("torch.jit._pickle", "build_intlist"),
        Global("torch.jit._pickle", "build_doublelist"),
        Global("torch.jit._pickle", "build_boollist"),
        Global("torch.jit._pickle", "restore_type_tag"),
    }
)


def untagged(value: object) -> object:
    """Return the list or dictionary that TorchScript's type tag is wrapped around."""
    while isinstance(value, Record) and value.calls(_TAGS):
        if not isinstance(value.arguments, tuple) or not value.arguments:
            break
        value = value.arguments[0]
    return value


def packed_parts(record: Record) -> list[Part] | None:
    """Return the tensors (and numbers) within the state of a quantized module or a packed object.

    Weight and bias are named so; a module's own output scale and zero point follow. None when
    the state is not one of the known forms, which then is walked like any other object.
    """
    name, state = _class_name(record), record.state
    if record.callee == Global("torch", "ScriptObject"):
        if not (isinstance(state, tuple) and len(state) == 2 and isinstance(state[1], str)):
            return None
        name, state = state[1].rpartition(".")[2], state[0]
    if not isinstance(state, tuple) or not state:
        return None
    if "PackedParams" in name:
        return _packed_object(state)
    if name == "CellParamsBase":
        return _cell(state)
    if _is_quantized(record) and len(state) in _CONV_STATE and is_tensor(state[_CONV_WEIGHT]):
        parts = [("weight", state[_CONV_WEIGHT]), ("bias", state[_CONV_BIAS])]
        numbers = [("scale", state[_CONV_SCALE]), ("zero_point", state[_CONV_ZERO_POINT])]
        return _present(parts + numbers)
    return None


def is_weight_and_bias(value: object) -> bool:
    """Whether ``value`` is the (weight, bias) that a state_dict keeps of a packed linear layer."""
    return (
        isinstance(value, tuple)
        and len(value) == 2
        and is_tensor(value[0])
        and (value[1] is None or is_tensor(value[1]))
    )


def module_numbers(record: Record, pairs: Iterable[tuple[object, object]]) -> list[Part]:
    """Return output scale and zero point that a quantized module keeps as Python numbers."""
    if not _is_quantized(record) or "dynamic" in str(record.callee):
        return []
    found = {
        key: value
        for key, value in pairs
        if isinstance(key, str)
        and key in ("scale", "zero_point")
        and type(value) is (float if key == "scale" else int)
    }
    return list(found.items()) if len(found) == 2 else []


def _is_quantized(record: Record) -> bool:
    return isinstance(record.callee, Global) and "quantized" in record.callee.module


def _class_name(record: Record) -> str:
    return record.callee.name if isinstance(record.callee, Global) else ""


def _present(parts: list[Part]) -> list[Part]:
    return [(name, value) for name, value in parts if value is not None]


def _packed_object(state: tuple[object, ...]) -> list[Part] | None:
    """Read the state of a packed object, in any version of its serialization.

    Linear: (weight, bias). Convolution, version 1: (weight, bias, stride, ...); version 2:
    ("2", [settings, weight], [bias]); version 3: ([settings], [None, weight, bias]). Embedding:
    (version, [weight], ...). See ATen's native/quantized/cpu/conv_serialization.h.
    """
    if is_tensor(state[0]):
        bias = state[1] if len(state) > 1 and is_tensor(state[1]) else None
        return _present([("weight", state[0]), ("bias", bias)])
    first, *lists = (untagged(part) for part in state)
    members = [list(part) for part in lists if isinstance(part, list | tuple)]
    if not members:
        return None
    tensors = [value for value in members[0] if is_tensor(value)]
    if isinstance(first, str) and len(tensors) == 2:
        optional = [value for value in members[1] if is_tensor(value)] if members[1:] else []
        return [("weight", tensors[1]), *(("bias", value) for value in optional[:1])]
    if isinstance(first, list | tuple) and 1 <= len(tensors) <= 2:
        return list(zip(("weight", "bias"), tensors, strict=False))
    if isinstance(first, int) and len(tensors) == 1:
        return [("weight", tensors[0])]
    return None


def _cell(state: tuple[object, ...]) -> list[Part] | None:
    """Read a dynamically quantized LSTM or GRU cell.

    Its state is (kind, [bias_ih, bias_hh], [], [], [packed weight_ih, packed weight_hh]).
    """
    parts: list[Part] = []
    lists = [untagged(part) for part in state[1:]]
    for items in lists:
        for index, item in enumerate(items if isinstance(items, list) else []):
            suffix = "ih" if index == 0 else "hh"
            if is_tensor(item) and index < 2:
                parts.append((f"bias_{suffix}", item))
            elif isinstance(item, Record) and index < 2:
                inner = packed_parts(item) if not _is_cell(item) else None
                parts += [(f"weight_{suffix}", value) for _, value in (inner or [])[:1]]
    return parts or None


def _is_cell(record: Record) -> bool:
    state = record.state
    tag = state[1] if isinstance(state, tuple) and len(state) == 2 else ""
    return _class_name(record) == "CellParamsBase" or str(tag).endswith("CellParamsBase")
