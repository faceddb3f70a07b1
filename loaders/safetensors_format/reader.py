"""Open a safetensors file, or a whole set of them through its index, as one model."""

from __future__ import annotations

import re
from pathlib import Path

from tensorpeek.loaders.errors import LoadError
from tensorpeek.loaders.model import Model
from tensorpeek.loaders.registry import WeightFile, look_at
from tensorpeek.loaders.safetensors_format.collector import collector_paused
from tensorpeek.loaders.safetensors_format.header import read_header, read_metadata
from tensorpeek.loaders.safetensors_format.index import looks_like_index, read_index
from tensorpeek.loaders.safetensors_format.listing import of_header, tensors_of
from tensorpeek.loaders.safetensors_format.shards import ShardSet, shard_files

FORMAT = "safetensors"

_START = re.compile(rb'.{6}\0\0\{\s*(?:["}]|\Z)', re.DOTALL)


def recognizes(file: WeightFile) -> bool:
    """Whether a file begins with a length and a JSON object, or is an index; a cut one too."""
    return _START.match(file.head) is not None or looks_like_index(file)


def load(file: WeightFile) -> Model:
    """List the tensors of a file, or of all files that an index names.

    Values are read later. A file of a set that is missing or damaged costs its tensors their
    values, not the rest. Raises LoadError: truncated, damaged, or without tensors.
    """
    with collector_paused():
        return _load_set(file) if _START.match(file.head) is None else _load_file(file)


def parts(path: Path) -> tuple[Path, ...]:
    """Return the files that the index at ``path`` names; none if it cannot be read."""
    try:
        file = look_at(path)
        return shard_files(file, read_index(file).shards) if looks_like_index(file) else ()
    except LoadError:
        return ()


def _load_file(file: WeightFile) -> Model:
    header = read_header(file)
    if not header.entries:
        raise LoadError(file.path, "holds no tensors")
    return Model(
        path=file.path,
        format=FORMAT,
        tensors=tensors_of(list(of_header(header))),
        metadata=header.metadata,
        warnings=header.warnings,
    )


def _load_set(file: WeightFile) -> Model:
    index = read_index(file)
    metadata, _ = read_metadata(index.metadata)
    shards = ShardSet(file.path.parent, metadata)
    listed = [
        one for shard, names in index.shards.items() for one in shards.open_shard(shard, names)
    ]
    if not listed:
        raise LoadError(file.path, "holds no tensors")
    return Model(
        path=file.path,
        format=FORMAT,
        tensors=tensors_of(listed),
        metadata=shards.metadata,
        warnings=shards.some_warnings(),
    )
