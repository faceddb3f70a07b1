"""Read what PyTorch wrote before version 1.6: pickles and storages, one after the other."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tensorpeek.loaders.dtypes import DTYPES
from tensorpeek.loaders.errors import LoadError
from tensorpeek.loaders.inert_pickle.machine import Allowance, Source, interpret_at
from tensorpeek.loaders.inert_pickle.values import Global, Pickle
from tensorpeek.loaders.storage import Read, Storage
from tensorpeek.loaders.torch_format.element_types import element_type
from tensorpeek.loaders.torch_format.held_bytes import Place, part_of_place
from tensorpeek.loaders.torch_format.storages import reference

_NUMBER = 0x1950A86A20F9469CFC6C
_BINARY = re.escape(b"\x8a\x0a" + _NUMBER.to_bytes(10, "little"))
_START = re.compile(rb"(?s:(?:\x80[\x02-\x05](?:\x95.{8})?)?%b|L%dL?\n)\." % (_BINARY, _NUMBER))
_PROTOCOL = 1001
_COUNT = 8


@dataclass(frozen=True, eq=False, slots=True)
class Stream:
    """A stream: the pickle of the object that was saved, where its storages lie, its end.

    ``others`` are its further pickles; the object's begins at ``start``.
    """

    pickle: Pickle = field(repr=False)
    places: Mapping[str, Storage | str]
    others: tuple[Pickle, ...] = field(repr=False)
    start: int
    stop: int


def begins_stream(head: bytes) -> bool:
    """Whether ``head`` begins as a stream does: with the pickle of a number, in any protocol."""
    return _START.match(head) is not None


def read_stream(block: Place, source: Source, allowance: Allowance, known: bytes = b"") -> Stream:
    """Read a stream that fills ``block``, which is what ``source`` gives. Raises LoadError.

    After torch.serialization ``_legacy_save``: a magic number, a protocol number, facts about the
    system, the object, the keys of its storages; then each storage, as the number of its elements
    (int64) and their values, always little-endian. What precedes the object need not be read if
    it is ``known``, from another stream.
    """
    start = len(known)
    head: tuple[Pickle, ...] = ()
    if not known or bytes(source.read(0, min(start, source.size))) != known:
        start, head = _read_head(source, allowance)
    saved = interpret_at(source, start, allowance, _resolve)
    keys = interpret_at(source, saved.stop, allowance)
    if not isinstance(keys.root, list):
        raise LoadError(source.path, "damaged: it does not list its storages")
    places, stop = _places(saved, keys.root, block, source.read, keys.stop)
    return Stream(saved, places, (*head, keys), start, stop)


def _read_head(source: Source, allowance: Allowance) -> tuple[int, tuple[Pickle, ...]]:
    """Return where the object begins, and the pickles before it."""
    magic = interpret_at(source, 0, allowance)
    if magic.root != _NUMBER:
        raise LoadError(source.path, "damaged: begins with another magic number")
    protocol = interpret_at(source, magic.stop, allowance)
    if protocol.root != _PROTOCOL:
        raise LoadError(source.path, "is of an unknown protocol of PyTorch")
    system = interpret_at(source, protocol.stop, allowance)
    return system.stop, (magic, protocol, system)


def element_size(kind: str | None) -> int:
    """Return the bytes that one element of a storage of PyTorch's type ``kind`` takes.

    Untyped storages count bytes, and so do those of packed elements.
    """
    dtype = element_type(kind)
    return max(8, DTYPES[dtype].bits) // 8 if dtype is not None else 1


def _resolve(key: object) -> object:
    """Return the class that stands for itself and its source code; PyTorch 1.5 wrote such."""
    if isinstance(key, tuple) and len(key) == 4 and key[0] == "module":
        return key[1] if isinstance(key[1], Global) else None
    return None


def _places(
    saved: Pickle, keys: Sequence[object], block: Place, read: Read, at: int
) -> tuple[dict[str, Storage | str], int]:
    """Return where each storage lies, or why it does not, and where the last one ends."""
    sizes = dict(_element_sizes(saved))
    places: dict[str, Storage | str] = {}
    for key in keys:
        if not isinstance(key, str) or key not in sizes:
            break  # without its type nobody knows how long it is
        if at + _COUNT > block.nbytes:
            break
        count = int.from_bytes(read(at, at + _COUNT), "little", signed=True)
        start, nbytes = at + _COUNT, count * sizes[key]
        if count < 0 or start + nbytes > block.nbytes:
            places[key] = f"its storage is truncated: needs {max(nbytes, 0):,} bytes"
            break
        places[key] = part_of_place(block, start, nbytes)
        at = start + nbytes
    return places, at


def _element_sizes(saved: Pickle) -> Iterator[tuple[str, int]]:
    for persistent in saved.persistents:
        stored = reference(persistent)
        if stored is not None:
            yield stored.key, element_size(stored.kind)
