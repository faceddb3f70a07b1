"""Turn the records of PyTorch's tensor-rebuild functions into facts about tensors."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

from tensorpeek.loaders.dtypes import DTYPES
from tensorpeek.loaders.inert_pickle.values import Global, Pairs, Record
from tensorpeek.loaders.layout import Layout
from tensorpeek.loaders.torch_format.element_types import element_type, type_name
from tensorpeek.loaders.torch_format.facts import MAX_SIZE, Facts, failed, is_whole, whole_numbers
from tensorpeek.loaders.torch_format.numpy_arrays import numpy_array
from tensorpeek.loaders.torch_format.quantized import quantizer
from tensorpeek.loaders.torch_format.sparse import SPARSE
from tensorpeek.loaders.torch_format.storages import Storages

PARAMETERS = frozenset(
    {
        Global("torch.nn.parameter", "Parameter"),
        Global("torch.autograd.variable", "Variable"),
    }
)
"""Classes around a tensor, as PyTorch 0.1 wrote them."""

Rebuild = Callable[["Rebuilder", tuple[object, ...]], Facts]

_MAX_WRAPPERS = 16


class Rebuilder:
    """Makes facts of tensor records; each record is looked at once."""

    def __init__(self, storages: Storages) -> None:
        self.storages = storages
        self._known: dict[int, Facts] = {}

    def facts(self, record: Record) -> Facts:
        """Return what ``record``, for which :func:`is_tensor` holds, says of a tensor."""
        known = self._known.get(id(record))
        if known is None:
            known = self._known[id(record)] = self._rebuild(record)
        return known

    def storage_key(self, value: object) -> str | None:
        """Return the key of a tensor's storage, if there is one."""
        known = self._known.get(id(value))
        key = known.key if known is not None and known.error is None else None
        return str(key[1]) if isinstance(key, tuple) and len(key) == 6 else None

    def _rebuild(self, record: Record) -> Facts:
        for _ in range(_MAX_WRAPPERS):
            inner = _unwrap(record)
            if inner is None:
                break
            record = inner
        rebuild = _REBUILDERS.get(record.callee) if isinstance(record.callee, Global) else None
        if rebuild is None or not isinstance(record.arguments, tuple):
            return failed("is not described by its pickle in a known way")
        if rebuild is _numpy_array:
            return numpy_array(record, self.storages.pickle)
        return rebuild(self, record.arguments)

    def plain(self, arguments: tuple[object, ...], kind: str | None = None) -> Facts:
        """Return the strided tensor of (storage, offset, size, stride), of PyTorch's type ``kind``.

        Without ``kind`` the storage has to have a type.
        """
        stored = self.storages.reference(arguments[0]) if arguments else None
        if stored is None or len(arguments) < 4:
            return failed("does not name its storage")
        offset, sizes, steps = arguments[1:4]
        shape, strides = whole_numbers(sizes), whole_numbers(steps)
        kind = kind or stored.kind
        dtype = element_type(kind)
        if shape is None or strides is None or not is_whole(offset):
            return failed("has an impossible shape", dtype)
        if dtype is None:
            found = self.storages.find(stored.key) if kind is None else None
            unknown = f"has the unknown element type {kind or 'of an untyped storage'}"
            return failed(found if isinstance(found, str) else unknown)
        offset += stored.start
        layout = Layout(shape, strides, offset, self.storages.byteorder)
        if kind == "float4_e2m1fn_x2":
            layout = _two_per_byte(layout)
        storage = self.storages.find(stored.key)
        if isinstance(storage, str):
            return failed(storage, dtype, shape)
        problem = _problem(layout, dtype, storage.nbytes)
        if problem is not None:
            return failed(problem, dtype, shape if min(shape, default=0) >= 0 else ())
        key = (self.storages.folder, stored.key, dtype, layout.shape, strides, offset)
        return Facts(dtype, layout.shape, storage, layout, key=key)


def is_tensor(value: object) -> bool:
    """Whether ``value`` is the record of a call that rebuilds a tensor."""
    return isinstance(value, Record) and value.calls(_TENSORS)


def is_parameter(value: object) -> bool:
    """Whether ``value`` is the record of a ``torch.nn.Parameter``."""
    return (
        isinstance(value, Record)
        and isinstance(value.callee, Global)
        and (value.callee in PARAMETERS or value.callee.name.startswith("_rebuild_parameter"))
    )


def _unwrap(record: Record) -> Record | None:
    """Return the record of the tensor within a parameter, a subclass or a tensor on a device."""
    arguments = record.arguments
    if not record.calls(_WRAPPERS) or not isinstance(arguments, tuple) or not arguments:
        return None
    first = arguments[0]
    if isinstance(first, Global) and len(arguments) > 2:
        return Record(first, arguments[2])
    return first if is_tensor(first) and isinstance(first, Record) else None


def _problem(layout: Layout, dtype: str, nbytes: int) -> str | None:
    element = DTYPES[dtype]
    if dtype == "complex32":
        return "is of type complex32, which cannot be shown"
    if math.prod(filter(None, layout.shape)) >= MAX_SIZE:
        return "has an impossible shape"
    if element.bits < 8 and (layout.offset or not layout.is_contiguous):
        return "is packed but not contiguous"
    return layout.problem(element, nbytes)


