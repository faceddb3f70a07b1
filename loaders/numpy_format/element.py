"""From the ``descr`` of an .npy header to an element type, or why there is none."""

from __future__ import annotations

import re
from typing import Literal

from tensorpeek.loaders.clean import clean

ELEMENTS = {
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
"""Our element types by kind and bytes, as NumPy's array interface writes them."""

_REFUSED = {
    "M": "holds dates, which are not numbers",
    "m": "holds time differences, which are not numbers",
    "S": "holds text, which is not numbers",
    "a": "holds text, which is not numbers",
    "U": "holds text, which is not numbers",
    "V": "holds raw bytes; the file does not say what they stand for",
}
_OBJECTS = "object array: holds pickled Python objects, which are never loaded"
_EXTENDED = {"f12", "f16", "c24", "c32"}
_DESCR = re.compile(r"([<>=|]?)([A-Za-z])([0-9]{0,10})(?:(?<=[mM]8)\[[^\]]*\])?")
_LONGEST = 60

Byteorder = Literal["little", "big"]


def element_of(descr: object) -> tuple[str, Byteorder] | str:
    """Return element type and byte order, or as one clause why the values cannot be shown."""
    if isinstance(descr, list | tuple):
        fields = f"{len(descr):,} field{'' if len(descr) == 1 else 's'}"
        return f"structured array: its elements have {fields}, which are not shown"
    if not isinstance(descr, str):
        return "has no valid element type"
    match = _DESCR.fullmatch(descr)
    order, kind, size = match.groups() if match is not None else ("", "", "")
    dtype = ELEMENTS.get(kind + size)
    if dtype is None:
        return _refusal(descr, kind, size)
    return dtype, "big" if order == ">" else "little"


def _refusal(descr: str, kind: str, size: str) -> str:
    if kind == "O":
        return _OBJECTS
    shown = clean(descr, _LONGEST)
    if kind + size in _EXTENDED:
        return f"element type {shown} (extended precision) is not supported"
    return f"element type {shown} {_REFUSED.get(kind, 'is unknown')}"
