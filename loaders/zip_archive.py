"""Read the directory of a zip archive and say where the bytes of each member lie."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from tensorpeek.loaders.errors import LoadError
from tensorpeek.loaders.registry import WeightFile
from tensorpeek.loaders.storage import Deflated, FileIdentity, FileSpan, describe, open_version
from tensorpeek.loaders.zip_fields import ENTRY, Entry, ZipDamage, read_entry

MAGIC = b"PK\x03\x04"
"""How a zip archive that starts with a member begins."""

MAX_DIRECTORY = 1 << 26
"""Bytes of directory beyond which a file is refused: about a million members."""

MAX_INFLATED = 1 << 31
"""Bytes beyond which a compressed member is not inflated: it takes a second for every 500 MB."""

MAX_RATIO = 1040
"""Deflate cannot shrink anything further than 1032 to 1; a little more for tiny streams."""

_LOCAL = struct.Struct("<4s5H3I2H")
_END = struct.Struct("<4s4H2IH")
_END64_LOCATOR = struct.Struct("<4sIQI")
_END64 = struct.Struct("<4sQ2H2I4Q")
_MAX_COMMENT = 0xFFFF


@dataclass(frozen=True, slots=True)
class Directory:
    """The raw central directory, and the offset at which it starts."""

    content: bytes = field(repr=False)
    offset: int


@dataclass(frozen=True, eq=False)
class ZipArchive:
    """The members of a zip archive by name, in the order of the directory.

    ``repeated`` names members that the directory lists more than once; the first one counts.
    """

    path: str
    identity: FileIdentity
    members: Mapping[str, Entry]
    repeated: tuple[str, ...]
    directory_offset: int

    @contextmanager
    def places(self) -> Iterator[Places]:
        """Open the file to look up where members start; raises LoadError."""
        with open_version(self.path, self.identity) as handle:
            yield Places(self, handle)


@dataclass(frozen=True, eq=False, slots=True)
class Places:
    """Look-up of members in an archive that is open."""

    archive: ZipArchive
    handle: int

    def storage(self, name: str) -> FileSpan | Deflated:
        """Return where the content of the member ``name`` lies.

        Raises KeyError when there is no such member and ZipDamage when it cannot be read.
        """
        entry, archive = self.archive.members[name], self.archive
        if entry.encrypted:
            raise ZipDamage("is encrypted")
        if entry.method not in (0, 8):
            raise ZipDamage(f"is compressed in an unknown way (method {entry.method})")
        span = FileSpan(archive.path, self._start(entry), entry.packed, archive.identity)
        if span.offset + span.nbytes > archive.directory_offset:
            raise ZipDamage("reaches past the end of the archive's members")
        if entry.method == 0:
            if entry.packed != entry.nbytes:
                raise ZipDamage("is stored but states two different sizes")
            return span
        if entry.nbytes > min(MAX_INFLATED, entry.packed * MAX_RATIO):
            raise ZipDamage(f"would inflate {entry.packed:,} bytes to {entry.nbytes:,}")
        return Deflated(span, entry.nbytes)

    def _start(self, entry: Entry) -> int:
        """Return the offset of a member's content, read off its local header."""
        want = _LOCAL.size + len(entry.raw_name)
        try:
            head = os.pread(self.handle, want, entry.header)
        except OSError as error:
            raise ZipDamage(describe(error)) from error
        if len(head) < want or head[:4] != MAGIC:
            raise ZipDamage("has a damaged local header")
        name_length, extra_length = struct.unpack_from("<2H", head, 26)
        if head[_LOCAL.size :] != entry.raw_name or name_length != len(entry.raw_name):
            raise ZipDamage("has another name in its local header")
        return entry.header + want + int(extra_length)

    def read(self, name: str, limit: int) -> bytes:
        """Return the whole content of the member ``name``, of at most ``limit`` bytes.

        Raises KeyError, ZipDamage and LoadError.
        """
        storage = self.storage(name)
        if storage.nbytes > limit:
            raise ZipDamage(f"is larger than {limit:,} bytes")
        with storage.open() as read:
            return bytes(read(0, storage.nbytes))


