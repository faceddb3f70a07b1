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
from tensorpeek.analysis.comparison.one_type import in_one_type
from tensorpeek.analysis.comparison.pair_sums import (
    CHANGED,
    DELTA,
    FIRST,
    LARGEST,
    PRODUCT,
    SECOND,
    PairSums,
)
from tensorpeek.analysis.integrity.channels import MAX_CHANNELS

SAFE = (1e-140, 1e140)
"""Magnitudes whose squares float64 adds up without overflow or loss."""


@dataclass
class Sums:
    """How many pairs the blocks that were added so far hold, and of which kinds."""

    count: int = 0
    finite: int = 0
    both_nan: int = 0
    not_finite: int = 0


class Accumulator:
    """Takes blocks of two tensors in row-major order of ``shape``, and measures them.

    Channels are told apart along ``axis``; None for no channels.
    """

    def __init__(self, shape: tuple[int, ...], axis: int | None) -> None:
        self.sums = Sums()
        self.axis = axis if axis is not None and 1 < shape[axis] <= MAX_CHANNELS else None
        self.pairs = PairSums(shape, self.axis)

    def add(self, first: NDArray[Any], second: NDArray[Any]) -> None:
        """Take in the next block of both tensors: flat, of equal length."""
        start = self.sums.count
        self.sums.count += first.size
        self.sums.finite += first.size
        if not first.size:
            return
        with np.errstate(all="ignore"):
            pair = in_one_type(first, second)
            if pair is None:
                self._add_wide(first, second, start)
            elif not self.pairs.add(*pair, start):
                self.pairs.add(*self._set_apart(*pair), start)

    def _add_wide(self, first: NDArray[Any], second: NDArray[Any], start: int) -> None:
        """Take in a block of complex values, or of integers of 64 bits."""
        if first.dtype.kind in "iu":
            delta, changed = _exact_delta(first, second), first != second
            a, b = wide(first), wide(second)
        else:
            a, b = self._set_apart(wide(first), wide(second))
            delta, changed = b - a, a != b
        self.pairs.add_wide(a, b, np.abs(delta), int(np.count_nonzero(changed)), start)

    def _set_apart(self, a: NDArray[Any], b: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Count the pairs that are not both finite, and put zeros in their place."""
        finite = np.isfinite(a) & np.isfinite(b)
        both = np.isnan(a) & np.isnan(b)
        self.sums.finite -= int(np.count_nonzero(~finite))
        self.sums.both_nan += int(np.count_nonzero(both))
        self.sums.not_finite += int(np.count_nonzero(~finite & ~both & (a != b)))
        return np.where(finite, a, 0), np.where(finite, b, 0)

    def difference(self) -> Difference:
        """Return the measures of all blocks."""
        sums, totals, reach = self.sums, self.pairs.totals.tolist(), self.pairs.reach
        some = sums.finite > 0
        in_range = reach == 0 or SAFE[0] < reach < SAFE[1]
        norms = [math.sqrt(totals[place]) for place in (FIRST, SECOND, DELTA)]
        error = ratio(norms[2], norms[0]) if some and in_range else None
        return Difference(
            count=sums.count,
            changed=int(totals[CHANGED]) + sums.not_finite,
            both_nan=sums.both_nan,
            not_finite=sums.not_finite,
            max_delta=totals[LARGEST] if some else None,
            relative_error=error,
            sqnr=None if error is None else decibels(error),
            cosine=self._cosine(norms) if error is not None else None,
            l2_ratio=norms[1] / norms[0] if error is not None and norms[0] else None,
            worst_channel=self._worst() if error else None,
        )

    def _cosine(self, norms: list[float]) -> float | None:
        if not norms[0] or not norms[1]:
            return None
        if not norms[2]:
            return 1.0
        return min(1.0, max(-1.0, float(self.pairs.totals[PRODUCT]) / norms[0] / norms[1]))

    def channel_errors(self) -> NDArray[np.float64] | None:
        """Return norm(b - a) / norm(a) of each channel, 0 without an error; None without any."""
        if self.axis is None:
            return None
        errors = self.pairs.channels.errors
        with np.errstate(all="ignore"):
            relative: NDArray[np.float64] = np.sqrt(errors / self.pairs.channels.signals)
        relative[errors == 0] = 0
        return relative

    def _worst(self) -> WorstChannel | None:
        relative = self.channel_errors()
        if self.axis is None or relative is None or not relative.any():
            return None
        index = int(np.argmax(relative))
        return WorstChannel(self.axis, index, float(relative[index]))


def wide(values: NDArray[Any]) -> NDArray[Any]:
    """Return real values as float64, complex ones as complex128."""
    if values.dtype.names is not None:
        return values["real"].astype(np.complex128) + 1j * values["imag"].astype(np.float64)
    return values.astype(np.complex128 if values.dtype.kind == "c" else np.float64)


def _exact_delta(first: NDArray[Any], second: NDArray[Any]) -> NDArray[np.float64]:
    """Return the differences of integers of 64 bits, exactly where these are small."""
    delta = wide(second) - wide(first)
    wrapped = second.view(np.int64) - first.view(np.int64)
    return np.where(np.abs(delta) < 2.0**62, wrapped.astype(np.float64), delta)
