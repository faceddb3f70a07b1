"""Where the bins of a histogram begin and end."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LARGEST = sys.float_info.max


@dataclass(frozen=True, eq=False)
class Edges:
    """The bounds of bins: ``values`` are strictly increasing float64, one more than bins.

    ``levels`` is the number of integers (or quantization levels) in each bin where bins hold
    whole ones, else None. ``uniform`` says that the bins are equally wide, and so much wider than
    the rounding of their edges that a bin's number can be computed.
    """

    values: NDArray[np.float64]
    levels: int | None
    uniform: bool

    @property
    def bins(self) -> int:
        """Number of bins."""
        return len(self.values) - 1


def uniform_edges(low: float, high: float, bins: int) -> Edges:
    """Return ``bins`` equally wide bins from ``low`` to ``high``, as ``numpy.histogram`` does.

    When ``low`` equals ``high`` the range is widened by 0.5 on both sides (by more where float64
    is too coarse to tell). There are fewer bins when float64 has too few numbers in the range.
    Raises ValueError for bounds that are not finite or out of order, and for ``bins`` below 1.
    """
    low, high = _checked(float(low), float(high), bins)
    if low == high:
        half = max(0.5, bins * math.ulp(low))
        low, high = max(low - half, -LARGEST), min(high + half, LARGEST)
    if max(-low, high) > LARGEST / 4:
        values = _wide_steps(low, high, bins)
    else:
        values = np.linspace(low, high, bins + 1)
    values = np.unique(values)
    return Edges(values, None, uniform=_is_uniform(values))


def integer_edges(low: int, high: int, bins: int) -> Edges:
    """Return bins around the integers from ``low`` to ``high``, about ``bins`` of them.

    Edges lie at k - 1/2, so no integer lies on an edge, and every bin holds equally many: the
    last bin may reach past ``high``. Where float64 cannot hold k - 1/2 (beyond 2**52) edges are
    rounded to it. Raises ValueError as :func:`uniform_edges` does.
    """
    _checked(low, high, bins)
    levels, count = _whole_levels(high - low + 1, bins)
    values = np.array([(2 * (low + levels * index) - 1) / 2 for index in range(count + 1)])
    if not (np.diff(values) > 0).all():
        return uniform_edges(low, high, bins)
    return Edges(values, levels, uniform=_is_uniform(values))


def level_edges(low_code: int, high_code: int, scale: float, zero_point: int, bins: int) -> Edges:
    """Return bins around the values (k - zero point) * scale of the codes k.

    Edges lie half a step beside the values and every bin holds equally many codes from
    ``low_code`` to ``high_code``, whatever the sign of ``scale``; the number of bins is about
    ``bins``. Raises ValueError for a scale that is zero, not finite or so large or small that
    float64 cannot hold the edges, and as :func:`uniform_edges` does.
    """
    _checked(low_code, high_code, bins)
    codes = integer_edges(low_code - zero_point, high_code - zero_point, bins)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        values = codes.values * scale
    values = values[::-1].copy() if scale < 0 else values
    if not (np.isfinite(values).all() and (np.diff(values) > 0).all()):
        raise ValueError(f"a scale of {scale} gives no bins")
    return Edges(values, codes.levels, uniform=_is_uniform(values))


def _checked(low: float, high: float, bins: int) -> tuple[float, float]:
    if bins < 1:
        raise ValueError(f"{bins} bins: there must be at least one")
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise ValueError(f"no range from {low} to {high}")
    return low, high


def _wide_steps(low: float, high: float, bins: int) -> NDArray[np.float64]:
    """Divide a range whose width may overflow float64, by way of its quarter."""
    values = np.linspace(low / 4, high / 4, bins + 1) * 4
    values[0], values[-1] = low, high
    return values


def _is_uniform(values: NDArray[np.float64]) -> bool:
    """Say whether bins are much wider than the rounding of their edges, and of finite width."""
    largest = max(-float(values[0]), float(values[-1]))
    if largest > LARGEST / 4:
        return False
    return bool(np.diff(values).min() > 8 * math.ulp(largest))


def _whole_levels(span: int, bins: int) -> tuple[int, int]:
    """Return how many levels a bin holds and how many such bins cover ``span`` levels."""
    few = max(1, span // bins)
    choices = [(levels, -(-span // levels)) for levels in (few, few + 1)]
    return min(choices, key=lambda choice: max(choice[1] / bins, bins / choice[1]))
