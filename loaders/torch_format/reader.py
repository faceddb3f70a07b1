"""Open what PyTorch wrote, of any version: zip, old streams, tar, plain pickles, sets of these."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from tensorpeek.loaders.collector import collector_paused
from tensorpeek.loaders.errors import LoadError
from tensorpeek.loaders.hf_quantization.join import join_beside
from tensorpeek.loaders.inert_pickle.machine import Allowance, Source, begins_pickle, interpret_at
from tensorpeek.loaders.model import Model
from tensorpeek.loaders.registry import WeightFile, look_at
from tensorpeek.loaders.storage import FileSpan
from tensorpeek.loaders.torch_format.archive import PICKLE, load_archive
from tensorpeek.loaders.torch_format.contents import Contents
from tensorpeek.loaders.torch_format.old_stream import begins_stream, read_stream
from tensorpeek.loaders.torch_format.shards import (
    is_index,
    load_set,
    shard_paths,
)
from tensorpeek.loaders.torch_format.storages import ListedStorages
from tensorpeek.loaders.torch_format.tar_stream import TarStream, looks_like_tar, members
from tensorpeek.loaders.torch_format.walk import Node
from tensorpeek.loaders.zip_archive import MAGIC as ZIP_MAGIC
from tensorpeek.loaders.zip_archive import read_directory

_PICKLE_START = re.compile(
    rb"(?s:\x80[\x02-\x05]|\([dl]p\d|[]}]q.|c[A-Za-z_][\w.]*\n[A-Za-z_][\w.]*\n|L\d{24}L?\n\.)"
)
"""How pickles begin: from protocol 2 on with its number, else with a container or a class."""

_STREAM_ROOM = 1 << 10
"""Bytes of a file without a directory that count for one storage of its own."""


def recognizes(file: WeightFile) -> bool:
    """Whether PyTorch may have written ``file``, or it is a zip archive too damaged to tell."""
    if file.head.startswith(ZIP_MAGIC):
        try:
            return f"/{PICKLE}".encode() in read_directory(file).content
        except LoadError:
            return True
    if looks_like_tar(file.head):
        return _is_tar(file)
    if _PICKLE_START.match(file.head):
        return begins_pickle(file.head)
    return is_index(file)


def load(file: WeightFile) -> Model:
    """List the tensors of a file, or of all files that an index names; nothing is executed.

    Raises LoadError: truncated, damaged, not a PyTorch file, or without tensors.
    """
    with collector_paused():
        model = load_set(file, load_alone) if is_index(file) else load_alone(file)
    joined = join_beside(file.path, model.tensors)
    return replace(
        model,
        tensors=joined.tensors,
        metadata={**model.metadata, **joined.metadata},
        warnings=(*model.warnings, *joined.warnings),
    )


def load_alone(file: WeightFile) -> Model:
    """List the tensors of one file as they are stored. Raises LoadError."""
    if file.head.startswith(ZIP_MAGIC):
        return load_archive(file)
    if looks_like_tar(file.head):
        return _load_tar(file)
    return _load_stream(file) if begins_stream(file.head) else _load_pickle(file)


def parts(path: Path) -> tuple[Path, ...]:
    """Return the files that the index at ``path`` names; none if it cannot be read."""
    try:
        return shard_paths(look_at(path))
    except LoadError:
        return ()


def _whole(file: WeightFile) -> FileSpan:
    return FileSpan(str(file.path), 0, file.identity.size, file.identity)


def _is_tar(file: WeightFile) -> bool:
    try:
        with _whole(file).open() as read:
            return "pickle" in members(read, file.identity.size)
    except LoadError:
        return False


def _contents(file: WeightFile) -> Contents:
    return Contents(file, Allowance.with_storages(file.identity.size // _STREAM_ROOM))


def _load_tar(file: WeightFile) -> Model:
    contents, block = _contents(file), _whole(file)
    with block.open() as read:
        source = Source(block.path, read, block.nbytes)
        stream = TarStream(block, source, contents.allowance)
        saved, storages = stream.open()
        contents.found += contents.add(saved, storages, source, _section)
    contents.pickles += stream.pickles
    return contents.model("PyTorch 0.1")


def _load_stream(file: WeightFile) -> Model:
    contents, block = _contents(file), _whole(file)
    with block.open() as read:
        source = Source(block.path, read, block.nbytes)
        stream = read_stream(block, source, contents.allowance)
        storages = ListedStorages(block, stream.places)
        contents.found += contents.add(stream.pickle, storages, source, _section)
        contents.pickles += stream.others
        contents.follow(source, stream.stop, "its storages")
    return contents.model("PyTorch before 1.6")


def _load_pickle(file: WeightFile) -> Model:
    contents, block = _contents(file), _whole(file)
    with block.open() as read:
        source = Source(block.path, read, block.nbytes)
        pickle = interpret_at(source, 0, contents.allowance)
        contents.found += contents.add(pickle, ListedStorages(block, {}), source, _section)
        contents.follow(source, pickle.stop, "its pickle")
    return contents.model("pickle")


def _section(node: Node) -> str:
    return node.section
