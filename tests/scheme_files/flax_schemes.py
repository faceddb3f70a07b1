"""Checkpoints of Flax: every element type, and an array that is split."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ml_dtypes
import msgpack
import numpy as np
from flax_files import serialize, split

from scheme_files.sample import Array, Sample, Samples, codes, place, weights

KINDS = [
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float16", "float32", "float64", "complex64", "complex128"),
    *("bfloat16", "float8_e4m3fn", "float8_e5m2"),
]
BY = "msgpack and NumPy"


def write(folder: Path) -> Samples:
    """Write every file, one after the other."""
    for kind in KINDS:
        path = place(folder, kind, "model.msgpack")
        dtype = np.dtype(getattr(ml_dtypes, kind, kind))
        values = (codes(0, 99) if dtype.kind in "biu" else weights()).astype(dtype)
        path.write_bytes(serialize({"params": {"Dense_0": {"kernel": values}}}))
        found = msgpack.unpackb(path.read_bytes(), ext_hook=_array, strict_map_key=False)
        truths = {"dequantized": found["params"]["Dense_0"]["kernel"]}
        yield Sample(kind, path, "params/Dense_0/kernel", truths, BY)
    path = place(folder, "float32, split", "model.msgpack")
    path.write_bytes(serialize({"step": 7, "kernel": split(weights(), 100)}))
    yield Sample("float32, split", path, "kernel", {"dequantized": weights()}, "NumPy, as written")


def _array(code: int, content: bytes) -> Array:
    shape, name, values = msgpack.unpackb(content)
    dtype: Any = getattr(ml_dtypes, name, name)
    return np.frombuffer(values, dtype).reshape(shape)
