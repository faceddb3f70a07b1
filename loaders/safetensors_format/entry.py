"""What a safetensors header says of one tensor, checked by itself."""

from __future__ import annotations

import math
from typing import NamedTuple, TypeGuard

from tensorpeek.loaders.clean import clean
from tensorpeek.loaders.dtypes import DTYPES

ELEMENTS = {
    "BOOL": "bool",
    "I8": "int8",
    "I16": "int16",
    "I32": "int32",
    "I64": "int64",
    "U8": "uint8",
    "U16": "uint16",
    "U32": "uint32",
    "U64": "uint64",
    "F4": "float4_e2m1fn",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E4M3FNUZ": "float8_e4m3fnuz",
    "F8_E5M2": "float8_e5m2",
    "F8_E5M2FNUZ": "float8_e5m2fnuz",
    "F8_E8M0": "float8_e8m0fnu",
    "F16": "float16",
    "BF16": "bfloat16",
    "F32": "float32",
    "F64": "float64",
    "C64": "complex64",
}
"""Element types by their names in a header (safetensors 0.8, enum Dtype)."""

WITHOUT_PACKING = {"F6_E2M3": 6, "F6_E3M2": 6}
"""Bits of the types whose size the format defines but not how their bits share bytes."""

MAX_DIMENSIONS = 64
MAX_SIZE = 1 << 63

_LONGEST_NAME = 120


class EntryError(Exception):
    """What is wrong with a header, as one clause."""


class Entry(NamedTuple):
    """One tensor of a header: ``start`` and ``stop`` count bytes from the end of the header.

    With an ``error`` the tensor has no values that could be shown.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    stop: int
    error: str | None = None


def read_entry(name: str, value: object) -> Entry:
    """Check one entry of a header: its type, shape and offsets, and that they agree.

    A shape counts elements, also where two share a byte (F4). Raises EntryError.
    """
    if not isinstance(value, dict):
        raise EntryError(f"{shown(name)} is not described by an object")
    kind, shape = value.get("dtype"), value.get("shape")
    if not isinstance(kind, str):
        raise EntryError(f"{shown(name)} has no element type")
    if not _are_sizes(shape):
        raise EntryError(f"{shown(name)} has no valid shape")
    start, stop = _offsets(name, value.get("data_offsets"))
    if len(shape) > MAX_DIMENSIONS:
        return Entry(name, "uint8", (), start, stop, f"has {len(shape):,} dimensions")
    count = math.prod(shape)
    if count >= MAX_SIZE or (not count and math.prod(filter(None, shape)) >= MAX_SIZE):
        raise EntryError(f"the shape of {shown(name)} overflows")
    dtype = ELEMENTS.get(kind)
    bits = WITHOUT_PACKING.get(kind) if dtype is None else DTYPES[dtype].bits
    if bits is not None:
        _check_size(name, count * bits, stop - start)
    if dtype is None:
        error = f"element type {clean(kind, _LONGEST_NAME)} is not supported"
        return Entry(name, "uint8", tuple(shape), start, stop, error)
    return Entry(name, dtype, tuple(shape), start, stop)


def shown(name: str) -> str:
    """Return a tensor's name as an error message shows it: safe and short."""
    return clean(name, _LONGEST_NAME) or "a tensor without a name"


def _are_sizes(shape: object) -> TypeGuard[list[int]]:
    """Whether ``shape`` is a list of integers that fit; bools are none."""
    if not isinstance(shape, list):
        return False
    for length in shape:  # noqa: SIM110 (a generator takes three times as long)
        if type(length) is not int or not 0 <= length < MAX_SIZE:
            return False
    return True


def _offsets(name: str, offsets: object) -> tuple[int, int]:
    if not isinstance(offsets, list) or len(offsets) != 2:
        raise EntryError(f"{shown(name)} has no valid offsets")
    start, stop = offsets
    if type(start) is not int or type(stop) is not int:
        raise EntryError(f"{shown(name)} has no valid offsets")
    if start < 0 or stop < 0:
        raise EntryError(f"{shown(name)} has a negative offset")
    if stop < start:
        raise EntryError(f"the offsets of {shown(name)} are out of order")
    return start, stop


def _check_size(name: str, bits: int, has: int) -> None:
    if bits % 8:
        raise EntryError(f"the elements of {shown(name)} do not fill whole bytes")
    if bits // 8 != has:
        raise EntryError(f"{shown(name)} has {has:,} bytes, its shape needs {bits // 8:,}")
