"""The first pass over values of more than 16 bits: extremes, moments, a table of buckets."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorpeek.analysis.compiled.value_kernels import BlockSums, value_kernels
from tensorpeek.analysis.moments import Moments, block_moments, summed_moments
from tensorpeek.analysis.order_keys import BUCKETS, upper_patterns
from tensorpeek.analysis.reading import Progress, idle, watched
from tensorpeek.analysis.stopping import Stop
from tensorpeek.analysis.summary import Summary
from tensorpeek.loaders import Tensor, View

BLOCK = 1 << 16
"""Values handled at once: their float64 copies fit a second-level cache."""

SAFE_EXPONENTS = range(-400, 450)
"""Binary exponents whose squares float64 sums without overflow or loss."""


def real_values(chunk: NDArray[Any]) -> NDArray[Any]:
    """Return real values as they are, complex ones as their magnitudes in float64.

    ``numpy.hypot`` neither overflows early nor depends on how values are divided into chunks.
    """
    if not is_complex(chunk.dtype):
        return chunk
    real, imaginary = (chunk.real, chunk.imag) if chunk.dtype.kind == "c" else _parts(chunk)
    with np.errstate(all="ignore"):
        return np.hypot(real.astype(np.float64), imaginary.astype(np.float64))


def is_complex(dtype: np.dtype[Any]) -> bool:
    """Say whether a type is complex: NumPy's own, or a record of two float16."""
    return dtype.kind == "c" or dtype.names is not None


def _parts(chunk: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    return chunk["real"], chunk["imag"]


def only_finite(values: NDArray[Any]) -> NDArray[Any]:
    """Return the finite ones of float or integer values, without a copy when all are."""
    if values.dtype.kind != "f":
        return values
    finite = np.isfinite(values)
    return values if finite.all() else values[finite]


@dataclass
class WideScan:
    """What the blocks that were added so far hold.

    ``buckets`` counts the finite values by their upper 16 bits; ``moments`` are in units of two
    to the power ``exponent``.
    """

    count: int = 0
    zeros: int = 0
    nan: int = 0
    positive_infinity: int = 0
    negative_infinity: int = 0
    minimum: float | int | None = None
    maximum: float | int | None = None
    moments: Moments = field(default_factory=Moments)
    exponent: int = 0
    buckets: NDArray[np.int64] = field(default_factory=lambda: np.zeros(BUCKETS, np.int64))

    def add(self, block: NDArray[Any]) -> None:
        """Take in a block of real values."""
        self.count += block.size
        if not block.size:
            return
        kernels = value_kernels(block.dtype)
        if kernels is not None:
            self._add_sums(kernels.scan(block, self.buckets))
            return
        with np.errstate(all="ignore"):
            low, high = block.min(), block.max()
            if not (np.isfinite(low) and np.isfinite(high)):
                block = self._set_apart(block)
                if not block.size:
                    return
                low, high = block.min(), block.max()
            self._add_finite(block, low.item(), high.item())

    def _set_apart(self, block: NDArray[Any]) -> NDArray[Any]:
        self.nan += int(np.count_nonzero(np.isnan(block)))
        self.positive_infinity += int(np.count_nonzero(block == np.inf))
        self.negative_infinity += int(np.count_nonzero(block == -np.inf))
        return only_finite(block)

    def _add_sums(self, block: BlockSums) -> None:
        self.nan += block.nan
        self.positive_infinity += block.positive_infinity
        self.negative_infinity += block.negative_infinity
        if block.finite:
            self._widen(block.minimum, block.maximum)
            self.zeros += block.zeros
            self.moments = self.moments.merge(
                summed_moments(
                    block.finite, block.total, block.magnitudes, block.deviations, block.squares
                )
            )

    def _widen(self, low: float, high: float) -> None:
        self.minimum = low if self.minimum is None else min(low, self.minimum)
        self.maximum = high if self.maximum is None else max(high, self.maximum)

    def _add_finite(self, block: NDArray[Any], low: float, high: float) -> None:
        self._widen(low, high)
        if low <= 0 <= high:
            self.zeros += int(np.count_nonzero(block == 0))
        self.buckets += np.bincount(upper_patterns(block), minlength=BUCKETS)
        self.moments = self.moments.merge(block_moments(block.astype(np.float64)))

    def summary(self) -> Summary:
        """Return the measures, quantiles left out; a norm beyond float64 is infinite."""
        moments, some = self.moments, self.minimum is not None
        measures = [moments.mean, moments.std, moments.magnitude, moments.l2_norm]
        with np.errstate(over="ignore", under="ignore"):
            mean, std, magnitude, norm = np.ldexp(measures, self.exponent).tolist()
        return Summary(
            count=self.count,
            finite=self.count - self.nan - self.positive_infinity - self.negative_infinity,
            zeros=self.zeros,
            nan=self.nan,
            positive_infinity=self.positive_infinity,
            negative_infinity=self.negative_infinity,
            minimum=None if self.minimum is None else self.minimum + 0,  # no minus zero
            maximum=None if self.maximum is None else self.maximum + 0,
            mean=mean if some else None,
            std=std if some else None,
            absolute_mean=magnitude if some else None,
            l2_norm=norm if some else None,
            quantiles=None,
        )


def scan(tensor: Tensor, view: View, stop: Stop, progress: Progress = idle) -> WideScan:
    """Read all values once, and once more when their squares overflow or vanish in float64.

    Raises LoadError and CancelledError.
    """
    found = WideScan()
    for chunk in watched(tensor.chunks(view), tensor.params, stop, progress):
        for start in range(0, chunk.size, BLOCK):
            found.add(real_values(chunk[start : start + BLOCK]))
    largest = max(abs(found.minimum or 0), abs(found.maximum or 0))
    exponent = math.frexp(largest)[1]
    if largest and exponent not in SAFE_EXPONENTS:
        found.moments, found.exponent = _scaled_moments(tensor, view, stop, exponent), exponent
    return found


def _scaled_moments(tensor: Tensor, view: View, stop: Stop, exponent: int) -> Moments:
    """Take the moments of the values divided by a power of two, which costs no digit."""
    moments = Moments()
    for chunk in watched(tensor.chunks(view), tensor.params, stop):
        for start in range(0, chunk.size, BLOCK):
            block = only_finite(real_values(chunk[start : start + BLOCK]))
            with np.errstate(under="ignore"):
                scaled = np.ldexp(block.astype(np.float64), -exponent)
                moments = moments.merge(block_moments(scaled))
    return moments
