"""Read the header of a file forward, through a bounded buffer."""

from __future__ import annotations

import struct
from typing import Literal

from tensorpeek.loaders.errors import LoadError
from tensorpeek.loaders.storage import Read

WINDOW = 1 << 18
"""Bytes read at once: a vocabulary of several megabytes takes a dozen reads."""

MAX_STEPS = 1 << 23
"""Strings and nested arrays of one file that are walked one by one: a second, and 30 times more
than the largest vocabularies have."""


class Window:
    """A place in a file of ``size`` bytes that moves forward.

    ``length`` is the struct code of a length or a count: 32 bits in version 1, 64 bits since.
    Every method raises LoadError where the file ends too early.
    """

    def __init__(
        self, path: str, read: Read, size: int, byteorder: Literal["little", "big"]
    ) -> None:
        self.path = path
        self.size = size
        self.length = "Q"
        self._read = read
        self._order = "<" if byteorder == "little" else ">"
        self._content = b""
        self._base = self._at = self._steps = 0

    @property
    def position(self) -> int:
        """The offset of the next byte in the file."""
        return self._base + self._at

    def take(self, count: int) -> bytes:
        """Return the next ``count`` bytes; callers bound ``count``."""
        if self._at + count > len(self._content):
            self._refill(count)
        self._at += count
        return self._content[self._at - count : self._at]

    def skip(self, count: int) -> None:
        """Go on by ``count`` bytes."""
        if self.position + count > self.size:
            raise self.truncated()
        self._at += count

    def numbers(self, code: str, count: int = 1) -> tuple[int | float, ...]:
        """Return numbers of one struct ``code``."""
        form = f"{self._order}{count}{code}"
        return struct.unpack(form, self.take(struct.calcsize(form)))

    def integer(self, code: str) -> int:
        """Return one integer."""
        return int(self.numbers(code)[0])

    def count(self, least: int) -> int:
        """Return a number of things that take at least ``least`` bytes each.

        Raises LoadError for more of them than the rest of the file could hold.
        """
        at = self.position
        found = self.integer(self.length)
        if found * least > self.size - self.position:
            raise LoadError(
                self.path, f"truncated or damaged at byte {at} (claims {found:,} entries)"
            )
        return found

    def skip_strings(self, count: int) -> None:
        """Skip ``count`` strings, each a length and its bytes."""
        self.step(count)
        form = struct.Struct(self._order + self.length)
        unpack, width = form.unpack_from, form.size
        content, at = self._content, self._at
        for _ in range(count):
            if at + width > len(content):  # `at` may lie far beyond the buffer: a long string
                self._at = at
                self._refill(width)
                content, at = self._content, 0
            at += width + unpack(content, at)[0]
        self._at = at
        self.skip(0)

    def step(self, count: int) -> None:
        """Count entries that are walked one by one; too many raise LoadError."""
        self._steps += count
        if self._steps > MAX_STEPS:
            raise self.damaged(f"more than {MAX_STEPS:,} strings and arrays")

    def truncated(self) -> LoadError:
        """Return the error of a file that ends within its header."""
        return LoadError(self.path, f"truncated: the file ends at byte {self.size} in its header")

    def damaged(self, why: str) -> LoadError:
        """Return the error of a header that makes no sense here."""
        return LoadError(self.path, f"damaged at byte {self.position} ({why})")

    def _refill(self, count: int) -> None:
        start = self.position
        if start + count > self.size:
            raise self.truncated()
        stop = min(start + max(count, WINDOW), self.size)
        self._content, self._base, self._at = bytes(self._read(start, stop)), start, 0
