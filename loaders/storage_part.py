"""A part of a block of bytes, which reads like a block of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tensorpeek.loaders.errors import LoadError
from tensorpeek.loaders.storage import Deflated, FileSpan, Read


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


Block = FileSpan | Deflated | Part
"""Bytes of a file, of a compressed member, or of a part of one."""


def part_of(member: Block, offset: int, nbytes: int) -> FileSpan | Part:
    """Return ``nbytes`` bytes of a member from ``offset`` on; they must lie within it."""
    if isinstance(member, FileSpan):
        return FileSpan(member.path, member.offset + offset, nbytes, member.identity)
    if isinstance(member, Part):
        return Part(member.whole, member.offset + offset, nbytes)
    return Part(member, offset, nbytes)


@dataclass(frozen=True, slots=True)
class Recoded:
    """Bytes that are stored as the UTF-8 of their Latin-1 text, as pickles of protocol 2 do.

    Opening it decodes all of ``text``, which must give exactly ``nbytes`` bytes from byte
    ``offset`` on.
    """

    text: FileSpan | Part
    nbytes: int
    offset: int = 0

    @contextmanager
    def open(self) -> Iterator[Read]:
        """See :meth:`tensorpeek.loaders.storage.Storage.open`."""
        source = self.text.path if isinstance(self.text, FileSpan) else self.text.whole.span.path
        with self.text.open() as read:
            stored = read(0, self.text.nbytes)
        try:
            text = str(stored, "utf-8")
            del stored  # two copies at a time, not three
            content = text.encode("latin-1")
        except UnicodeError as error:
            raise LoadError(source, "an array's text does not stand for bytes") from error
        at = self.offset
        if len(content) - at != self.nbytes:
            raise LoadError(source, "an array's content has another size than it states")
        yield lambda start, stop: content[at + start : at + stop]
