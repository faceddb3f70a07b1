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
    """Whether a file is a JSON object whose ``weight_map`` leads to files with ``suffix``.

    One without a readable ``weight_map`` is, if its name says so: then :func:`read_index` tells
    what is wrong with it.
    """
    if not file.head.lstrip().startswith(b"{"):
        return False
    found = _suffix_of_shards(file)
    if found is not None:
        return found == suffix
    return re.search(rf"\{suffix}\.index(\.\w+)?\.json$", file.path.name.lower()) is not None


def _suffix_of_shards(file: WeightFile) -> str | None:
    """Return the suffix of the first file that the ``weight_map`` names."""
    match = _MAP.search(file.head)
    if match is None:
        try:
            content = _content(file)
        except LoadError:
            return None
        at = content.find(_KEY)
        match = _MAP.search(content, at) if at >= 0 else None
    return None if match is None else match[1].decode()


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
