"""Read tables, vectors and strings of a flatbuffer file, every offset checked before it is used."""

from __future__ import annotations

import os
import struct
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NoReturn

from tensorpeek.loaders.clean import clean
from tensorpeek.loaders.errors import LoadError
from tensorpeek.loaders.registry import WeightFile
from tensorpeek.loaders.storage import FileIdentity, describe, open_version

MAX_TABLES = 500_000
"""Tables read in one file: a graph of 20,000 tensors has about 80,000."""
MAX_INTEGERS = 1 << 22
"""Integers decoded in one file: shapes, the inputs and outputs of operators."""
MAX_TEXT = 2048
"""Bytes kept of one string: more than MAX_NAME characters."""
MAX_TEXTS = 64 << 20
"""Bytes of all strings read in one file."""

NUMBERS = {code: struct.Struct(f"<{code}") for code in "bBiIQ"}
"""Single numbers by their struct code."""

_PAGE = 1 << 14
_PAGES = 256
_MAX_FIELDS = 64


@dataclass(frozen=True, slots=True)
class Vector:
    """The ``count`` elements of ``width`` bytes each from byte ``start`` of the file on."""

    start: int
    count: int
    width: int

    @property
    def nbytes(self) -> int:
        """Size of the elements in bytes."""
        return self.count * self.width


