"""Turn the list of a GGUF header into tensors."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from tensorpeek.loaders.dtypes import DTYPES
from tensorpeek.loaders.gguf_format.block_types import BLOCK_TYPES, PLAIN, BlockType
from tensorpeek.loaders.gguf_format.codec import BlockCodec
from tensorpeek.loaders.gguf_format.header import Header, TensorEntry
from tensorpeek.loaders.layout import Layout, contiguous_strides
from tensorpeek.loaders.naming import role_of, split_name, unique_names
from tensorpeek.loaders.quantization import Quantization
from tensorpeek.loaders.registry import WeightFile
from tensorpeek.loaders.storage import FileSpan
from tensorpeek.loaders.tensor import Tensor

_BEYOND = "lies past the end of the file"

_DISPUTED = 42
"""Q2_0: before ggml had it, a fork of llama.cpp wrote other blocks, of 128, under its number."""


@dataclass(frozen=True, eq=False, slots=True)
class Part:
    """One file of a model, and its header."""

    file: WeightFile
    header: Header


def list_tensors(parts: Iterable[Part]) -> tuple[tuple[Tensor, ...], tuple[str, ...]]:
    """Return the tensors of all parts in file order, and what is to be said about them.

    Names are made unique. A tensor that cannot be read carries its reason.
    """
    listed = [(part, entry) for part in parts for entry in part.header.tensors]
    names = unique_names(entry.name for _, entry in listed)
    tensors = tuple(
        _tensor(part, entry, name) for (part, entry), name in zip(listed, names, strict=True)
    )
    tensors = tuple(_of_ggml(tensors, [entry for _, entry in listed]))
    repeated = len(names) - len({entry.name for _, entry in listed})
    return tensors, tuple(_remarks(tensors, repeated))


def _of_ggml(tensors: tuple[Tensor, ...], entries: list[TensorEntry]) -> Iterator[Tensor]:
    """Yield tensors; those of the disputed type without values if the next one begins in them."""
    starts: dict[str, list[int]] = {}
    if any(entry.kind == _DISPUTED for entry in entries):
        for tensor, entry in zip(tensors, entries, strict=True):
            starts.setdefault(tensor.source, []).append(entry.offset)
    for offsets in starts.values():
        offsets.sort()
    for tensor, entry in zip(tensors, entries, strict=True):
        offsets = starts.get(tensor.source, []) if entry.kind == _DISPUTED else []
        after = bisect_right(offsets, entry.offset)
        if after < len(offsets) and offsets[after] < entry.offset + tensor.nbytes:
            problem = "has blocks of another size than those of ggml's Q2_0 (type 42)"
            yield replace(tensor, error=tensor.error or problem, codec=None, quantization=None)
        else:
            yield tensor


def _remarks(tensors: tuple[Tensor, ...], repeated: int) -> Iterator[str]:
    if repeated:
        yield f"{repeated:,} of {len(tensors):,} tensors have the name of another one"
    beyond = sum(1 for tensor in tensors if tensor.error and tensor.error.startswith(_BEYOND))
    if beyond:
        yield f"{beyond:,} of {len(tensors):,} tensors lie past the end of the file (incomplete?)"


def _tensor(part: Part, entry: TensorEntry, name: str) -> Tensor:
    """Return a tensor with its place, or with the reason why it cannot be read."""
    layer, label = split_name(name)
    block, plain = BLOCK_TYPES.get(entry.kind), PLAIN.get(entry.kind)
    nbytes = _nbytes(entry, block, plain)
    facts = Tensor(
        name=name,
        layer=layer,
        label=label,
        role=role_of(label),
        shape=entry.shape,
        dtype=block.dtype if block is not None else plain or "uint8",
        stored_nbytes=nbytes,
        source=str(part.file.path),
    )
    problem = _problem(part, entry, block, nbytes)
    if problem is not None:
        return replace(facts, error=problem)
    start, order = part.header.start + entry.offset, part.header.byteorder
    span = FileSpan(facts.source, start, nbytes, part.file.identity)
    if block is None:
        layout = Layout(entry.shape, contiguous_strides(entry.shape), 0, order)
        return replace(facts, storage=span, layout=layout)
    codec = BlockCodec(span, entry.kind, order)
    return replace(facts, codec=codec, quantization=_quantization(block, codec, entry.shape))


def _nbytes(entry: TensorEntry, block: BlockType | None, plain: str | None) -> int:
    """Return the bytes that a tensor takes; 0 for an unknown type."""
    count = math.prod(entry.shape)
    if block is not None:
        return count // block.size * block.nbytes
    return DTYPES[plain].nbytes(count) if plain is not None else 0


def _problem(part: Part, entry: TensorEntry, block: BlockType | None, nbytes: int) -> str | None:
    if block is None and entry.kind not in PLAIN:
        return f"unknown ggml type {entry.kind}"
    row = entry.shape[-1] if entry.shape else 1
    if block is not None and row % block.size:
        return f"rows of {row:,} elements do not divide into {block.name} blocks of {block.size}"
    if block is not None and part.header.byteorder == "big" and block.halves is None:
        return f"the byte order within {block.name} blocks of a big-endian file is not known"
    start, size = part.header.start + entry.offset, part.file.identity.size
    if nbytes and start + nbytes > size:
        return f"{_BEYOND}: bytes {start:,} to {start + nbytes:,} of {size:,}"
    return None


def _quantization(block: BlockType, codec: BlockCodec, shape: tuple[int, ...]) -> Quantization:
    return Quantization(
        scheme=block.scheme,
        source=f"GGUF {block.name}",
        bits=block.bits,
        scale=None,
        within=codec,
        axis=len(shape) - 1,
        block=block.group,
    )
