"""Read a raw deflate stream by position, in bounded memory."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from threading import Lock

from tensorpeek.loaders.errors import LoadError

ALWAYS = 1 << 26
"""Bytes that are inflated at once whatever they were packed into."""

MAX_RESTARTS = 16
"""Times that a stream is begun again because earlier bytes are asked for."""

_STEP = 1 << 20

Packed = Callable[[int, int], bytes | bytearray | memoryview]
"""Packed bytes ``[start, stop)``."""

WRONG_SIZE = "a compressed member does not have the size it states"


class Inflater:
    """Reads the ``nbytes`` bytes that ``packed`` bytes, which ``read`` gives, stand for.

    Reading forward needs no more memory than what is asked for. What no compression of a model's
    weights comes close to, more than twice what is packed at once, is refused: so are many reads
    back and forth in such a stream. Of others the whole is kept when earlier bytes are asked for.
    """

    def __init__(self, path: str, read: Packed, packed: int, nbytes: int) -> None:
        self._path, self._read_packed, self._packed, self._nbytes = path, read, packed, nbytes
        self._at_once = max(ALWAYS, 2 * packed)
        self._whole: bytes | None = None
        self._restarts = MAX_RESTARTS
        self._lock = Lock()
        self._begin()

    def read(self, start: int, stop: int) -> bytes | bytearray | memoryview:
        """Return bytes ``[start, stop)``, from any thread. Raises LoadError."""
        with self._lock:
            if start < self._at and self._whole is None:
                self._go_back()
            if self._whole is not None:
                return self._whole[start:stop]
            if stop - start > self._at_once:
                reason = f"{self._packed:,} packed bytes would take {stop - start:,} of memory"
                raise LoadError(self._path, reason)
            while self._at < start:
                self._more(min(_STEP, start - self._at))
            return self._take(stop - start)

    def _begin(self) -> None:
        self._machine = zlib.decompressobj(-zlib.MAX_WBITS)
        self._at = self._packed_at = 0

    def _go_back(self) -> None:
        self._begin()
        if self._nbytes <= self._at_once:
            self._whole = bytes(self._take(self._nbytes))
            return
        self._restarts -= 1
        if self._restarts < 0:
            raise LoadError(self._path, "a compressed member cannot be read back and forth")

    def _take(self, count: int) -> bytearray:
        taken = bytearray()
        while len(taken) < count:
            taken += self._more(min(_STEP, count - len(taken)))
        if self._at == self._nbytes and (self._inflate(1) or not self._machine.eof):
            raise LoadError(self._path, WRONG_SIZE)
        return taken

    def _more(self, count: int) -> bytes:
        """Return some of the next bytes, at least one and at most ``count``."""
        piece = self._inflate(count)
        if not piece:
            raise LoadError(self._path, WRONG_SIZE)
        self._at += len(piece)
        return piece

    def _inflate(self, count: int) -> bytes:
        """Return up to ``count`` bytes; none at the end of the stream."""
        while not self._machine.eof:
            packed = self._machine.unconsumed_tail
            if not packed and self._packed_at < self._packed:
                stop = min(self._packed, self._packed_at + _STEP)
                packed = bytes(self._read_packed(self._packed_at, stop))
                self._packed_at = stop
            try:
                piece = self._machine.decompress(packed, count)
            except zlib.error as error:
                reason = f"a compressed member is damaged ({error})"
                raise LoadError(self._path, reason) from error
            if piece:
                return piece
            if not packed:
                break
        return b""
