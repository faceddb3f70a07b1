"""NumPy arrays within a pickle: their values lie in the pickle itself."""

from __future__ import annotations

import math

from tensorpeek.loaders.dtypes import DTYPES
from tensorpeek.loaders.inert_pickle.values import Global, Record
from tensorpeek.loaders.layout import Layout
from tensorpeek.loaders.storage import Inline
from tensorpeek.loaders.torch_format.facts import Facts, failed, whole_numbers

_TYPES = {
    "b1": "bool",
    "i1": "int8",
    "i2": "int16",
    "i4": "int32",
    "i8": "int64",
    "u1": "uint8",
    "u2": "uint16",
    "u4": "uint32",
    "u8": "uint64",
    "f2": "float16",
    "f4": "float32",
    "f8": "float64",
    "c8": "complex64",
    "c16": "complex128",
}


def numpy_array(record: Record) -> Facts:
    """Read the state (version, shape, dtype, Fortran order, content) of an array's record."""
    state = record.state
    if not isinstance(state, tuple) or len(state) != 5:
        return failed("is a NumPy array without its content")
    shape, dtype = whole_numbers(state[1]), _element(state[2])
    content = encoded(state[4])
    if dtype is None or shape is None or min(shape, default=0) < 0 or content is None:
        return failed("is a NumPy array of an unknown type")
    layout = Layout.contiguous(shape)
    if state[3] is True:
        layout = Layout(shape, Layout.contiguous(shape[::-1]).strides[::-1])
    if _swapped(state[2]):
        layout = Layout(layout.shape, layout.strides, 0, "big")
    if DTYPES[dtype].nbytes(math.prod(shape)) != len(content):
        return failed("is a NumPy array whose content has another size", dtype)
    return Facts(dtype, shape, Inline(content), layout)


def encoded(value: object) -> bytes | None:
    """Return bytes; old protocols write them as text that ``_codecs.encode`` turns to Latin-1."""
    if isinstance(value, bytes):
        return value
    if not isinstance(value, Record) or value.callee != Global("_codecs", "encode"):
        return None
    arguments = value.arguments
    if not isinstance(arguments, tuple) or not arguments or not isinstance(arguments[0], str):
        return None
    try:
        return arguments[0].encode("latin-1")
    except UnicodeEncodeError:
        return None


def _element(value: object) -> str | None:
    if not isinstance(value, Record) or value.callee != Global("numpy", "dtype"):
        return None
    arguments = value.arguments
    if not isinstance(arguments, tuple) or not arguments or not isinstance(arguments[0], str):
        return None
    return _TYPES.get(arguments[0].lstrip("<>|="))


def _swapped(value: object) -> bool:
    """Whether the dtype's state says big-endian."""
    state = value.state if isinstance(value, Record) else None
    return isinstance(state, tuple) and len(state) > 1 and state[1] == ">"
