"""The values of a tensor in blocks that keep its axes, each of bounded size."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorpeek.analysis.reading import Progress, idle, watched
from tensorpeek.analysis.stopping import Stop
from tensorpeek.loaders import CHUNK, LoadError, Tensor, View

Place = tuple[slice, ...]


def blocks(
    tensor: Tensor, view: View, stop: Stop, progress: Progress = idle, *, size: int = CHUNK
) -> Iterator[tuple[Place, NDArray[Any]]]:
    """Yield parts of a tensor of at least one axis and where each stands, in row-major order.

    A part has as many axes as the tensor and at most ``size`` elements. Together the parts cover
    it once. Raises LoadError and CancelledError.
    """
    if not tensor.params:
        return
    chunks = tensor.chunks(view, ordered=True, size=size)
    source = _Source(tensor, watched(chunks, tensor.params, stop, progress))
    for place in _places(tensor.shape, size):
        shape = tuple(part.stop - part.start for part in place)
        yield place, source.take(math.prod(shape)).reshape(shape)
    source.finish()


def _places(shape: tuple[int, ...], size: int) -> Iterator[Place]:
    """Divide a shape: runs along one axis, all of the axes after it, one of those before it."""
    cut = next(at for at in range(len(shape) + 1) if math.prod(shape[at:]) <= size)
    if cut == 0:
        yield tuple(slice(0, length) for length in shape)
        return
    whole = tuple(slice(0, length) for length in shape[cut:])
    step = size // math.prod(shape[cut:])
    for before in np.ndindex(shape[: cut - 1]):
        fixed = tuple(slice(at, at + 1) for at in before)
        for start in range(0, shape[cut - 1], step):
            yield (*fixed, slice(start, min(start + step, shape[cut - 1])), *whole)


class _Source:
    """Flat arrays of any wanted size out of flat chunks of any size."""

    def __init__(self, tensor: Tensor, chunks: Iterator[NDArray[Any]]) -> None:
        self._tensor = tensor
        self._chunks = chunks
        self._rest: NDArray[Any] | None = None

    def take(self, size: int) -> NDArray[Any]:
        """Return the next ``size`` elements; raises LoadError where there are fewer."""
        parts: list[NDArray[Any]] = []
        while size:
            if self._rest is None or not self._rest.size:
                self._rest = next(self._chunks, None)
            if self._rest is None:
                reason = f"{self._tensor.name}: has fewer values than its shape"
                raise LoadError(self._tensor.source, reason)
            parts.append(self._rest[:size])
            self._rest = self._rest[size:]
            size -= parts[-1].size
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def finish(self) -> None:
        """Let the source finish its reading."""
        for _ in self._chunks:
            pass
