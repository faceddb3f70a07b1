"""Open a safetensors file, or a whole set of them through its index, as one model."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

from tensorpeek.loaders.collector import collector_paused
from tensorpeek.loaders.errors import LoadError
from tensorpeek.loaders.hf_quantization.join import join_beside
from tensorpeek.loaders.model import Model
from tensorpeek.loaders.registry import WeightFile, look_at
from tensorpeek.loaders.safetensors_format.header import read_header, read_metadata
from tensorpeek.loaders.safetensors_format.listing import (
    Listed,
    of_header,
    tensors_of,
    without_values,
)
from tensorpeek.loaders.shard_index import looks_like_index, read_index
from tensorpeek.loaders.sharded_set import Shard, ShardSet, shard_files

FORMAT = "safetensors"

_SUFFIX = ".safetensors"

_START = re.compile(rb'.{6}\0\0\{\s*(?:["}]|\Z)', re.DOTALL)


def recognizes(file: WeightFile) -> bool:
    """Whether a file begins with a length and a JSON object, or is an index; a cut one too."""
    return _START.match(file.head) is not None or looks_like_index(file, _SUFFIX)


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
        if not looks_like_index(file, _SUFFIX):
            return ()
        return shard_files(path, read_index(file).shards, _SUFFIX)
    except LoadError:
        return ()


def _load_file(file: WeightFile) -> Model:
    header = read_header(file)
    if not header.entries:
        raise LoadError(file.path, "holds no tensors")
    joined = join_beside(file.path, tensors_of(list(of_header(header))), header.descriptions)
    return Model(
        path=file.path,
        format=FORMAT,
        tensors=joined.tensors,
        metadata={**header.metadata, **joined.metadata},
        warnings=(*header.warnings, *joined.warnings),
    )


def _load_set(file: WeightFile) -> Model:
    index = read_index(file)
    metadata, _ = read_metadata(index.metadata)
    descriptions: dict[str, str] = {}
    read_shard = partial(_read_shard, descriptions)
    shards = ShardSet(file.path.parent, read_shard, without_values, metadata)
    listed = [
        one for shard, names in index.shards.items() for one in shards.open_shard(shard, names)
    ]
    if not listed:
        raise LoadError(file.path, "holds no tensors")
    joined = join_beside(file.path, tensors_of(listed), descriptions)
    return Model(
        path=file.path,
        format=FORMAT,
        tensors=joined.tensors,
        metadata={**shards.metadata, **joined.metadata},
        warnings=(*shards.some_warnings(), *joined.warnings),
    )


def _read_shard(descriptions: dict[str, str], file: WeightFile) -> Shard[Listed]:
    """Return what one file lists, and add to ``descriptions`` what it says of tensors."""
    header = read_header(file)
    descriptions.update(header.descriptions)
    names = frozenset(entry.name for entry in header.entries)
    return Shard(tuple(of_header(header)), names, header.metadata, header.warnings)
