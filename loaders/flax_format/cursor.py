"""Read a msgpack file forward through a small window; arrays are stepped over."""

from __future__ import annotations

import struct

from tensorpeek.loaders.errors import LoadError
from tensorpeek.loaders.storage import Read

WINDOW = 1 << 12
"""Bytes read at once: what stands between two arrays, with some to spare."""


class Cursor:
    """A place in a file of ``size`` bytes that moves forward; ``read`` may give too few bytes.

    Every method raises LoadError where the file ends too early.
    """

    def __init__(self, path: str, read: Read, size: int) -> None:
        self.path = path
        self.size = size
        self._read = read
        self._content = b""
        self._base = self._at = 0

    @property
    def position(self) -> int:
        """The offset of the next byte in the file."""
        return self._base + self._at

    @property
    def rest(self) -> int:
        """Bytes from here to the end of the file."""
        return self.size - self.position

    def take(self, count: int) -> bytes:
        """Return the next ``count`` bytes; callers bound ``count``."""
        if self._at + count > len(self._content):
            start = self.position
            if start + count > self.size:
                raise self.truncated()
            stop = min(start + max(count, WINDOW), self.size)
            self._content, self._base, self._at = bytes(self._read(start, stop)), start, 0
            if len(self._content) < count:
                raise self.truncated()
        self._at += count
        return self._content[self._at - count : self._at]

    def number(self, code: str) -> int | float:
        """Return one big-endian number of a struct ``code``."""
        form = f">{code}"
        value: int | float = struct.unpack(form, self.take(struct.calcsize(form)))[0]
        return value

    def length(self, width: int) -> int:
        """Return an unsigned integer of ``width`` bytes."""
        return int.from_bytes(self.take(width), "big")

    def skip(self, count: int) -> None:
        """Go on by ``count`` bytes."""
        if count > self.rest:
            raise self.truncated()
        self._at += count

    def truncated(self) -> LoadError:
        """Return the error of a file that ends too early."""
        return LoadError(self.path, f"truncated: it ends at byte {self.size:,} within a value")

    def damaged(self, why: str) -> LoadError:
        """Return the error of bytes that make no sense here."""
        return LoadError(self.path, f"damaged at byte {self.position:,} ({why})")
