"""The values of two tensors side by side, in blocks, in the order of the second one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorpeek.analysis.comparison.layouts import Alignment
from tensorpeek.analysis.comparison.rotary import reordered
from tensorpeek.analysis.reading import Progress, idle, watched
from tensorpeek.analysis.stopping import Stop
from tensorpeek.loaders import CHUNK, LoadError, Tensor

BLOCK = 1 << 16
"""Values compared at once: their float64 copies fit a second-level cache."""

MOST_SPREAD = 64
"""How many times more elements than stored ones a tensor may have that is read whole."""

Block = tuple[NDArray[Any], NDArray[Any]]


def side_by_side(
    first: Tensor, second: Tensor, alignment: Alignment, stop: Stop, progress: Progress = idle
) -> Iterator[Block]:
    """Yield flat blocks of equal length of both tensors' dequantized values.

    In row-major order of the second tensor's shape. For the same order of elements memory stays
    within a few chunks, else it takes the first tensor. Raises LoadError and CancelledError.
    """
    if alignment.permutation is None and alignment.head_rows is None:
        left = first.chunks("dequantized", ordered=True)
    else:
        left = _permuted(first, alignment, stop)
    right = second.chunks("dequantized", ordered=True)
    watched_left = watched(left, first.params, stop, progress)
    yield from _even(watched_left, watched(right, second.params, stop))


def read_whole(tensor: Tensor, stop: Stop) -> NDArray[Any]:
    """Return all dequantized values in their shape, in one array.

    Raises LoadError, also for a tensor whose elements are few stored ones spread over a huge
    shape, and CancelledError.
    """
    stored = max(tensor.nbytes, 1) if tensor.layout is None else tensor.layout.extent
    if tensor.params > max(MOST_SPREAD * stored, CHUNK):
        reason = f"spreads {stored:,} stored elements over {tensor.params:,}"
        raise LoadError(tensor.source, f"{tensor.name}: {reason}")
    values = np.empty(tensor.params, tensor.value_type("dequantized"))
    start = 0
    chunks = tensor.chunks("dequantized", ordered=True)
    for chunk in watched(chunks, tensor.params, stop):
        values[start : start + chunk.size] = chunk
        start += chunk.size
    return values.reshape(tensor.shape)


def _permuted(tensor: Tensor, alignment: Alignment, stop: Stop) -> Iterator[NDArray[Any]]:
    """Yield the elements of a tensor in the order of its aligned shape, row by row."""
    values = read_whole(tensor, stop)
    if alignment.permutation is not None:
        values = values.transpose(alignment.permutation)
    if alignment.head_rows is not None:
        values = reordered(values, alignment.head_rows)
    rows = max(1, BLOCK * len(values) // max(values.size, 1))
    for start in range(0, len(values), rows):
        yield values[start : start + rows].reshape(-1)


def _even(left: Iterator[NDArray[Any]], right: Iterator[NDArray[Any]]) -> Iterator[Block]:
    """Cut two streams of as many elements into blocks of equal length."""
    ours, theirs = next(left, None), next(right, None)
    while ours is not None and theirs is not None:
        length = min(ours.size, theirs.size, BLOCK)
        if length:
            yield ours[:length], theirs[:length]
        ours = ours[length:] if length < ours.size else next(left, None)
        theirs = theirs[length:] if length < theirs.size else next(right, None)
