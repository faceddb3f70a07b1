"""Turn the datasets of an HDF5 file into tensors."""

from __future__ import annotations

import math
from collections.abc import Iterable

from tensorpeek.loaders.clean import clean
from tensorpeek.loaders.dtypes import DTYPES
from tensorpeek.loaders.keras_format.chunked import ChunkedCodec
from tensorpeek.loaders.keras_format.names import Named
from tensorpeek.loaders.keras_format.outline import Dataset, decode
from tensorpeek.loaders.layout import Layout, contiguous_strides
from tensorpeek.loaders.naming import unique_names
from tensorpeek.loaders.storage import Deflated, FileSpan, Inline, Storage
from tensorpeek.loaders.storage_part import part_of
from tensorpeek.loaders.tensor import Tensor

MAX_DIMENSIONS = 32
MAX_SIZE = 1 << 63


def list_tensors(named: Iterable[Named], place: FileSpan | Deflated) -> tuple[Tensor, ...]:
    """Make tensors of datasets of the HDF5 file at ``place``; values are read later."""
    listed = list(named)
    source = place.path if isinstance(place, FileSpan) else place.span.path
    names = unique_names(one.name for one in listed)
    return tuple(_tensor(one, name, place, source) for one, name in zip(listed, names, strict=True))


def _tensor(one: Named, name: str, place: FileSpan | Deflated, source: str) -> Tensor:
    facts = one.dataset
    layout = Layout(facts.shape, contiguous_strides(facts.shape), 0, facts.byteorder)
    codec = _codec(facts, place)
    error, storage = facts.error or _implausible(facts.shape), None
    if error is None and codec is not None:
        error = codec.problem()
    elif error is None:
        storage = _storage(facts, place)
        error = _problem(facts, layout, storage)
    readable = error is None
    return Tensor(
        name=name,
        layer=clean(one.layer) or name,
        label=clean(one.label) or name,
        role=one.role,
        shape=facts.shape if _implausible(facts.shape) is None else (),
        dtype=facts.dtype,
        storage=storage if readable else None,
        layout=layout if readable and codec is None else None,
        codec=codec if readable else None,
        stored_nbytes=facts.stored,
        error=None if error is None else clean(error),
        source=source,
    )


def _implausible(shape: tuple[int, ...]) -> str | None:
    if len(shape) > MAX_DIMENSIONS or min(shape, default=0) < 0:
        return f"has {len(shape):,} dimensions or a negative one"
    return "has a shape that overflows" if math.prod(filter(None, shape)) >= MAX_SIZE else None


def _codec(facts: Dataset, place: FileSpan | Deflated) -> ChunkedCodec | None:
    if facts.chunks is None or facts.error is not None:
        return None
    return ChunkedCodec(place, facts.shape, facts.dtype, facts.byteorder, facts.chunks)


def _storage(facts: Dataset, place: FileSpan | Deflated) -> Storage | None:
    """Return where plain values lie; None if that is not within the file."""
    if facts.content is not None:
        return Inline(decode(facts.content))
    need = DTYPES[facts.dtype].nbytes(math.prod(facts.shape))
    if facts.offset is None or not 0 <= facts.offset <= place.nbytes - need:
        return None
    return part_of(place, facts.offset, need)


def _problem(facts: Dataset, layout: Layout, storage: Storage | None) -> str | None:
    if storage is None:
        return "truncated or damaged: its values reach past the end of the file"
    return layout.problem(DTYPES[facts.dtype], storage.nbytes)
