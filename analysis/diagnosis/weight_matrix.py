"""A tensor as a matrix of output channels by inputs, read in bounded pieces."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorpeek.analysis.diagnosis.unmeasurable import UnmeasurableError
from tensorpeek.analysis.reading import Progress, idle, watched
from tensorpeek.analysis.stopping import Stop
from tensorpeek.analysis.summary import Summary
from tensorpeek.analysis.wide_scan import SAFE_EXPONENTS, real_values
from tensorpeek.loaders import CHUNK, Tensor, View

SLAB = 1 << 16
"""Elements handled at once: their float64 copies fit a second-level cache."""

ALIGNED = 128
"""Columns at whose multiples a piece begins by default, so that no group of inputs is cut."""

LARGEST_BLOCK = 1 << 24
"""Elements read at once where channels are not the first axis."""

OUTPUTS_LAST = frozenset({"kernel", "depthwise_kernel", "pointwise_kernel", "recurrent_kernel"})
"""Labels of tensors whose output channels are the last axis, as Keras and Flax store them."""


@dataclass(frozen=True, eq=False)
class Slab:
    """A piece of a matrix: float64 ``values`` from ``row`` and ``column`` on.

    Values that are not finite are zero here: they count nowhere and bear no error. The values are
    overwritten by the next piece.
    """

    row: int
    column: int
    values: NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class WeightMatrix:
    """The values of a tensor in a view, divided by two to the power ``exponent``.

    The tensor's axes are (``outer``, ``channels``, ``inner``); rows are channels, columns are the
    other two in order. ``exponent`` is 0 unless squares would overflow or vanish in float64.
    """

    tensor: Tensor
    view: View
    outer: int
    channels: int
    inner: int
    exponent: int = 0
    all_finite: bool = True

    @property
    def columns(self) -> int:
        """Inputs of a channel."""
        return self.outer * self.inner

    def slabs(
        self, stop: Stop, progress: Progress = idle, *, size: int = SLAB, unit: int = ALIGNED
    ) -> Iterator[Slab]:
        """Yield the matrix in pieces of about ``size`` elements; together they cover it once.

        Rows come whole if they are no longer than ``size`` and channels are the first axis; else
        a piece begins at a multiple of ``unit`` columns.
        Raises LoadError, CancelledError, and UnmeasurableError for a block that is too large.
        """
        if not self.tensor.params:
            return
        if self.outer == 1:
            yield from self._row_slabs(stop, progress, size, unit)
        else:
            yield from self._block_slabs(stop, progress, size, unit)

    def _row_slabs(self, stop: Stop, progress: Progress, size: int, unit: int) -> Iterator[Slab]:
        if self.inner > size:
            width = max(size // unit, 1) * unit
            widths = _steps(self.inner, width)
            places = [(row, at, 1, wide) for row in range(self.channels) for at, wide in widths]
        else:
            steps = _steps(self.channels, size // self.inner)
            places = [(row, 0, rows, self.inner) for row, rows in steps]
        pieces = self._pieces([rows * wide for _, _, rows, wide in places], stop, progress)
        room = np.empty(places[0][2] * places[0][3])
        for (row, column, rows, wide), piece in zip(places, pieces, strict=True):
            values = self._floats(piece, room[: piece.size])
            yield Slab(row, column, values.reshape(rows, wide))

    def _block_slabs(self, stop: Stop, progress: Progress, size: int, unit: int) -> Iterator[Slab]:
        each = self.channels * self.inner
        aligned = unit // math.gcd(self.inner, unit)
        blocks = _steps(self.outer, aligned * max(1, CHUNK // (each * aligned)))
        if blocks[0][1] * each > LARGEST_BLOCK:
            raise UnmeasurableError("has too many channels on an axis that is not the first")
        pieces = self._pieces([count * each for _, count in blocks], stop, progress)
        room = np.empty(0)
        for (first, count), piece in zip(blocks, pieces, strict=True):
            block = piece.reshape(count, self.channels, self.inner)
            turned = np.moveaxis(block, 1, 0).reshape(self.channels, count * self.inner)
            for row, rows in _steps(self.channels, max(1, size // turned.shape[1])):
                some = turned[row : row + rows]
                room = np.empty(some.size) if room.size < some.size else room
                values = self._floats(some, room[: some.size].reshape(some.shape))
                yield Slab(row, first * self.inner, values)

    def _pieces(self, sizes: list[int], stop: Stop, progress: Progress) -> Iterator[NDArray[Any]]:
        read = sizes[0] * max(1, CHUNK // sizes[0])
        chunks = self.tensor.chunks(self.view, ordered=True, size=read)
        return _regrouped(watched(chunks, self.tensor.params, stop, progress), sizes)

    def _floats(self, values: NDArray[Any], room: NDArray[np.float64]) -> NDArray[np.float64]:
        """Fill ``room`` and return it: new memory for each piece would cost more than the copy."""
        with np.errstate(all="ignore"):
            room[...] = real_values(values)
            if not self.all_finite:
                room[~np.isfinite(room)] = 0.0
            return np.ldexp(room, -self.exponent, out=room) if self.exponent else room


def weight_matrix(
    tensor: Tensor, view: View, summary: Summary, *, axis: int | None = None
) -> WeightMatrix:
    """Return a tensor as a matrix; ``summary`` is that of the same view.

    Rows are the entries along ``axis``, see :func:`channel_axis` for what it is by default.
    One-dimensional tensors are one row.
    """
    shape = tensor.shape
    axis = channel_axis(tensor) if axis is None else axis
    sides = (1, 1, tensor.params)
    if axis is not None:
        sides = (math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :]))
    return WeightMatrix(
        tensor=tensor,
        view=view,
        outer=sides[0],
        channels=sides[1],
        inner=sides[2],
        exponent=safe_exponent(summary),
        all_finite=summary.finite == summary.count,
    )


def channel_axis(tensor: Tensor) -> int | None:
    """Return the axis of output channels, None for less than two dimensions.

    That of per-channel scales if there are any; that which the file tells; the last one of the
    kernels of Keras and Flax; else the first one, as in torch's (out, in, k, k).
    """
    if len(tensor.shape) < 2:
        return None
    quantization = tensor.quantization
    if quantization is not None and quantization.scheme == "per-channel":
        return quantization.axis
    told = [tensor.axes.index(letter) for letter in "OC" if letter in tensor.axes]
    if told:
        return told[0]
    return len(tensor.shape) - 1 if tensor.label in OUTPUTS_LAST else 0


def safe_exponent(summary: Summary) -> int:
    """Return the power of two to divide by so that squares neither overflow nor vanish, or 0."""
    exponent = math.frexp(absolute_maximum(summary))[1]
    return 0 if exponent in SAFE_EXPONENTS else exponent


def absolute_maximum(summary: Summary) -> float:
    """Return the largest magnitude of the finite values, 0.0 if there are none."""
    return float(max(abs(summary.minimum or 0), abs(summary.maximum or 0)))


def _steps(total: int, size: int) -> list[tuple[int, int]]:
    """Divide ``total`` into parts of ``size``: where each begins, and how long it is."""
    return [(start, min(size, total - start)) for start in range(0, total, size)]


def _regrouped(chunks: Iterator[NDArray[Any]], sizes: Iterable[int]) -> Iterator[NDArray[Any]]:
    """Yield flat arrays of the given sizes out of flat chunks of any size."""
    rest: NDArray[Any] | None = None
    for size in sizes:
        parts: list[NDArray[Any]] = []
        missing = size
        while missing:
            rest = next(chunks) if rest is None or not rest.size else rest
            parts.append(rest[:missing])
            rest = rest[missing:]
            missing -= parts[-1].size
        yield parts[0] if len(parts) == 1 else np.concatenate(parts)
    for _ in chunks:  # let the source finish its reading
        pass