def _two_per_byte(layout: Layout) -> Layout:
    """Spell out float4_e2m1fn_x2: each stored byte is two elements along the last axis."""
    if not layout.shape or not layout.is_contiguous:
        return layout
    shape = (*layout.shape[:-1], layout.shape[-1] * 2)
    strides = Layout.contiguous(shape).strides
    return Layout(shape, strides, layout.offset * 2, layout.byteorder)


def _version_2(rebuilder: Rebuilder, arguments: tuple[object, ...]) -> Facts:
    reason = _lazy_change(arguments[6]) if len(arguments) > 6 else None
    facts = rebuilder.plain(arguments)
    return failed(reason, facts.dtype, facts.shape) if reason else facts


def _version_3(rebuilder: Rebuilder, arguments: tuple[object, ...]) -> Facts:
    if len(arguments) < 7:
        return failed("is not described by its pickle in a known way")
    reason = _lazy_change(arguments[7]) if len(arguments) > 7 else None
    facts = rebuilder.plain(arguments, type_name(arguments[6]))
    return failed(reason, facts.dtype, facts.shape) if reason else facts


def _lazy_change(metadata: object) -> str | None:
    """Return what is still to be done to the stored values: conjugate or negate them."""
    if isinstance(metadata, Pairs):
        for key, value in metadata.pairs:
            if value is True and isinstance(key, str) and key in ("conj", "neg"):
                return f"its stored values are yet to be {_CHANGES[key]}"
    return None


_CHANGES = {"conj": "conjugated", "neg": "negated"}


def _quantized(rebuilder: Rebuilder, arguments: tuple[object, ...]) -> Facts:
    facts = rebuilder.plain(arguments)
    if facts.error is not None:
        return facts
    if len(arguments) < 5 or not isinstance(arguments[4], tuple):
        return failed("does not tell how it is quantized", facts.dtype, facts.shape)
    parts = [
        rebuilder.facts(part) if isinstance(part, Record) and part.calls(_PLAIN) else part
        for part in arguments[4]
    ]
    stored = rebuilder.storages.reference(arguments[0])
    source = f"torch {stored.kind if stored else None}"
    made = quantizer(source, parts, facts.shape)
    if isinstance(made, str):
        return failed(made, facts.dtype, facts.shape)
    key = (facts.key, made.scheme, made.axis, made.scale.key, made.zero_point.key)
    return Facts(facts.dtype, facts.shape, facts.storage, facts.layout, made, key=key)


def _without_values(
    reason: str, dtype_at: int, size_at: int, _: Rebuilder, arguments: tuple[object, ...]
) -> Facts:
    def argument(index: int) -> object:
        return arguments[index] if 0 <= index < len(arguments) else None

    dtype = element_type(type_name(argument(dtype_at)))
    return failed(reason, dtype, _sizes(argument(size_at)))


def _sizes(value: object) -> tuple[int, ...]:
    numbers = whole_numbers(value) or ()
    return numbers if min(numbers, default=0) >= 0 else ()


def _numpy_array(_: Rebuilder, __: tuple[object, ...]) -> Facts:
    return failed("is not described by its pickle in a known way")


_NOT_INITIALIZED = partial(_without_values, "is not initialized: has no values", -1, -1)

_PLAIN: dict[Global, Rebuild] = {
    Global("torch._utils", "_rebuild_tensor"): lambda rebuilder, args: rebuilder.plain(args),
    Global("torch._utils", "_rebuild_tensor_v2"): _version_2,
    Global("torch._utils", "_rebuild_tensor_v3"): _version_3,
}
_REBUILDERS: dict[Global, Rebuild] = {
    **_PLAIN,
    Global("torch._utils", "_rebuild_qtensor"): _quantized,
    **dict.fromkeys(
        SPARSE, partial(_without_values, "is a sparse tensor in an unknown form", -1, -1)
    ),
    Global("torch._utils", "_rebuild_nested_tensor"): partial(
        _without_values, "is a nested tensor, and nested values are not shown", -1, -1
    ),
    Global("torch._utils", "_rebuild_meta_tensor_no_storage"): partial(
        _without_values, "meta tensor: has no values", 0, 1
    ),
    Global("torch._utils", "_rebuild_wrapper_subclass"): partial(
        _without_values, "tensor subclass without values of its own", 1, 2
    ),
    Global("torch.nn.parameter", "UninitializedParameter"): _NOT_INITIALIZED,
    Global("torch.nn.parameter", "UninitializedBuffer"): _NOT_INITIALIZED,
    Global("numpy.core.multiarray", "_reconstruct"): _numpy_array,
    Global("numpy._core.multiarray", "_reconstruct"): _numpy_array,
    Global("numpy.core.numeric", "_frombuffer"): _numpy_array,
    Global("numpy._core.numeric", "_frombuffer"): _numpy_array,
}
_WRAPPERS = frozenset(
    {
        Global("torch._utils", "_rebuild_parameter"),
        Global("torch._utils", "_rebuild_parameter_with_state"),
        *PARAMETERS,
        Global("torch._utils", "_rebuild_device_tensor_from_numpy"),
        Global("torch._utils", "_rebuild_device_tensor_from_cpu_tensor"),
        Global("torch._utils", "_rebuild_xla_tensor"),
        Global("torch._tensor", "_rebuild_from_type"),
        Global("torch._tensor", "_rebuild_from_type_v2"),
    }
)
_TENSORS = _WRAPPERS.union(_REBUILDERS)
