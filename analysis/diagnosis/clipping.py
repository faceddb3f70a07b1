"""The clipping range that makes the error of a symmetric integer grid smallest."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tensorpeek.analysis.compiled.matrix_kernels import matrix_kernels
from tensorpeek.analysis.diagnosis.grids import SMALLEST_RANGE, IntegerGrid
from tensorpeek.analysis.diagnosis.unmeasurable import UnmeasurableError
from tensorpeek.analysis.diagnosis.weight_matrix import absolute_maximum, safe_exponent
from tensorpeek.analysis.distribution import Distribution
from tensorpeek.analysis.table import CountTable
from tensorpeek.analysis.wide import WideDistribution

Floats = NDArray[np.float64]

COARSE = np.geomspace(0.02, 1.0, 24)
"""Shares of the largest magnitude that are tried first."""

FINE = 16
"""Shares that are tried next, between the neighbors of the best one."""

WIDEST = 1 / 64
"""Widest bucket, as a share of the largest magnitude, whose middle may stand for its values."""


@dataclass(frozen=True)
class ClippingRange:
    """The best range [-``limit``, ``limit``] for ``bits`` bits, in the tensor's units.

    ``share_percent`` is ``limit`` in percent of the largest magnitude, ``sqnr_db`` what the grid
    over that range has and ``gain_db`` by how much more than the one over all values, at least 0.
    Unless ``exact``, values stood for by the middles of their buckets (1/128 to 1/256 wide).
    """

    bits: int
    limit: float
    share_percent: float
    sqnr_db: float
    gain_db: float
    exact: bool


def best_clipping(distribution: Distribution, bits: int) -> ClippingRange | None:
    """Search a grid of ranges for the smallest mean squared error; None if all values are zero.

    From the table of counts alone, nothing is read. The search is that of OMSE (Choukroun et al.
    2019, arXiv:1902.06822), by shares of the largest magnitude: 24 from 2 % on in equal ratios,
    then 16 around the best. A gain that is infinite is reported as 0: nothing was wrong before.
    Raises UnmeasurableError where buckets are wide: beyond float32, and below its normal numbers.
    """
    largest = absolute_maximum(distribution.summary)
    exponent = safe_exponent(distribution.summary)
    found = _counted(distribution) if largest else None
    if found is None:
        return None
    values, counts = np.ldexp(found[0], -exponent), found[1].astype(np.float64)
    top, signal = math.ldexp(largest, -exponent), _weighted_squares(values, counts)
    if not signal:
        return None

    def sqnr(share: float) -> float:
        noise = _noise(values, counts, bits, share * top)
        return 10 * math.log10(signal / noise) if noise else math.inf

    share, best = _search(sqnr)
    before = sqnr(1.0)
    return ClippingRange(
        bits=bits,
        limit=share * largest,
        share_percent=100 * share,
        sqnr_db=best,
        gain_db=best - before if math.isfinite(before) else 0.0,
        exact=isinstance(distribution, CountTable),
    )


def _weighted_squares(values: Floats, counts: Floats) -> float:
    return float(np.einsum("i,i,i->", values, values, counts))


def _noise(values: Floats, counts: Floats, bits: int, limit: float) -> float:
    """Return the summed squared errors of a symmetric grid up to ``limit``."""
    kernels = matrix_kernels()
    levels = float((1 << bits - 1) - 1)
    if kernels is not None and limit > SMALLEST_RANGE:
        return kernels.counted_noise(values, counts, limit / levels, levels / limit, levels)
    ends = np.full((1, 1), limit)
    errors = IntegerGrid(bits, symmetric=True).round(values[None, :], -ends, ends).errors
    return _weighted_squares(errors[0], counts)


def _search(sqnr: Callable[[float], float]) -> tuple[float, float]:
    """Return the share with the largest ratio, and that ratio; the largest share of equals."""
    shares = COARSE.tolist()
    ratios = [sqnr(share) for share in shares]
    place = max(range(len(shares)), key=lambda index: (ratios[index], index))
    low, high = shares[max(place - 1, 0)], shares[min(place + 1, len(shares) - 1)]
    tried = {share: sqnr(share) for share in np.linspace(low, high, FINE).tolist()}
    tried[shares[place]] = ratios[place]
    best = max(tried, key=lambda share: (tried[share], share))
    return best, tried[best]


def _counted(distribution: Distribution) -> tuple[Floats, NDArray[np.int64]] | None:
    """Return values and how often each occurs, or the middles of buckets."""
    if isinstance(distribution, CountTable):
        return distribution.values, distribution.counts
    if isinstance(distribution, WideDistribution):
        buckets = distribution.buckets
        largest = absolute_maximum(distribution.summary)
        if (buckets.upper - buckets.lower > WIDEST * largest).any():
            raise UnmeasurableError("has values that the table of float32 patterns cannot tell")
        return buckets.lower / 2 + buckets.upper / 2, buckets.counts
    return None
