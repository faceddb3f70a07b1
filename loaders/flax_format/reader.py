"""Open Flax checkpoints: msgpack files whose arrays are listed without being read."""

from __future__ import annotations

from collections.abc import Iterator

from tensorpeek.loaders.clean import clean
from tensorpeek.loaders.errors import LoadError
from tensorpeek.loaders.flax_format.chunked_arrays import MARK, join_chunks
from tensorpeek.loaders.flax_format.cursor import Cursor
from tensorpeek.loaders.flax_format.listing import list_tensors
from tensorpeek.loaders.flax_format.walk import Walk
from tensorpeek.loaders.model import Model
from tensorpeek.loaders.registry import WeightFile
from tensorpeek.loaders.storage import FileSpan

FORMAT = "Flax"

MAX_METADATA = 64
"""Small values of the tree that are kept as metadata."""

LAYOUT = "convolution kernels (height, width, in, out), dense kernels (in, out)"


def recognizes(file: WeightFile) -> bool:
    """Whether ``file`` is a msgpack map in whose first 4 KiB an array of Flax begins."""
    head = file.head
    cursor = Cursor(str(file.path), lambda start, stop: head[start:stop], file.identity.size)
    walk = Walk(cursor)
    try:
        walk.run()
    except LoadError:
        return bool(walk.arrays)
    return bool(walk.arrays)


def load(file: WeightFile) -> Model:
    """List the arrays of a checkpoint; values are read later.

    Numbers and texts of the tree, such as ``step``, become metadata. Raises LoadError: truncated,
    damaged, without arrays.
    """
    whole = FileSpan(str(file.path), 0, file.identity.size, file.identity)
    with whole.open() as read:
        cursor = Cursor(whole.path, read, whole.nbytes)
        walk = Walk(cursor)
        walk.run()
    if not walk.arrays:
        raise LoadError(file.path, "holds no tensors")
    return Model(
        path=file.path,
        format=FORMAT,
        tensors=list_tensors(join_chunks(walk.arrays, walk.values), whole),
        metadata={**dict(_metadata(walk)), "kernel layout": LAYOUT},
        warnings=tuple(_doubts(walk, cursor)),
    )


def _metadata(walk: Walk) -> Iterator[tuple[str, str]]:
    split = {path[:-1] for path in walk.values if path and path[-1] == MARK}
    kept = 0
    for path, value in walk.values.items():
        if path[:-1] in split or path[:-2] in split:
            continue
        if kept == MAX_METADATA:
            return
        kept += 1
        yield clean("/".join(path)), clean(str(value))


def _doubts(walk: Walk, cursor: Cursor) -> Iterator[str]:
    if cursor.rest:
        yield f"{cursor.rest:,} bytes follow the checkpoint and are not shown"
    if walk.unknown:
        yield f"holds {walk.unknown:,} values of a type that Flax does not define"
