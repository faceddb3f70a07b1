"""Where a block of bytes lies, and how to read parts of it without reading all.

Values are read by position (``pread``) into bounded buffers and not through a memory map: when a
file shrinks while it is open, a map kills the process (SIGBUS), a short read is an error message.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tensorpeek.loaders.errors import LoadError
from tensorpeek.loaders.inflater import ALWAYS, Inflater

Read = Callable[[int, int], bytes | bytearray | memoryview]
"""Bytes ``[start, stop)`` of a block."""


@dataclass(frozen=True, slots=True)
class FileIdentity:
    """What tells one version of a file from the next: device, inode, size, time of change."""

    device: int
    inode: int
    size: int
    modified_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> FileIdentity:
        """Take the identity out of the result of ``os.stat`` or ``os.fstat``."""
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


class Storage(Protocol):
    """A block of bytes on disk or, if small, in memory. Implementations are picklable."""

    @property
    def nbytes(self) -> int:
        """Size of the block in bytes, as it reads (after any decompression)."""

    def open(self) -> AbstractContextManager[Read]:
        """Open the block; the function given reads parts of it, from any thread.

        Raises LoadError when the file is gone, was replaced or is too short.
        """


@contextmanager
def open_version(path: Path | str, identity: FileIdentity) -> Iterator[int]:
    """Open the version ``identity`` of a file and yield the descriptor, closed afterwards.

    Raises LoadError when the file is gone, cannot be read or was replaced.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise LoadError(path, describe(error)) from error
    try:
        if FileIdentity.of(os.fstat(handle)) != identity:
            raise LoadError(path, "replaced or changed since it was opened")
        yield handle
    finally:
        os.close(handle)


@dataclass(frozen=True, slots=True)
class FileSpan:
    """``nbytes`` bytes of a file from ``offset`` on, of the version ``identity`` of that file."""

    path: str
    offset: int
    nbytes: int
    identity: FileIdentity

    @contextmanager
    def open(self) -> Iterator[Read]:
        """See :meth:`Storage.open`."""
        with open_version(self.path, self.identity) as handle:
            yield lambda start, stop: self._read(handle, start, stop)

    def _read(self, handle: int, start: int, stop: int) -> bytes | bytearray:
        if not 0 <= start <= stop <= self.nbytes:
            raise LoadError(self.path, f"bytes {start} to {stop} lie outside a block")
        try:
            got = os.pread(handle, stop - start, self.offset + start)
            if len(got) == stop - start:
                return got
            return self._read_on(handle, bytearray(got), start, stop)
        except OSError as error:
            raise LoadError(self.path, describe(error)) from error

    def _read_on(self, handle: int, got: bytearray, start: int, stop: int) -> bytearray:
        """Go on after a short read: Linux gives at most 2 GiB at once."""
        while len(got) < stop - start:
            at = start + len(got)
            more = os.pread(handle, stop - at, self.offset + at)
            if not more:
                raise LoadError(self.path, "became shorter while it was read")
            got += more
        return got


@dataclass(frozen=True, slots=True)
class Inline:
    """A few bytes that came with the header."""

    content: bytes = field(repr=False)

    @property
    def nbytes(self) -> int:
        """See :attr:`Storage.nbytes`."""
        return len(self.content)

    @contextmanager
    def open(self) -> Iterator[Read]:
        """See :meth:`Storage.open`."""
        yield lambda start, stop: self.content[start:stop]


@dataclass(frozen=True, slots=True)
class Deflated:
    """A compressed zip member: ``span`` holds a raw deflate stream of ``nbytes`` bytes.

    A small member is inflated when it is opened, a large one as it is read.
    """

    span: FileSpan
    nbytes: int

    @contextmanager
    def open(self) -> Iterator[Read]:
        """See :meth:`Storage.open`."""
        with self.span.open() as read:
            if self.nbytes > ALWAYS:
                yield Inflater(self.span.path, read, self.span.nbytes, self.nbytes).read
                return
            content = inflate(self.span.path, read(0, self.span.nbytes), self.nbytes)
        yield lambda start, stop: content[start:stop]


def inflate(path: str, packed: bytes | bytearray | memoryview, nbytes: int) -> bytes:
    """Decompress a raw deflate stream that must give exactly ``nbytes`` bytes.

    Raises LoadError when the stream is damaged or gives another size.
    """
    machine = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        content = machine.decompress(packed, nbytes + 1)
    except zlib.error as error:
        raise LoadError(path, f"a compressed member is damaged ({error})") from error
    if len(content) != nbytes or not machine.eof:
        raise LoadError(path, "a compressed member does not have the size it states")
    return content


def describe(error: OSError) -> str:
    """Return the reason of an operating-system error as one lower-case clause."""
    known = {
        FileNotFoundError: "no such file",
        PermissionError: "no permission to read it",
        IsADirectoryError: "is a folder",
    }
    text = (error.strerror or str(error)).lower()
    return next((reason for kind, reason in known.items() if isinstance(error, kind)), text)
