"""From an HDF5 datatype to an element type, or why there is none; needs h5py."""

from __future__ import annotations

import h5py

from tensorpeek.loaders.clean import clean
from tensorpeek.loaders.dtypes import DTYPES
from tensorpeek.loaders.keras_format.outline import Byteorder

Element = tuple[str, Byteorder]

_FLOATS = {
    (2, (15, 10, 5, 0, 10), 15): "float16",
    (2, (15, 7, 8, 0, 7), 127): "bfloat16",
    (4, (31, 23, 8, 0, 23), 127): "float32",
    (8, (63, 52, 11, 0, 52), 1023): "float64",
    (1, (7, 2, 5, 0, 2), 15): "float8_e5m2",
}
"""Floats by bytes, bit fields (sign, exponent's place and size, mantissa's) and exponent bias."""

_REFUSED = {
    h5py.h5t.STRING: "holds text, which is not numbers",
    h5py.h5t.REFERENCE: "holds references to other objects, which are not followed",
    h5py.h5t.VLEN: "holds lists of different lengths",
    h5py.h5t.COMPOUND: "holds records of several fields",
    h5py.h5t.ARRAY: "holds an array in each element",
    h5py.h5t.BITFIELD: "holds bit fields",
    h5py.h5t.TIME: "holds times, which are not numbers",
}


def element_of(stored: h5py.h5t.TypeID, declared: str | None) -> Element | str:
    """Return element type and byte order, or as one clause why the values cannot be shown.

    ``declared`` is what Keras 3 writes beside a dataset whose type HDF5 lacks: bfloat16. Without
    it, two bytes that NumPy knew no type for are bfloat16: Keras has no other such type.
    """
    kind = stored.get_class()
    if kind == h5py.h5t.OPAQUE:
        return _opaque(stored.get_size(), declared)
    if kind == h5py.h5t.ENUM:
        return _enumeration(stored)
    if kind == h5py.h5t.COMPOUND:
        return _complex(stored)
    if kind == h5py.h5t.INTEGER:
        name = _integer(stored)
    elif kind == h5py.h5t.FLOAT:
        key = (stored.get_size(), stored.get_fields(), stored.get_ebias())
        name = _FLOATS.get(key) if stored.get_norm() == h5py.h5t.NORM_IMPLIED else None
    else:
        return _REFUSED.get(kind, "has an element type that is unknown")
    order = _ORDERS.get(stored.get_order())
    if name is None or order is None:
        return "has numbers in a layout of its own"
    return name, order


_ORDERS: dict[int, Byteorder] = {h5py.h5t.ORDER_LE: "little", h5py.h5t.ORDER_BE: "big"}


def _integer(stored: h5py.h5t.TypeID) -> str | None:
    bits = stored.get_size() * 8
    if stored.get_precision() != bits or stored.get_offset() != 0:
        return None
    name = f"{'int' if stored.get_sign() == h5py.h5t.SGN_2 else 'uint'}{bits}"
    return name if name in DTYPES else None


def _opaque(size: int, declared: str | None) -> Element | str:
    name = declared if declared is not None else "bfloat16" if size == 2 else ""
    element = DTYPES.get(name)
    if element is None or element.bits != size * 8:
        what = f" ({clean(name, 60)})" if name else ""
        return f"holds raw bytes{what}; the file does not say what they stand for"
    return name, "little"


def _enumeration(stored: h5py.h5t.TypeID) -> Element | str:
    """Return bool for what h5py makes of it: one byte, FALSE is 0 and TRUE is 1."""
    if stored.get_size() == 1 and stored.get_nmembers() == 2:
        members = {
            stored.get_member_name(index): stored.get_member_value(index) for index in range(2)
        }
        if members == {b"FALSE": 0, b"TRUE": 1}:
            return "bool", "little"
    return "holds an enumeration, not numbers"


def _complex(stored: h5py.h5t.TypeID) -> Element | str:
    """Return a complex type for what h5py makes of it: two floats named r and i, end to end."""
    if stored.get_nmembers() == 2:
        fields = [stored.get_member_name(index) for index in range(2)]
        parts = {element_of(stored.get_member_type(index), None) for index in range(2)}
        half = stored.get_size() // 2
        ends = [stored.get_member_offset(index) for index in range(2)] == [0, half]
        name = f"complex{half * 16}"
        for order in _ORDERS.values():
            if fields == [b"r", b"i"] and ends and parts == {(f"float{half * 8}", order)}:
                return (name, order) if name in DTYPES else _REFUSED[h5py.h5t.COMPOUND]
    return _REFUSED[h5py.h5t.COMPOUND]
