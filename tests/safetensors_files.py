"""Safetensors files made by hand, for tests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def file_of(header: Mapping[str, Any] | bytes | str, values: bytes = b"") -> bytes:
    """Return the bytes of a file with this header, which need not be valid."""
    if isinstance(header, Mapping):
        header = json.dumps(header)
    text = header.encode() if isinstance(header, str) else header
    return len(text).to_bytes(8, "little") + text + values


def entry(dtype: object, shape: object, *offsets: object) -> dict[str, Any]:
    """Return what a header says of one tensor."""
    return {"dtype": dtype, "shape": shape, "data_offsets": list(offsets)}


def write_set(folder: Path, shards: Mapping[str, Mapping[str, Any]]) -> Path:
    """Write safetensors files of one-byte tensors (names to values), and their index."""
    weight_map = {}
    for shard, tensors in shards.items():
        header, content = {}, b""
        for name, values in tensors.items():
            content += bytes(values)
            header[name] = entry("U8", [len(values)], len(content) - len(values), len(content))
            weight_map[name] = shard
        (folder / shard).write_bytes(file_of(header, content))
    return write_index(folder, weight_map)


def write_index(folder: Path, weight_map: object, **more: object) -> Path:
    """Write an index file."""
    path = folder / "model.safetensors.index.json"
    path.write_text(json.dumps({**more, "weight_map": weight_map}))
    return path
