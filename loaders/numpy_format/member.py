"""The first bytes of an array in an archive, for its header."""

from __future__ import annotations

import zlib

from tensorpeek.loaders.errors import LoadError
from tensorpeek.loaders.storage import Deflated, FileSpan
from tensorpeek.loaders.storage_part import part_of

__all__ = ["begin", "part_of"]

_STEP = 1 << 12


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
