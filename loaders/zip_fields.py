"""One entry of a zip archive's central directory, decoded and checked."""

from __future__ import annotations

import struct
from dataclasses import dataclass

ENTRY = b"PK\x01\x02"
"""How an entry of the central directory begins."""

_FIXED = struct.Struct("<4s6H3I5H2I")
_ZIP64 = 0x0001
_FULL = 0xFFFFFFFF


class ZipDamage(Exception):  # noqa: N818 (a clause about the archive, turned into a LoadError)
    """What is wrong with an archive or a member, as one clause."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What the central directory says of a member; sizes and the header's offset in bytes."""

    name: str
    raw_name: bytes
    method: int
    packed: int
    nbytes: int
    header: int
    encrypted: bool


def read_entry(content: bytes, at: int) -> tuple[Entry, int]:
    """Decode the entry at ``at``; return it and where the next one starts. Raises ZipDamage."""
    if at + _FIXED.size > len(content):
        raise ZipDamage("it ends within a member")
    fields = _FIXED.unpack_from(content, at)
    flags, method = int(fields[3]), int(fields[4])
    packed, nbytes, header = int(fields[8]), int(fields[9]), int(fields[16])
    name_end = at + _FIXED.size + int(fields[10])
    extra_end = name_end + int(fields[11])
    stop = extra_end + int(fields[12])
    if stop > len(content):
        raise ZipDamage("it ends within a member")
    if _FULL in (packed, nbytes, header):
        extra = content[name_end:extra_end]
        nbytes, packed, header = _widen(extra, (nbytes, packed, header))
    raw = content[at + _FIXED.size : name_end]
    name = raw.decode("utf-8" if flags & 0x800 or raw.isascii() else "cp437", "replace")
    return Entry(name, raw, method, packed, nbytes, header, bool(flags & 1)), stop


def _widen(extra: bytes, values: tuple[int, int, int]) -> tuple[int, int, int]:
    """Replace each 32-bit value that is full by its 64-bit one from the zip64 extra field."""
    wide = _zip64_field(extra)
    result, used = list(values), 0
    for index, value in enumerate(values):
        if value != _FULL:
            continue
        if used + 8 > len(wide):
            raise ZipDamage("a member lacks its 64-bit sizes")
        result[index] = int.from_bytes(wide[used : used + 8], "little")
        used += 8
    return result[0], result[1], result[2]


def _zip64_field(extra: bytes) -> bytes:
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        if kind == _ZIP64:
            return extra[at + 4 : at + 4 + length]
        at += 4 + length
    return b""
