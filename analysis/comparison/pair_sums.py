"""Sums over pairs of finite values, in all and for each channel."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorpeek.analysis.compiled.pair_kernels import ChannelSums, pair_kernels
from tensorpeek.analysis.integrity.channels import row_starts

Floats = NDArray[np.float64]

FIRST, SECOND, DELTA, PRODUCT, LARGEST, CHANGED = range(6)
"""Places of the totals: a * a, b * b, (b - a)**2, a * b, largest abs(b - a), unequal pairs."""


class PairSums:
    """Adds up pairs a, b of elements of ``shape``, whose channels lie along ``axis`` if any.

    ``totals`` are told apart by the places above; ``reach`` is the largest magnitude of a value.
    Sums are float64.
    """

    def __init__(self, shape: tuple[int, ...], axis: int | None) -> None:
        self.totals = np.zeros(6)
        self.reach = 0.0
        count = 0 if axis is None else shape[axis]
        inner = max(1, math.prod(shape if axis is None else shape[axis + 1 :]))
        self.channels = ChannelSums(inner, np.zeros(count), np.zeros(count))

    def add(self, a: NDArray[Any], b: NDArray[Any], start: int) -> bool:
        """Take in a block, float32 or float64, that begins at element ``start``.

        Says whether all values are finite; when they are not, nothing was added.
        """
        kernels = pair_kernels(a.dtype)
        if kernels is None:
            reach = _reach(a, b)
        else:
            reach = kernels.add(a, b, start, self.channels, self.totals)
        if not math.isfinite(reach):
            return False
        self.reach = max(self.reach, reach)
        if kernels is None:
            self._add_with_numpy(a, b, start)
        return True

    def _add_with_numpy(self, a: NDArray[Any], b: NDArray[Any], start: int) -> None:
        first = a.astype(np.float64)
        room = np.multiply(first, first)
        signal = float(room.sum())
        self.totals[FIRST] += signal
        self._add_to(self.channels.signals, room, start)
        if _same_bytes(a, b):
            self.totals[[SECOND, PRODUCT]] += signal
            return
        self.totals[CHANGED] += np.count_nonzero(a != b)
        second = b.astype(np.float64)
        self.totals[PRODUCT] += np.multiply(first, second, out=room).sum()
        self.totals[SECOND] += np.multiply(second, second, out=room).sum()
        np.subtract(second, first, out=second)
        self._add_deltas(np.abs(second, out=second), room, start)

    def add_wide(
        self, a: NDArray[Any], b: NDArray[Any], sizes: Floats, changed: int, start: int
    ) -> None:
        """Take in float64 or complex128 values whose ``sizes`` abs(b - a) are known otherwise."""
        self.reach = max(self.reach, _reach(np.abs(a), np.abs(b)))
        signals = (a * a.conj()).real
        self.totals[FIRST] += signals.sum()
        self.totals[SECOND] += (b * b.conj()).real.sum()
        self.totals[PRODUCT] += (a.conj() * b).real.sum()
        self.totals[CHANGED] += changed
        self._add_to(self.channels.signals, signals, start)
        self._add_deltas(sizes, np.empty_like(sizes), start)

    def _add_deltas(self, sizes: Floats, room: Floats, start: int) -> None:
        self.totals[LARGEST] = max(self.totals[LARGEST], sizes.max())
        self.totals[DELTA] += np.multiply(sizes, sizes, out=room).sum()
        self._add_to(self.channels.errors, room, start)

    def _add_to(self, sums: Floats, squares: Floats, start: int) -> None:
        """Add squares to the sums of the channels that they belong to."""
        inner = self.channels.inner
        if not sums.size:
            return
        if inner == 1:
            _add_in_turn(sums, squares, start % sums.size)
            return
        rows, begins = row_starts(start, start + squares.size, inner)
        channels = rows % sums.size
        low, high = int(channels.min()), int(channels.max()) + 1
        by_row = np.add.reduceat(squares, begins)
        sums[low:high] += np.bincount(channels - low, by_row, minlength=high - low)


def _add_in_turn(sums: Floats, values: Floats, first: int) -> None:
    """Add each value to the next sum, from the ``first`` one on, over and over."""
    before = min(-first % sums.size, values.size)
    after = before + (values.size - before) // sums.size * sums.size
    sums[first : first + before] += values[:before]
    sums += values[before:after].reshape(-1, sums.size).sum(axis=0)
    sums[: values.size - after] += values[after:]


def _reach(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Return the largest magnitude of two blocks, NaN if there is one."""
    ends = np.array([a.max(), -a.min(), b.max(), -b.min()], np.float64)
    return float(ends.max())


def _same_bytes(a: NDArray[Any], b: NDArray[Any]) -> bool:
    whole = np.dtype(f"u{a.itemsize}")
    return bool(np.array_equal(a.view(whole), b.view(whole)))
