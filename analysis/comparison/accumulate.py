"""Add up the difference of two tensors, block by block."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorpeek.analysis.comparison.difference import (
    Difference,
    WorstChannel,
    decibels,
    ratio,
)
from tensorpeek.analysis.integrity.channels import MAX_CHANNELS, row_starts

SAFE = (1e-140, 1e140)
"""Magnitudes whose squares float64 adds up without overflow or loss."""


@dataclass
class Sums:
    """What the blocks that were added so far sum up to; ``delta`` stands for b - a."""

    count: int = 0
    finite: int = 0
    changed: int = 0
    both_nan: int = 0
    not_finite: int = 0
    max_delta: float = 0.0
    largest: float = 0.0
    first: float = 0.0
    second: float = 0.0
    delta: float = 0.0
    product: float = 0.0


class Accumulator:
    """Takes blocks of two tensors in row-major order of ``shape``, and measures them.

    Channels are told apart along ``axis``; None for no channels.
    """

    def __init__(self, shape: tuple[int, ...], axis: int | None) -> None:
        self.sums = Sums()
        self.shape = shape
        self.axis = axis if axis is not None and 1 < shape[axis] <= MAX_CHANNELS else None
        channels = shape[self.axis] if self.axis is not None else 0
        self.errors = np.zeros(channels)
        self.signals = np.zeros(channels)

    def add(self, first: NDArray[Any], second: NDArray[Any]) -> None:
        """Take in the next block of both tensors: flat, of equal length."""
        start = self.sums.count
        self.sums.count += first.size
        with np.errstate(all="ignore"):
            a, b = wide(first), wide(second)
            delta = _exact_integers(first, second, b - a)
            changed = _unequal(first, second, a, b)
            self.sums.finite += first.size
            self.sums.changed += int(np.count_nonzero(changed))
            # No difference is finite of which a part is not.
            if not np.isfinite(delta).all():
                a, b, delta = self._set_apart(a, b, delta, changed)
            self._add_finite(a, b, np.abs(delta), start)

    def _set_apart(
        self, a: NDArray[Any], b: NDArray[Any], delta: NDArray[Any], changed: NDArray[np.bool_]
    ) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Count the pairs that are not both finite, and put zeros in their place."""
        finite = np.isfinite(a) & np.isfinite(b)
        both = np.isnan(a) & np.isnan(b)
        self.sums.finite -= int(np.count_nonzero(~finite))
        self.sums.both_nan += int(np.count_nonzero(both))
        self.sums.not_finite += int(np.count_nonzero(changed & ~finite))
        return np.where(finite, a, 0), np.where(finite, b, 0), np.where(finite, delta, 0)

    def _add_finite(
        self, a: NDArray[Any], b: NDArray[Any], delta: NDArray[np.float64], start: int
    ) -> None:
        sums = self.sums
        sums.largest = max(sums.largest, _largest(a), _largest(b))
        sums.max_delta = max(sums.max_delta, float(delta.max()))
        sums.first += float(np.vdot(a, a).real)
        sums.second += float(np.vdot(b, b).real)
        sums.delta += float(np.vdot(delta, delta))
        sums.product += float(np.vdot(a, b).real)
        if self.axis is not None:
            self._add_channels(np.square(delta), (a * a.conj()).real, start, self.axis)

    def _add_channels(
        self, errors: NDArray[np.float64], signals: NDArray[np.float64], start: int, axis: int
    ) -> None:
        inner = math.prod(self.shape[axis + 1 :])
        rows, begins = row_starts(start, start + errors.size, inner)
        channels = rows % self.shape[axis]
        low, high = int(channels.min()), int(channels.max()) + 1
        for sums, values in ((self.errors, errors), (self.signals, signals)):
            by_row = values if inner == 1 else np.add.reduceat(values, begins)
            sums[low:high] += np.bincount(channels - low, by_row, minlength=high - low)

    def difference(self) -> Difference:
        """Return the measures of all blocks."""
        sums = self.sums
        some = sums.finite > 0
        in_range = sums.largest == 0 or SAFE[0] < sums.largest < SAFE[1]
        norms = [math.sqrt(one) for one in (sums.first, sums.second, sums.delta)]
        error = ratio(norms[2], norms[0]) if some and in_range else None
        return Difference(
            count=sums.count,
            changed=sums.changed,
            both_nan=sums.both_nan,
            not_finite=sums.not_finite,
            max_delta=sums.max_delta if some else None,
            relative_error=error,
            sqnr=None if error is None else decibels(error),
            cosine=self._cosine(norms) if error is not None else None,
            l2_ratio=norms[1] / norms[0] if error is not None and norms[0] else None,
            worst_channel=self._worst() if error else None,
        )

    def _cosine(self, norms: list[float]) -> float | None:
        if not norms[0] or not norms[1]:
            return None
        if not self.sums.delta:
            return 1.0
        return min(1.0, max(-1.0, self.sums.product / norms[0] / norms[1]))

    def _worst(self) -> WorstChannel | None:
        if self.axis is None or not self.errors.any():
            return None
        with np.errstate(all="ignore"):
            relative = np.sqrt(self.errors / self.signals)
        relative[self.errors == 0] = 0
        index = int(np.argmax(relative))
        return WorstChannel(self.axis, index, float(relative[index]))


def _largest(values: NDArray[Any]) -> float:
    if values.dtype.kind == "c":
        return float(np.abs(values).max())
    return max(float(values.max()), -float(values.min()))


def wide(values: NDArray[Any]) -> NDArray[Any]:
    """Return real values as float64, complex ones as complex128."""
    if values.dtype.names is not None:
        return values["real"].astype(np.complex128) + 1j * values["imag"].astype(np.float64)
    return values.astype(np.complex128 if values.dtype.kind == "c" else np.float64)


def _unequal(
    first: NDArray[Any], second: NDArray[Any], a: NDArray[Any], b: NDArray[Any]
) -> NDArray[np.bool_]:
    """Return which elements differ: integers compared as such, two NaN taken for equal."""
    if first.dtype.kind in "iu" and first.dtype == second.dtype:
        unequal: NDArray[np.bool_] = first != second
        return unequal
    apart: NDArray[np.bool_] = (a != b) & ~(np.isnan(a) & np.isnan(b))
    return apart


def _exact_integers(first: NDArray[Any], second: NDArray[Any], delta: NDArray[Any]) -> NDArray[Any]:
    """Return the differences of integers of 64 bits exactly where these are small."""
    if first.dtype.itemsize < 8 or first.dtype.kind not in "iu" or first.dtype != second.dtype:
        return delta
    wrapped = second.view(np.int64) - first.view(np.int64)
    return np.where(np.abs(delta) < 2.0**62, wrapped.astype(np.float64), delta)
