"""Open a set of PyTorch files that an index names (Hugging Face's) as one model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from tensorpeek.loaders.clean import clean
from tensorpeek.loaders.errors import LoadError
from tensorpeek.loaders.imports import Import
from tensorpeek.loaders.model import Model
from tensorpeek.loaders.naming import role_of, split_name, unique_names
from tensorpeek.loaders.registry import WeightFile
from tensorpeek.loaders.shard_index import looks_like_index, read_index
from tensorpeek.loaders.sharded_set import Shard, ShardSet, shard_files
from tensorpeek.loaders.tensor import Tensor

_SUFFIX = ".bin"

Load = Callable[[WeightFile], Model]


def is_index(file: WeightFile) -> bool:
    """Whether ``file`` is an index that leads to files of PyTorch."""
    return looks_like_index(file, _SUFFIX)


def shard_paths(file: WeightFile) -> tuple[Path, ...]:
    """Return the files that an index names; none if it is no such index. Raises LoadError."""
    if not is_index(file):
        return ()
    return shard_files(file.path, read_index(file).shards, _SUFFIX)


def load_set(file: WeightFile, load: Load) -> Model:
    """List the tensors of all files that an index names, each of which ``load`` opens.

    A file that is missing or damaged costs its tensors their values. Raises LoadError.
    """
    index = read_index(file)
    imports: dict[Import, None] = {}
    shards = ShardSet(file.path.parent, partial(_read_shard, load, imports), _absent)
    listed = [
        one for shard, names in index.shards.items() for one in shards.open_shard(shard, names)
    ]
    if not listed:
        raise LoadError(file.path, "holds no tensors")
    names = unique_names(tensor.name for tensor in listed)
    tensors = [
        tensor if tensor.name == name else replace(tensor, name=name)
        for tensor, name in zip(listed, names, strict=True)
    ]
    return Model(
        path=file.path,
        format="PyTorch",
        tensors=tuple(tensors),
        metadata=shards.metadata,
        warnings=shards.some_warnings(),
        imports=tuple(sorted(imports, key=lambda one: not one.dangerous)),
    )


def _read_shard(load: Load, imports: dict[Import, None], file: WeightFile) -> Shard[Tensor]:
    if is_index(file):
        raise LoadError(file.path, "is an index itself")
    model = load(file)
    imports.update(dict.fromkeys(model.imports))
    names = {name for tensor in model.tensors for name in (tensor.name, *tensor.aliases)}
    return Shard(model.tensors, frozenset(names), model.metadata, model.warnings)


def _absent(name: str, source: str, error: str) -> Tensor:
    layer, label = split_name(clean(name))
    return Tensor(
        name=clean(name),
        layer=layer,
        label=label,
        role=role_of(label),
        shape=(0,),
        dtype="uint8",
        error=error,
        source=source,
    )