class FlatFile:
    """One open file, read by position through a few cached pages. Not for several threads.

    Every method raises LoadError where the file does not hold what it points to.
    """

    def __init__(self, path: str, handle: int, identity: FileIdentity) -> None:
        self.path = path
        self.identity = identity
        self.size = identity.size
        self._handle = handle
        self._pages: OrderedDict[int, bytes] = OrderedDict()
        self._latest = (-1, b"")
        self._tables = MAX_TABLES
        self._integers = MAX_INTEGERS
        self._texts = MAX_TEXTS

    def damaged(self, at: int, why: str) -> NoReturn:
        """Raise the LoadError for what stands, or should stand, at byte ``at``."""
        raise LoadError(self.path, f"truncated or damaged at byte {at}: {why}")

    def read(self, start: int, count: int) -> bytes:
        """Return ``count`` bytes; callers bound ``count``."""
        if not 0 <= start <= start + count <= self.size:
            self.damaged(start, "reaches past the end of the file")
        page, offset = divmod(start, _PAGE)
        if offset + count <= _PAGE:
            return self._page(page)[offset : offset + count]
        got = self._pread(start, count)
        if len(got) != count:
            raise LoadError(self.path, "became shorter while it was read")
        return got

    def _page(self, number: int) -> bytes:
        if number == self._latest[0]:
            return self._latest[1]
        self._latest = number, self._find(number)
        return self._latest[1]

    def _find(self, number: int) -> bytes:
        found = self._pages.get(number)
        if found is not None:
            self._pages.move_to_end(number)
            return found
        start = number * _PAGE
        content = self._pread(start, min(_PAGE, self.size - start))
        if len(content) != min(_PAGE, self.size - start):
            raise LoadError(self.path, "became shorter while it was read")
        self._pages[number] = content
        if len(self._pages) > _PAGES:
            self._pages.popitem(last=False)
        return content

    def _pread(self, start: int, count: int) -> bytes:
        try:
            return os.pread(self._handle, count, start)
        except OSError as error:
            raise LoadError(self.path, describe(error)) from error

    def number(self, at: int, code: str) -> int:
        """Return one little-endian integer of the struct ``code``, one of NUMBERS."""
        form = NUMBERS[code]
        page, offset = divmod(at, _PAGE)
        if not 0 <= at <= self.size - form.size or offset > _PAGE - form.size:
            return int(form.unpack(self.read(at, form.size))[0])
        return int(form.unpack_from(self._page(page), offset)[0])

    def target(self, at: int) -> int:
        """Return where the offset at byte ``at`` leads: always forward, never past the end."""
        offset = self.number(at, "I")
        if offset < 4 or at + offset + 4 > self.size:
            self.damaged(at, f"an offset of {offset:,} leads nowhere")
        return at + offset

    def table(self, start: int) -> Table:
        """Read the table at byte ``start``: where each of its fields lies."""
        self._tables -= 1
        if self._tables < 0:
            raise LoadError(self.path, f"has more than {MAX_TABLES:,} tables")
        layout = start - self.number(start, "i")
        if not 0 <= layout <= self.size - 4:
            self.damaged(start, "the layout of a table lies outside the file")
        length, size = struct.unpack("<HH", self.read(layout, 4))
        if length < 4 or length % 2 or size < 4 or start + size > self.size:
            self.damaged(layout, "the layout of a table makes no sense")
        fields = min(length // 2 - 2, _MAX_FIELDS)
        slots = struct.unpack(f"<{fields}H", self.read(layout + 4, 2 * fields))
        return Table(self, start, size, slots)

    def vector(self, at: int, width: int) -> Vector:
        """Return the vector whose length stands at byte ``at``."""
        count = self.number(at, "I")
        if at + 4 + count * width > self.size:
            self.damaged(at, f"{count:,} elements reach past the end of the file")
        return Vector(at + 4, count, width)

    def integers(self, vector: Vector, code: str) -> tuple[int, ...]:
        """Return the elements of a vector as integers of the struct ``code``."""
        self._integers -= vector.count
        if self._integers < 0:
            raise LoadError(self.path, f"lists more than {MAX_INTEGERS:,} numbers")
        return struct.unpack(f"<{vector.count}{code}", self.read(vector.start, vector.nbytes))

    def text(self, at: int) -> str:
        """Return the string at byte ``at``, safe to show; what is not UTF-8 becomes U+FFFD."""
        vector = self.vector(at, 1)
        count = min(vector.count, MAX_TEXT)
        self._texts -= count
        if self._texts < 0:
            raise LoadError(self.path, f"has more than {MAX_TEXTS >> 20} MiB of names")
        return clean(self.read(vector.start, count).decode("utf-8", "replace"))


@dataclass(frozen=True, slots=True)
class Table:
    """One table of ``size`` bytes; ``slots`` are the places of its fields in it, 0 if left out."""

    file: FlatFile
    start: int
    size: int
    slots: tuple[int, ...]

    def _place(self, field: int, width: int) -> int | None:
        slot = self.slots[field] if field < len(self.slots) else 0
        if slot == 0:
            return None
        if slot < 4 or slot + width > self.size:
            self.file.damaged(self.start, f"field {field} lies outside its table")
        return self.start + slot

    def integer(self, field: int, code: str, default: int = 0) -> int:
        """Return an integer field of the struct ``code``, ``default`` if it is left out."""
        at = self._place(field, NUMBERS[code].size)
        return default if at is None else self.file.number(at, code)

    def table(self, field: int) -> Table | None:
        """Return the table of a field, None if it is left out."""
        at = self._place(field, 4)
        return None if at is None else self.file.table(self.file.target(at))

    def vector(self, field: int, width: int) -> Vector | None:
        """Return where the elements of ``width`` bytes of a field lie, None if it is left out."""
        at = self._place(field, 4)
        return None if at is None else self.file.vector(self.file.target(at), width)

    def integers(self, field: int, code: str = "i") -> tuple[int, ...]:
        """Return the numbers of a vector, none if it is left out."""
        vector = self.vector(field, NUMBERS[code].size)
        return () if vector is None else self.file.integers(vector, code)

    def text(self, field: int) -> str:
        """Return a string, empty if it is left out."""
        at = self._place(field, 4)
        return "" if at is None else self.file.text(self.file.target(at))

    def tables(self, field: int) -> Iterator[Table]:
        """Yield the tables of a vector, none if it is left out."""
        vector = self.vector(field, 4)
        for index in range(vector.count if vector is not None else 0):
            yield self.element(vector, index)

    def element(self, vector: Vector | None, index: int) -> Table:
        """Return the table number ``index`` of a vector of offsets."""
        if vector is None or not 0 <= index < vector.count:
            raise LoadError(
                self.file.path, f"damaged: refers to number {index:,} of a shorter list"
            )
        return self.file.table(self.file.target(vector.start + 4 * index))


@contextmanager
def open_flatbuffer(file: WeightFile) -> Iterator[FlatFile]:
    """Open ``file`` for reading; raises LoadError when it is gone or was replaced."""
    with open_version(file.path, file.identity) as handle:
        yield FlatFile(str(file.path), handle, file.identity)
