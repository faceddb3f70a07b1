"""Keep a tensor's bytes while it is measured: reading a file ten times costs more than counting."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tensorpeek.analysis.stopping import Stop, check
from tensorpeek.loaders import Tensor
from tensorpeek.loaders.storage import Read

MOST = 32 << 20
"""Bytes that are kept: read in 10 ms, and near a last-level cache; more are read each time."""


@dataclass(frozen=True, slots=True)
class Held:
    """A block of bytes in memory: a :class:`tensorpeek.loaders.storage.Storage`."""

    content: memoryview = field(repr=False)

    @property
    def nbytes(self) -> int:
        """Size of the block in bytes."""
        return len(self.content)

    @contextmanager
    def open(self) -> Iterator[Read]:
        """Yield what returns parts of the block, without a copy."""
        yield lambda start, stop: self.content[start:stop]


def held(tensor: Tensor, stop: Stop) -> Tensor:
    """Return a tensor whose bytes were read, or the tensor itself if they are many.

    So it is for values that a codec reads, for a storage that holds more than this tensor, and
    for a tensor with an error. Raises LoadError and CancelledError.
    """
    storage = tensor.storage
    if storage is None or tensor.codec is not None or tensor.error is not None:
        return tensor
    if not 0 < storage.nbytes <= min(MOST, 2 * tensor.nbytes):
        return tensor
    check(stop)
    with storage.open() as read:
        content = memoryview(read(0, storage.nbytes))
    return dataclasses.replace(tensor, storage=Held(content.toreadonly()))
