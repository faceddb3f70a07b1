"""Read the part of a picture that is looked at, a band of its lines at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from tensorpeek.analysis.heatmap.plane import Plane
from tensorpeek.analysis.heatmap.pool import ordered
from tensorpeek.analysis.heatmap.window import Window
from tensorpeek.analysis.reading import watched
from tensorpeek.analysis.stopping import Stop, check
from tensorpeek.loaders import CHUNK, Tensor, View
from tensorpeek.loaders.element_ranges import ReadRange, has_direct_ranges, open_ranges

SPARSE = 4
"""A line that is this many times shorter than the way to the next one is read by itself."""

Band = tuple[int, int, NDArray[Any]]
"""First row, first column, and the values: two-dimensional."""


def open_values(tensor: Tensor, view: View, stop: Stop) -> AbstractContextManager[ReadRange]:
    """Open a tensor to read ranges of its values, in ascending order and without overlap.

    Raises LoadError and CancelledError.
    """
    if tensor.error is not None or has_direct_ranges(tensor):
        return open_ranges(tensor, view)
    return nullcontext(_Passing(tensor, view, stop).read)


class _Passing:
    """Values that pass by once: what is not asked for is skipped."""

    def __init__(self, tensor: Tensor, view: View, stop: Stop) -> None:
        self._chunks = watched(tensor.chunks(view, ordered=True), max(tensor.params, 1), stop)
        self._held: NDArray[Any] = np.empty(0, tensor.value_type(view))
        self._at = 0

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Return the values ``[start, stop)``; fewer where the tensor ends before."""
        if start < self._at:
            raise ValueError(f"values from {start} on have passed by")
        parts: list[NDArray[Any]] = []
        while self._at < stop:
            if not self._held.size:
                held = next(self._chunks, None)
                if held is None:
                    break
                self._held = held
            skipped = min(max(start - self._at, 0), self._held.size)
            taken = min(max(stop - self._at, 0), self._held.size)
            parts.append(self._held[skipped:taken])
            self._held = self._held[taken:]
            self._at += taken
        return np.concatenate(parts) if parts else self._held[:0]


def bands(
    plane: Plane, window: Window, read: ReadRange, stop: Stop, *, size: int = CHUNK
) -> Iterator[Band]:
    """Yield the values of a window, each band with its first row and column.

    They come in types that have an order: see :func:`tensorpeek.analysis.heatmap.pool.ordered`.

    A band is read from at most about ``size`` values, gaps included. ``stop`` is polled before
    each. Raises LoadError, ValueError when values are missing, and CancelledError.
    """
    first, last, left, right = window.top, window.bottom, window.left, window.right
    if plane.turned:
        first, last, left, right = left, right, first, last
    for line, end, start, finish in _places(plane, (first, last), (left, right), size):
        check(stop)
        block = _read_block(plane, (line, end), (start, finish), read)
        yield (start, line, block.T) if plane.turned else (line, start, block)


def _places(
    plane: Plane, lines: tuple[int, int], across: tuple[int, int], size: int
) -> Iterator[tuple[int, int, int, int]]:
    """Yield first and last line, first and last place in them, in the order of the file."""
    first, last = lines
    left, right = across
    if first >= last or left >= right:
        return
    major, minor = plane.major.stride, plane.minor.stride
    span = (right - left - 1) * minor + 1
    whole = _whole_lines(plane, right)
    step = 1 if span * SPARSE < major or major > size else max(size // max(major, 1), 1)
    for line in range(first, min(last, whole), step) if span <= size else ():
        yield line, min(line + step, last, whole), left, right
    piece = max(size // minor, 1)
    for line in range(first if span > size else max(first, whole), last):
        finish = min(right, -(-(plane.end - plane.base - line * major) // minor))
        for start in range(left, finish, piece):
            yield line, line + 1, start, min(start + piece, finish)


def _whole_lines(plane: Plane, right: int) -> int:
    """Return how many lines reach as far as the place before ``right``."""
    reach = plane.base + (right - 1) * plane.minor.stride
    return max(0, -(-(plane.end - reach) // max(plane.major.stride, 1)))


def _read_block(
    plane: Plane, lines: tuple[int, int], across: tuple[int, int], read: ReadRange
) -> NDArray[Any]:
    """Return the values of some lines between two places, shape (lines, places)."""
    count, width = lines[1] - lines[0], across[1] - across[0]
    major, minor = plane.major.stride, plane.minor.stride
    start = plane.base + lines[0] * major + across[0] * minor
    with np.errstate(all="ignore"):
        flat = read(start, start + (count - 1) * major + (width - 1) * minor + 1)
    if flat.size < (count - 1) * major + (width - 1) * minor + 1:
        raise ValueError("a tensor has fewer values than its shape says")
    with np.errstate(all="ignore"):
        flat = np.ascontiguousarray(ordered(flat))
    steps = (major * flat.itemsize, minor * flat.itemsize)
    return as_strided(flat, (count, width), steps, writeable=False)
