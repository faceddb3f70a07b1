"""Walk the protobuf wire format of a file without reading the payloads it carries."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple, NoReturn

from tensorpeek.loaders.errors import LoadError
from tensorpeek.loaders.registry import WeightFile
from tensorpeek.loaders.storage import FileIdentity, describe, open_version

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
"""Wire types (protobuf.dev, "Encoding"); 3 and 4 are groups, which ONNX never had."""

MAX_TEXT = 4096
"""Bytes kept of a name or another text."""
MAX_FIELDS = 4_000_000
"""Fields read in one file: a graph of 100,000 nodes has about 2 million."""
MAX_MESSAGES = 1_000_000
"""Messages entered in one file: each costs some hundred bytes of memory."""

_WINDOW = 1 << 14
_WORD = 1 << 64
_MAX_NUMBER = (1 << 29) - 1


class Field(NamedTuple):
    """One field: its number, wire type, value (of a varint) and the bytes of its content."""

    number: int
    wire: int
    value: int
    start: int
    stop: int


class WireFile:
    """One open file, read by position through a small window. Not for several threads."""

    def __init__(self, path: str, handle: int, identity: FileIdentity) -> None:
        self.path = path
        self.identity = identity
        self._handle = handle
        self._base = 0
        self._window = b""
        self._fields = MAX_FIELDS
        self._messages = MAX_MESSAGES

    @property
    def size(self) -> int:
        """Size of the file in bytes."""
        return self.identity.size

    def damaged(self, at: int, why: str) -> NoReturn:
        """Raise the LoadError for damage at byte ``at``."""
        raise LoadError(self.path, f"damaged at byte {at}: {why}")

    def fields(self, start: int, stop: int, *, beyond: bool = False) -> Iterator[Field]:
        """Yield the fields of the message at bytes ``[start, stop)``.

        A field that reaches past ``stop`` is an error, or, with ``beyond``, the last one yielded.
        Raises LoadError where the message is damaged or has too many parts.
        """
        self._messages -= 1
        if self._messages < 0:
            raise LoadError(self.path, f"has more than {MAX_MESSAGES:,} parts")
        at = start
        while at < stop:
            field = self._short_field(at, stop) or self._field(at, stop)
            at = field.stop
            if at > stop and not beyond:
                self.damaged(field.start, "a field is longer than what holds it")
            yield field

    def _short_field(self, at: int, stop: int) -> Field | None:
        """Read a field whose tag and length, or value, take a byte each: the common case."""
        window, index = self._window, at - self._base
        if not 0 <= index < len(window) - 1 or at + 1 >= stop:
            return None
        tag, value = window[index], window[index + 1]
        if not 8 <= tag < 0x80 or value >= 0x80 or self._fields <= 0:
            return None
        self._fields -= 1
        if tag & 7 == BYTES:
            return Field(tag >> 3, BYTES, 0, at + 2, at + 2 + value)
        return Field(tag >> 3, VARINT, value, at + 1, at + 2) if tag & 7 == VARINT else None

    def _field(self, at: int, stop: int) -> Field:
        self._fields -= 1
        if self._fields < 0:
            raise LoadError(self.path, f"has more than {MAX_FIELDS:,} fields")
        tag, begin = self._varint(at, stop)
        number, wire = tag >> 3, tag & 7
        if not 0 < number <= _MAX_NUMBER:
            self.damaged(at, f"field number {number}")
        if wire == BYTES:
            length, begin = self._varint(begin, stop)
            return Field(number, wire, 0, begin, begin + length)
        if wire == VARINT:
            value, end = self._varint(begin, stop)
            return Field(number, wire, value, begin, end)
        if wire == FIXED32:
            return Field(number, wire, 0, begin, begin + 4)
        if wire == FIXED64:
            return Field(number, wire, 0, begin, begin + 8)
        return self.damaged(at, f"wire type {wire}")

    def _varint(self, at: int, stop: int) -> tuple[int, int]:
        index = at - self._base
        if not 0 <= index <= len(self._window) - 10:
            self._fill(at)
            index = 0
        value = shift = 0
        for end, byte in enumerate(self._window[index : index + 10], at + 1):
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                if end > stop:
                    break
                return value % _WORD, end
        if shift == 70 and at + 10 <= stop:
            self.damaged(at, "a number of more than 10 bytes")
        if stop >= self.size:
            raise LoadError(self.path, f"truncated: ends in the middle of a number at byte {at}")
        return self.damaged(at, "a number is longer than what holds it")

    def _fill(self, at: int) -> None:
        self._window = self._pread(at, _WINDOW)
        self._base = at

    def _pread(self, at: int, count: int) -> bytes:
        try:
            return os.pread(self._handle, count, at)
        except OSError as error:
            raise LoadError(self.path, describe(error)) from error

    def read(self, start: int, stop: int) -> bytes:
        """Return bytes ``[start, stop)``; raises LoadError when they are not there."""
        index = start - self._base
        if index >= 0 and stop - self._base <= len(self._window):
            return self._window[index : stop - self._base]
        got = self._pread(start, stop - start)
        if len(got) != stop - start:
            raise LoadError(self.path, "became shorter while it was read")
        return got

    def text(self, field: Field) -> str:
        """Return the content of a BYTES field as text, at most MAX_TEXT bytes of it.

        What is not UTF-8 becomes U+FFFD. Raises LoadError for another wire type.
        """
        self.expect(field, BYTES)
        cut = min(field.stop, field.start + MAX_TEXT)
        return self.read(field.start, cut).decode("utf-8", "replace")

    def expect(self, field: Field, wire: int) -> Field:
        """Return ``field`` if it has the wire type ``wire``, else raise LoadError."""
        if field.wire != wire:
            self.damaged(field.start, f"field {field.number} has wire type {field.wire}")
        return field

    def integers(self, field: Field, limit: int) -> list[int]:
        """Return the int64 values of one repeated field, packed or not, at most ``limit``."""
        if field.wire == VARINT:
            return [signed(field.value)]
        self.expect(field, BYTES)
        values: list[int] = []
        at = field.start
        while at < field.stop and len(values) < limit:
            value, at = self._varint(at, field.stop)
            values.append(signed(value))
        return values


def signed(value: int) -> int:
    """Return a varint as the int64 it encodes."""
    return value - _WORD if value >= _WORD >> 1 else value


@contextmanager
def open_wire(file: WeightFile) -> Iterator[WireFile]:
    """Open ``file`` for walking; raises LoadError when it is gone or was replaced."""
    with open_version(file.path, file.identity) as handle:
        yield WireFile(str(file.path), handle, file.identity)
