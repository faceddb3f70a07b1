"""The singular values that a matrix of pure noise would have: the Marchenko-Pastur law."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class NoiseBulk:
    """Where the singular values of a random matrix lie, in the limit of large matrices.

    The matrix has ``rows`` by ``columns`` independent elements of standard deviation ``sigma``
    and mean 0. With n the larger and m the smaller side, its singular values fill ``low`` to
    ``high``, sigma sqrt(n) (1 ± sqrt(m / n)), in the tensor's units; their squares over n follow
    Marchenko and Pastur 1967 (doi:10.1070/SM1967v001n04ABEH001994). At finite sizes the largest
    one strays from ``high`` by about high (n m)**(-1/3), and elements with heavy tails reach
    beyond it, so that a few values just outside mean nothing.
    """

    rows: int
    columns: int
    sigma: float
    low: float
    high: float

    def density(self, values: Floats) -> Floats:
        """Return the probability density at some singular values, 0 outside of the bulk.

        The integral over all values is 1. Of the shape of ``values``, in the reciprocal of the
        tensor's units; zeros where ``sigma`` is 0.
        """
        large, small = self._sides()
        scale = math.sqrt(large) * self.sigma
        if not scale:
            return np.zeros_like(values)
        unit = values / scale
        low, high = (1 - math.sqrt(small / large)) ** 2, (1 + math.sqrt(small / large)) ** 2
        squares = unit * unit
        inside = np.maximum((high - squares) * (squares - low), 0.0)
        below = np.pi * small / large * np.where(unit > 0, unit, 1.0) * scale
        return np.where((squares > 0) & (squares < high), np.sqrt(inside) / below, 0.0)

    def expected(self, edges: Floats) -> Floats:
        """Return how many of the singular values noise would have between ascending ``edges``.

        One number for each pair of neighbors, by the trapezoidal rule over 64 steps in each.
        """
        shares = np.linspace(0.0, 1.0, 65)
        places = edges[:-1, None] + np.diff(edges)[:, None] * shares
        shares_of_all = np.asarray(np.trapezoid(self.density(places), places, axis=1))
        return min(self.rows, self.columns) * shares_of_all

    def above(self, values: Floats) -> int:
        """Return how many of some singular values exceed ``high``: what noise does not explain."""
        return int(np.count_nonzero(values > self.high))

    def below(self, values: Floats) -> int:
        """Return how many of some singular values are less than ``low``."""
        return int(np.count_nonzero(values < self.low))

    def _sides(self) -> tuple[int, int]:
        return max(self.rows, self.columns), min(self.rows, self.columns)


def noise_bulk(rows: int, columns: int, sigma: float) -> NoiseBulk:
    """Return the bulk of a random ``rows`` by ``columns`` matrix; see :class:`NoiseBulk`.

    ``sigma`` is the standard deviation of all elements about their mean. That of a trained
    matrix holds its structure too, so the edges are an upper bound for the noise in it. Raises
    ValueError for a side below 1 and a ``sigma`` that is negative or not finite.
    """
    if rows < 1 or columns < 1:
        raise ValueError("a side is below 1")
    if not (math.isfinite(sigma) and sigma >= 0):
        raise ValueError("sigma is no finite number of at least 0")
    long, short = math.sqrt(max(rows, columns)), math.sqrt(min(rows, columns))
    return NoiseBulk(rows, columns, sigma, sigma * (long - short), sigma * (long + short))


def median_sigma(rows: int, columns: int, values: Floats) -> float:
    """Return the ``sigma`` of noise whose singular values have the same median as ``values``.

    Unlike the standard deviation it is hardly moved by a few large singular values (Gavish and
    Donoho 2014, doi:10.1109/TIT.2014.2323359, section III.E: median(s) / sqrt(n mu), mu the median
    of the Marchenko-Pastur law). In the units of ``values``, at least one of them, in any order.
    """
    unit = noise_bulk(rows, columns, 1.0)
    edges = np.linspace(unit.low, unit.high, 2049)
    shares = np.cumsum(unit.expected(edges))
    middle = float(np.interp(shares[-1] / 2, shares, edges[1:]))
    return float(np.median(values)) / middle
