"""Mean, spread and norm of many values, in one pass and without loss."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Moments:
    """``count`` values, their mean, their summed squared deviations, the mean of magnitudes.

    All in float64. A block is centered on its own mean, blocks are merged by the formula of Chan,
    Golub and LeVeque (doi:10.1080/00031305.1983.10483115), so a mean far from zero costs no
    digits of the spread.
    """

    count: int = 0
    mean: float = 0.0
    deviations: float = 0.0
    magnitude: float = 0.0

    @property
    def std(self) -> float:
        """Standard deviation of the population; 0.0 without values."""
        return math.sqrt(self.deviations / max(self.count, 1))

    @property
    def l2_norm(self) -> float:
        """Square root of the sum of squares."""
        return math.hypot(math.sqrt(self.deviations), math.sqrt(self.count) * self.mean)

    def merge(self, other: Moments) -> Moments:
        """Return the moments of both sets of values together."""
        count = self.count + other.count
        if not count:
            return self
        share = other.count / count
        apart = other.mean - self.mean
        return Moments(
            count,
            self.mean + apart * share,
            self.deviations + other.deviations + apart * apart * self.count * share,
            self.magnitude + (other.magnitude - self.magnitude) * share,
        )


def block_moments(values: NDArray[np.float64]) -> Moments:
    """Return the moments of a block of finite float64 values, at best of about 64Ki."""
    count = values.size
    if not count:
        return Moments()
    magnitudes, whole = float(np.abs(values).sum()), float(values.sum())
    centered = values - whole / count
    rest = float(centered.sum())
    squares = float(np.square(centered, out=centered).sum())
    return summed_moments(count, whole, magnitudes, rest, squares)


def summed_moments(
    count: int, whole: float, magnitudes: float, rest: float, squares: float
) -> Moments:
    """Return the moments of ``count`` values, at least one, from the sums over them.

    ``whole`` is that of the values, ``rest`` that of their distances to whole / count and
    ``squares`` that of the squares of these.
    """
    deviations = squares - rest * rest / count
    return Moments(count, whole / count + rest / count, max(deviations, 0.0), magnitudes / count)


def table_moments(values: NDArray[np.float64], counts: NDArray[np.int64]) -> Moments:
    """Return the moments of finite float64 ``values``, each occurring ``counts`` times."""
    total = int(counts.sum())
    if not total:
        return Moments()
    weights = counts.astype(np.float64)
    magnitude = float((weights * np.abs(values)).sum()) / total
    mean = float((weights * values).sum()) / total
    centered = values - mean
    rest = float((weights * centered).sum())
    deviations = float((weights * centered * centered).sum()) - rest * rest / total
    return Moments(total, mean + rest / total, max(deviations, 0.0), magnitude)
