"""The values of two tensors side by side, in blocks, in the order of the second one."""

from __future__ import annotations

import math
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

    In row-major order of the second tensor's shape. Blocks have :data:`BLOCK` values each but for
    the last one. Memory stays within a few chunks, or a head's rows; to permute axes it takes the
    first tensor. Raises LoadError and CancelledError.
    """
    if alignment.permutation is not None:
        left = _permuted(first, alignment.permutation, stop)
    elif alignment.head_rows is not None:
        left = _by_heads(first, alignment.head_rows)
    else:
        left = first.chunks("dequantized", ordered=True)
    right = second.chunks("dequantized", ordered=True)
    ours = _in_blocks(watched(left, first.params, stop, progress), BLOCK)
    theirs = _in_blocks(watched(right, second.params, stop), BLOCK)
    for a, b in zip(ours, theirs, strict=False):
        length = min(a.size, b.size)
        yield a[:length], b[:length]


def read_whole(tensor: Tensor, stop: Stop) -> NDArray[Any]:
    """Return all dequantized values in their shape, in one array.

    Raises LoadError, also for a tensor whose elements are few stored ones spread over a huge
    shape, and CancelledError.
    """
    _check_spread(tensor)
    values = np.empty(tensor.params, tensor.value_type("dequantized"))
    start = 0
    chunks = tensor.chunks("dequantized", ordered=True)
    for chunk in watched(chunks, tensor.params, stop):
        values[start : start + chunk.size] = chunk
        start += chunk.size
    return values.reshape(tensor.shape)


def _check_spread(tensor: Tensor) -> None:
    stored = max(tensor.nbytes, 1) if tensor.layout is None else tensor.layout.extent
    if tensor.params > max(MOST_SPREAD * stored, CHUNK):
        reason = f"spreads {stored:,} stored elements over {tensor.params:,}"
        raise LoadError(tensor.source, f"{tensor.name}: {reason}")


def _permuted(tensor: Tensor, permutation: tuple[int, ...], stop: Stop) -> Iterator[NDArray[Any]]:
    """Yield the elements of a tensor in the order of its permuted shape, some rows at a time."""
    values = read_whole(tensor, stop).transpose(permutation)
    rows = max(1, BLOCK * len(values) // max(values.size, 1))
    for start in range(0, len(values), rows):
        # Packed in the order in which they lie, rows are turned within the cache.
        yield values[start : start + rows].copy(order="K").reshape(-1)


def _by_heads(tensor: Tensor, head_rows: int) -> Iterator[NDArray[Any]]:
    """Yield the elements of a tensor with the rows of each head in the other order."""
    _check_spread(tensor)
    row = math.prod(tensor.shape[1:])
    head = max(abs(head_rows) * row, 1)
    chunks = tensor.chunks("dequantized", ordered=True)
    for heads in _in_blocks(chunks, head * max(1, BLOCK // head)):
        yield reordered(heads.reshape(-1, row), head_rows).reshape(-1)


def _in_blocks(chunks: Iterator[NDArray[Any]], size: int) -> Iterator[NDArray[Any]]:
    """Cut a stream into blocks of ``size`` values, the last one shorter.

    They do not depend on how long the chunks are, and so sums over them do not either.
    """
    pieces: list[NDArray[Any]] = []
    missing = size
    for chunk in chunks:
        rest = chunk
        while rest.size >= missing:
            pieces.append(rest[:missing])
            yield np.concatenate(pieces) if len(pieces) > 1 else pieces[0]
            rest = rest[missing:]
            pieces, missing = [], size
        if rest.size:
            pieces.append(rest.copy())
            missing -= rest.size
    if pieces:
        yield np.concatenate(pieces)
