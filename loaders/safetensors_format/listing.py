"""Turn the entries of headers into the tensors of one model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tensorpeek.loaders.layout import Layout
from tensorpeek.loaders.naming import role_of, split_name, unique_names
from tensorpeek.loaders.safetensors_format.entry import Entry
from tensorpeek.loaders.safetensors_format.header import Header
from tensorpeek.loaders.storage import FileSpan
from tensorpeek.loaders.tensor import Tensor


@dataclass(frozen=True, slots=True)
class Listed:
    """One tensor that is to be listed; without a ``span`` its ``entry`` says why."""

    entry: Entry
    source: str
    span: FileSpan | None


def of_header(header: Header) -> Iterator[Listed]:
    """Yield the tensors of one file in the order of its header."""
    path, identity = str(header.file.path), header.file.identity
    for entry in header.entries:
        span = FileSpan(path, header.start + entry.start, entry.stop - entry.start, identity)
        yield Listed(entry, path, span if entry.error is None else None)


def without_values(name: str, source: str, error: str) -> Listed:
    """Return a tensor of which only the name is known."""
    return Listed(Entry(name, "uint8", (0,), 0, 0, error), source, None)


def tensors_of(listed: Sequence[Listed]) -> tuple[Tensor, ...]:
    """Make tensors, in the same order, with unique names that are safe to show."""
    names = unique_names(one.entry.name for one in listed)
    return tuple(_tensor(one, name) for one, name in zip(listed, names, strict=True))


def _tensor(one: Listed, name: str) -> Tensor:
    layer, label = split_name(name)
    entry = one.entry
    return Tensor(
        name=name,
        layer=layer,
        label=label,
        role=role_of(label),
        shape=entry.shape,
        dtype=entry.dtype,
        storage=one.span,
        layout=Layout.contiguous(entry.shape),
        stored_nbytes=entry.stop - entry.start,
        error=entry.error,
        source=one.source,
    )
