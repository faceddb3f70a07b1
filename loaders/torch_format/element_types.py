"""PyTorch's names for element types and typed storages, in our terms."""

from __future__ import annotations

from tensorpeek.loaders.inert_pickle.values import Global

_SAME = (
    *("float64", "float32", "float16", "bfloat16", "bool", "complex32", "complex64", "complex128"),
    *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz", "float8_e8m0fnu"),
)
_ALIASES = {
    "double": "float64",
    "float": "float32",
    "half": "float16",
    "long": "int64",
    "int": "int32",
    "short": "int16",
    "chalf": "complex32",
    "cfloat": "complex64",
    "cdouble": "complex128",
    "float4_e2m1fn_x2": "float4_e2m1fn",
}
_QUANTIZED = {
    "qint8": "int8",
    "quint8": "uint8",
    "qint32": "int32",
    "quint4x2": "uint4",
    "quint2x4": "uint2",
}
_STORAGES = {
    "Double": "float64",
    "Float": "float32",
    "Half": "float16",
    "BFloat16": "bfloat16",
    "Long": "int64",
    "Int": "int32",
    "Short": "int16",
    "Char": "int8",
    "Byte": "uint8",
    "UInt16": "uint16",
    "UInt32": "uint32",
    "UInt64": "uint64",
    "Bool": "bool",
    "ComplexHalf": "complex32",
    "ComplexFloat": "complex64",
    "ComplexDouble": "complex128",
    "QInt8": "qint8",
    "QUInt8": "quint8",
    "QInt32": "qint32",
    "QUInt4x2": "quint4x2",
    "QUInt2x4": "quint2x4",
    "Float8_e4m3fn": "float8_e4m3fn",
    "Float8_e4m3fnuz": "float8_e4m3fnuz",
    "Float8_e5m2": "float8_e5m2",
    "Float8_e5m2fnuz": "float8_e5m2fnuz",
    "Float8_e8m0fnu": "float8_e8m0fnu",
    "Float4_e2m1fn_x2": "float4_e2m1fn_x2",
}
_DTYPES = {name: name for name in _SAME} | _ALIASES | _QUANTIZED

SCALAR_TYPES = (
    *("uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"),
    *("complex32", "complex64", "complex128", "bool", "qint8", "quint8", "qint32", "bfloat16"),
    *("quint4x2", "quint2x4", "bits1x8", "bits2x4", "bits4x2", "bits8", "bits16"),
    *("float8_e5m2", "float8_e4m3fn", "float8_e5m2fnuz", "float8_e4m3fnuz"),
    *("uint16", "uint32", "uint64"),
)
"""PyTorch's names of element types by number, for TorchScript (c10/core/ScalarType.h)."""


def storage_type(kind: object) -> str | None:
    """Return PyTorch's type name for a typed storage, such as ``qint8`` for ``QInt8Storage``.

    None for an untyped storage and for what is not a storage at all.
    """
    if not isinstance(kind, Global) or not kind.name.endswith("Storage"):
        return None
    prefix = kind.name.removesuffix("Storage")
    return _STORAGES.get(prefix)


def type_name(kind: object) -> str | None:
    """Return PyTorch's type name for a dtype in a pickle: a global, or TorchScript's number."""
    if isinstance(kind, Global) and kind.module == "torch":
        return kind.name
    if isinstance(kind, int) and 0 <= kind < len(SCALAR_TYPES):
        return SCALAR_TYPES[kind]
    return None


def element_type(name: str | None) -> str | None:
    """Return our name of PyTorch's element type ``name``; None if there is none."""
    return _DTYPES.get(name) if name is not None else None
