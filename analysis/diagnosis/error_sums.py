"""What rounding values to a grid costs, added up piece by piece."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tensorpeek.analysis.compiled.matrix_kernels import (
    CLIPPED,
    MAGNITUDE,
    NOISE,
    PRODUCT,
    SCALE_COUNT,
    SCALE_MAX,
    SCALE_MIN,
    SCALE_SUM,
)


@dataclass(frozen=True)
class GridError:
    """How far values lie from their nearest ones on a grid; see :class:`ErrorSums`.

    ``grid`` and ``granularity`` name it (``int4 symmetric``, ``group 128``); ``bits`` are those
    of a code, without scales. ``scale_*`` are the mean and the extremes over the groups, ``mse``
    and ``mae`` the mean squared and mean absolute error, both in the tensor's units (squared).
    ``sqnr_db`` is 10 log10(sum x**2 / sum e**2), infinite without error; ``cosine`` that between
    the values and the rounded ones. ``clipped_percent`` of the finite values lie beyond the grid
    by more than half a step. Measures are of the finite values; None where there are none, SQNR
    and cosine also where all are zero.
    """

    grid: str
    granularity: str
    bits: int
    scale_mean: float | None
    scale_min: float | None
    scale_max: float | None
    mse: float | None
    mae: float | None
    sqnr_db: float | None
    cosine: float | None
    clipped_percent: float | None


@dataclass
class ErrorSums:
    """Running float64 sums over values x and errors e, the rounded value less x."""

    signal: float = 0.0
    noise: float = 0.0
    product: float = 0.0
    magnitude: float = 0.0
    clipped: int = 0
    scale_sum: float = 0.0
    scale_count: int = 0
    scale_min: float = math.inf
    scale_max: float = 0.0

    def add(self, values: NDArray[np.float64], errors: NDArray[np.float64]) -> None:
        """Take in values and their errors, of one shape. ``errors`` is overwritten."""
        flat, wrong = values.reshape(-1), errors.reshape(-1)
        self.signal += _dot(flat, flat)
        self.noise += _dot(wrong, wrong)
        self.product += _dot(flat, wrong)
        self.magnitude += float(np.abs(wrong, out=wrong).sum())

    def add_counted(
        self,
        values: NDArray[np.float64],
        errors: NDArray[np.float64],
        counts: NDArray[np.float64],
    ) -> None:
        """Take in flat values that each occur so often."""
        weighted = errors * counts
        self.signal += _dot(values * counts, values)
        self.noise += _dot(weighted, errors)
        self.product += _dot(weighted, values)
        self.magnitude += float(np.abs(weighted).sum())

    def add_rounded(self, sums: Sequence[float], *, scales: bool) -> None:
        """Take in the sums of a kernel, with those over the ``scales`` or without; no signal."""
        self.noise += sums[NOISE]
        self.product += sums[PRODUCT]
        self.magnitude += sums[MAGNITUDE]
        self.clipped += round(sums[CLIPPED])
        if scales:
            self.scale_sum += sums[SCALE_SUM]
            self.scale_count += round(sums[SCALE_COUNT])
            self.scale_min = min(self.scale_min, sums[SCALE_MIN])
            self.scale_max = max(self.scale_max, sums[SCALE_MAX])

    def add_scales(self, scales: NDArray[np.float64]) -> None:
        """Take in the scales of some groups."""
        self.scale_sum += float(scales.sum())
        self.scale_count += scales.size
        self.scale_min = min(self.scale_min, float(scales.min()))
        self.scale_max = max(self.scale_max, float(scales.max()))

    def error(self, grid: str, granularity: str, bits: int, count: int, exponent: int) -> GridError:
        """Return the measures of ``count`` values that were divided by 2**exponent."""
        if not count:
            return GridError(grid, granularity, bits, *[None] * 8)
        some = self.scale_count > 0
        return GridError(
            grid=grid,
            granularity=granularity,
            bits=bits,
            scale_mean=_scaled(self.scale_sum / self.scale_count, exponent) if some else None,
            scale_min=_scaled(self.scale_min, exponent) if some else None,
            scale_max=_scaled(self.scale_max, exponent) if some else None,
            mse=_scaled(self.noise / count, 2 * exponent),
            mae=_scaled(self.magnitude / count, exponent),
            sqnr_db=self.sqnr_db,
            cosine=self.cosine,
            clipped_percent=100.0 * self.clipped / count,
        )

    @property
    def sqnr_db(self) -> float | None:
        """Ratio of signal to noise in dB; None without a signal, infinite without noise."""
        if not self.signal:
            return None
        return 10 * math.log10(self.signal / self.noise) if self.noise else math.inf

    @property
    def cosine(self) -> float | None:
        """Cosine between x and x + e; None when either is zero."""
        rounded = self.signal + 2 * self.product + self.noise
        if self.signal <= 0 or rounded <= 0:
            return None
        cosine = (self.signal + self.product) / math.sqrt(self.signal) / math.sqrt(rounded)
        return max(-1.0, min(1.0, cosine))


def _dot(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Sum products without BLAS, whose threads cost more than they save on short arrays."""
    return float(np.einsum("i,i->", one, other))


def _scaled(value: float, exponent: int) -> float:
    """Return ``value`` times 2**exponent, infinite where float64 cannot hold it."""
    with np.errstate(over="ignore", under="ignore"):
        return float(np.ldexp(value, exponent))