def read_directory(file: WeightFile) -> Directory:
    """Read the central directory of a zip archive. Raises LoadError."""
    try:
        with open_version(file.path, file.identity) as handle:
            return _directory(handle, file.identity.size)
    except ZipDamage as error:
        raise LoadError(file.path, str(error)) from error
    except OSError as error:
        raise LoadError(file.path, describe(error)) from error


def parse_archive(file: WeightFile, directory: Directory) -> ZipArchive:
    """Turn a central directory into its members. Raises LoadError when it is damaged."""
    members: dict[str, Entry] = {}
    repeated: dict[str, None] = {}
    try:
        for entry in _entries(directory):
            if entry.name in members:
                repeated[entry.name] = None
            members.setdefault(entry.name, entry)
        _check_places(list(members.values()), directory.offset)
    except ZipDamage as error:
        raise LoadError(file.path, f"damaged central directory: {error}") from error
    return ZipArchive(str(file.path), file.identity, members, tuple(repeated), directory.offset)


def _entries(directory: Directory) -> Iterator[Entry]:
    at, content = 0, directory.content
    while at + 4 <= len(content) and content[at : at + 4] == ENTRY:
        entry, at = read_entry(content, at)
        yield entry
    if at != len(content):
        raise ZipDamage(f"no member at byte {directory.offset + at}")


def _check_places(entries: list[Entry], end: int) -> None:
    """Refuse members that overlap or lie outside: the mark of a bomb or of a broken copy."""
    entries.sort(key=lambda entry: entry.header)
    for index, entry in enumerate(entries):
        limit = entries[index + 1].header if index + 1 < len(entries) else end
        if entry.header + _LOCAL.size + len(entry.raw_name) + entry.packed > limit:
            what = "members overlap" if limit < end else "a member reaches past the end"
            raise ZipDamage(what)


def _directory(handle: int, size: int) -> Directory:
    tail = os.pread(handle, _END.size + _MAX_COMMENT, max(0, size - _END.size - _MAX_COMMENT))
    at = tail.rfind(b"PK\x05\x06")
    while at >= 0 and (
        at + _END.size > len(tail)
        or at + _END.size + int(_END.unpack_from(tail, at)[7]) > len(tail)
    ):
        at = tail.rfind(b"PK\x05\x06", 0, at)
    if at < 0:
        raise ZipDamage("truncated: a zip archive without the directory at its end")
    end = size - len(tail) + at
    _, disk, _, _, count, length, offset, _ = _END.unpack_from(tail, at)
    if 0xFFFF in (disk, count) or 0xFFFFFFFF in (length, offset):
        length, offset, end = _directory64(handle, end, (length, offset))
    if offset + length > end:
        raise ZipDamage("damaged central directory: it does not fit before its end record")
    if length > MAX_DIRECTORY:
        raise ZipDamage(f"damaged central directory: it claims {length:,} bytes")
    content = os.pread(handle, length, offset)
    if len(content) < length:
        raise ZipDamage("truncated while it was read")
    return Directory(content, offset)


def _directory64(handle: int, end: int, small: tuple[int, int]) -> tuple[int, int, int]:
    """Return length, offset and end of the directory from the zip64 record, if there is one."""
    locator_at = end - _END64_LOCATOR.size
    locator = os.pread(handle, _END64_LOCATOR.size, locator_at) if locator_at >= 0 else b""
    if locator[:4] != b"PK\x06\x07":
        return *small, end
    record_at = int(_END64_LOCATOR.unpack(locator)[2])
    if record_at + _END64.size > locator_at:
        raise ZipDamage("damaged central directory: its zip64 record lies outside the file")
    record = os.pread(handle, _END64.size, record_at)
    if len(record) < _END64.size or record[:4] != b"PK\x06\x06":
        raise ZipDamage("damaged central directory: its zip64 record is missing")
    fields = _END64.unpack(record)
    return int(fields[8]), int(fields[9]), record_at
