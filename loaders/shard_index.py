"""The index of a set of files: which tensor lies in which file of the folder."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tensorpeek.loaders.clean import clean
from tensorpeek.loaders.errors import LoadError
from tensorpeek.loaders.registry import WeightFile
from tensorpeek.loaders.safetensors_format.json_object import JsonError, parse_object
from tensorpeek.loaders.storage import FileSpan

MAX_INDEX = 1 << 26
"""Bytes beyond which an index is refused: half a million tensors."""

MAX_SHARDS = 8192
"""Files beyond which an index is refused; the largest public models have a few hundred."""

_KEY = b'"weight_map"'
_MAP = re.compile(
    rb'"weight_map"\s*:\s*\{\s*"(?:[^"\\]|\\.)*"\s*:\s*"[^"]*(\.[A-Za-z]+)"', re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Index:
    """The tensors that each file of a set should hold; files are sorted by name."""

    shards: dict[str, tuple[str, ...]]
    metadata: object


def looks_like_index(file: WeightFile, suffix: str) -> bool:
    """Whether a file is a JSON object whose ``weight_map`` leads to files with ``suffix``."""
    if not file.head.lstrip().startswith(b"{") or file.identity.size > MAX_INDEX:
        return False
    match = _MAP.search(file.head)
    if match is None:
        try:
            content = _content(file)
        except LoadError:
            return False
        at = content.find(_KEY)
        match = _MAP.search(content, at) if at >= 0 else None
    return match is not None and match[1] == suffix.encode()


def read_index(file: WeightFile) -> Index:
    """Read which tensor lies where. Raises LoadError."""
    try:
        fields = parse_object(_content(file))
    except JsonError as error:
        raise LoadError(file.path, f"damaged index: it {error}") from error
    weight_map = fields.get("weight_map")
    if not isinstance(weight_map, dict):
        raise LoadError(file.path, "damaged index: its weight_map is not an object")
    shards: dict[str, list[str]] = {}
    for name, shard in weight_map.items():
        if not isinstance(shard, str):
            reason = f"damaged index: no file is named for {clean(name, 120)}"
            raise LoadError(file.path, reason)
        shards.setdefault(shard, []).append(name)
    if len(shards) > MAX_SHARDS:
        raise LoadError(file.path, f"damaged index: it names more than {MAX_SHARDS:,} files")
    ordered = {shard: tuple(shards[shard]) for shard in sorted(shards)}
    return Index(ordered, fields.get("metadata"))


def _content(file: WeightFile) -> bytes:
    size = file.identity.size
    if size > MAX_INDEX:
        raise LoadError(file.path, f"damaged index: it is larger than {MAX_INDEX:,} bytes")
    with FileSpan(str(file.path), 0, size, file.identity).open() as read:
        return bytes(read(0, size))
