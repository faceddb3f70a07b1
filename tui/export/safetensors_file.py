"""Write the safetensors format: the header, then the values one tensor after the other.

The official library takes whole tensors in memory; the format is a length, a JSON header and bytes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, BinaryIO

import ml_dtypes
import numpy as np

from tensorpeek.analysis import Stop
from tensorpeek.tui.export.arrays import Advance
from tensorpeek.tui.export.item import Item, little_endian

NAMES: dict[np.dtype[Any], str] = {
    np.dtype(np.bool_): "BOOL",
    np.dtype(np.uint8): "U8",
    np.dtype(np.int8): "I8",
    np.dtype(np.uint16): "U16",
    np.dtype(np.int16): "I16",
    np.dtype(np.uint32): "U32",
    np.dtype(np.int32): "I32",
    np.dtype(np.uint64): "U64",
    np.dtype(np.int64): "I64",
    np.dtype(np.float16): "F16",
    np.dtype(np.float32): "F32",
    np.dtype(np.float64): "F64",
    np.dtype(np.complex64): "C64",
    np.dtype(ml_dtypes.bfloat16): "BF16",
    np.dtype(ml_dtypes.float8_e4m3fn): "F8_E4M3",
    np.dtype(ml_dtypes.float8_e5m2): "F8_E5M2",
    np.dtype(ml_dtypes.float8_e8m0fnu): "F8_E8M0",
}
"""Types of the format; others are written as float32."""

ALIGNMENT = 8


def write_safetensors(
    items: Sequence[Item], stream: BinaryIO, advance: Advance, stop: Stop
) -> None:
    """Write all tensors under their names; bfloat16 and float8 keep their types."""
    header: dict[str, object] = {}
    end = 0
    for item in items:
        kind = file_type(item)
        begin, end = end, end + item.tensor.params * kind.itemsize
        header[item.tensor.name] = {
            "dtype": NAMES[kind],
            "shape": list(item.tensor.shape),
            "data_offsets": [begin, end],
        }
    text = json.dumps(header, ensure_ascii=False).encode("utf-8", "backslashreplace")
    text += b" " * (-len(text) % ALIGNMENT)
    stream.write(len(text).to_bytes(8, "little") + text)
    for item in items:
        kind = file_type(item)
        for chunk in item.chunks(stop):
            stream.write(little_endian(chunk.astype(kind, copy=False)))
            advance(chunk.size)


def file_type(item: Item) -> np.dtype[Any]:
    """Return the type in which a tensor is written: its own, if the format has it."""
    if item.stored_type in NAMES:
        return item.stored_type
    return item.array_type if item.array_type in NAMES else np.dtype(np.float32)
