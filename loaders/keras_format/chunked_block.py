"""A dataset in chunks as one block of bytes, for what puts quantized weights together."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import numpy as np

from tensorpeek.loaders.errors import LoadError
from tensorpeek.loaders.keras_format.chunked import ChunkedCodec
from tensorpeek.loaders.layout import Layout
from tensorpeek.loaders.storage import Read
from tensorpeek.loaders.tensor import Tensor


@dataclass(frozen=True, slots=True)
class ChunkedBlock:
    """The elements of a dataset in row-major order, little-endian, as if it had no chunks.

    Where it is open, the rows that were decoded last are kept: a few MiB, 256 at most.
    """

    codec: ChunkedCodec

    @property
    def nbytes(self) -> int:
        """See :class:`tensorpeek.loaders.storage.Storage`."""
        return self.codec.element.nbytes(math.prod(self.codec.shape))

    @contextmanager
    def open(self) -> Iterator[Read]:
        """See :meth:`tensorpeek.loaders.storage.Storage.open`."""
        with self.codec.storage.open() as read:
            rows = _Rows(self.codec, read, self.nbytes)
            yield rows.between


@dataclass(slots=True)
class _Rows:
    """Bytes out of the rows of a dataset, of which those decoded last are kept."""

    codec: ChunkedCodec
    read: Read
    nbytes: int
    _first: int = 0
    _kept: memoryview = field(default_factory=lambda: memoryview(b""))

    def between(self, start: int, stop: int) -> bytes:
        if not 0 <= start <= stop <= self.nbytes:
            raise LoadError(self.codec.path, f"bytes {start} to {stop} lie outside a dataset")
        pieces = []
        while start < stop:
            if not self._first <= start < self._first + len(self._kept):
                self._keep(start)
            piece = self._kept[start - self._first : stop - self._first]
            pieces.append(piece)
            start += len(piece)
        return b"".join(pieces)

    def _keep(self, at: int) -> None:
        """Decode the rows around byte ``at``."""
        width = self.nbytes // self.codec.shape[0]
        start, stop = self.codec.band_around(at // width)
        band = self.codec.band(self.read, start, stop)
        little = np.ascontiguousarray(band, band.dtype.newbyteorder("<"))
        self._first, self._kept = start * width, memoryview(little.tobytes())


def as_block(tensor: Tensor) -> Tensor:
    """Return a tensor that lies in chunks as one that lies in a block; any other as it is."""
    codec = tensor.codec
    if not isinstance(codec, ChunkedCodec) or tensor.error is not None:
        return tensor
    block, layout = ChunkedBlock(codec), Layout.contiguous(codec.shape)
    return replace(tensor, storage=block, layout=layout, codec=None)
