"""The bytes of one array in an archive: its first ones for the header, the rest for its values."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tensorpeek.loaders.errors import LoadError
from tensorpeek.loaders.storage import Deflated, FileSpan, Read

_STEP = 1 << 12


@dataclass(frozen=True, slots=True)
class Part:
    """``nbytes`` bytes of a compressed member from byte ``offset`` of its content on."""

    whole: Deflated
    offset: int
    nbytes: int

    @contextmanager
    def open(self) -> Iterator[Read]:
        """See :meth:`tensorpeek.loaders.storage.Storage.open`."""
        with self.whole.open() as read:
            yield lambda start, stop: read(self.offset + start, self.offset + stop)


def part_of(member: FileSpan | Deflated, offset: int, nbytes: int) -> FileSpan | Part:
    """Return ``nbytes`` bytes of a member from ``offset`` on; they must lie within it."""
    if isinstance(member, Deflated):
        return Part(member, offset, nbytes)
    return FileSpan(member.path, member.offset + offset, nbytes, member.identity)


def begin(member: FileSpan | Deflated, size: int) -> bytes:
    """Return the first bytes of a member, at most ``size``; only as much as needed is inflated.

    Raises LoadError.
    """
    size = min(size, member.nbytes)
    if isinstance(member, FileSpan):
        with member.open() as read:
            return bytes(read(0, size))
    span, machine = member.span, zlib.decompressobj(-zlib.MAX_WBITS)
    found, at = b"", 0
    try:
        with span.open() as read:
            while len(found) < size and at < span.nbytes and not machine.eof:
                packed = read(at, min(at + _STEP, span.nbytes))
                found += machine.decompress(machine.unconsumed_tail + packed, size - len(found))
                at += len(packed)
    except zlib.error as error:
        raise LoadError(span.path, f"a compressed member is damaged ({error})") from error
    return found
