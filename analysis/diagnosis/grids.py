"""Grids of equally spaced levels, as integer quantization has them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SMALLEST_RANGE = 1e-290
"""Ranges up to this have no scale: its reciprocal would overflow. They round to zero."""


@dataclass(frozen=True)
class Rounded:
    """``errors`` (rounded less true values), ``scales`` of groups, which values were ``clipped``.

    ``clipped`` is None where none was.
    """

    errors: Floats
    scales: Floats
    clipped: NDArray[np.bool_] | None


@dataclass(frozen=True)
class IntegerGrid:
    """Levels scale * k of ``bits`` bits.

    Symmetric: k from -(2**(bits-1) - 1) to 2**(bits-1) - 1, scale = absmax / (2**(bits-1) - 1).
    Asymmetric: 2**bits levels over [min(low, 0), max(high, 0)] with a whole zero point, so zero
    is a level. Both after Nagel et al. 2021 (arXiv:2106.08295), section 2; rounding is half to
    even.
    """

    bits: int
    symmetric: bool

    @property
    def name(self) -> str:
        """For example ``int8 symmetric``."""
        return f"int{self.bits} {'symmetric' if self.symmetric else 'asymmetric'}"

    def round(self, values: Floats, low: Floats, high: Floats) -> Rounded:
        """Round values; ``low`` and ``high`` broadcast against them, one for each group.

        Symmetric grids clip values beyond the larger magnitude of both.
        """
        if self.symmetric:
            return self._symmetric(values, np.maximum(-low, high))
        low, high = np.minimum(low, 0.0), np.maximum(high, 0.0)
        top = (1 << self.bits) - 1
        scales, steps = _scales(high - low, top)
        point = np.rint(-low * steps)
        return _rounded(values, scales, steps, (-point, top - point))

    def _symmetric(self, values: Floats, largest: Floats) -> Rounded:
        top = float((1 << self.bits - 1) - 1)
        scales, steps = _scales(largest, top)
        return _rounded(values, scales, steps, (-top, top))


def _scales(span: Floats, levels: float) -> tuple[Floats, Floats]:
    """Return the scale of each group and its reciprocal; 0 and 0 where there is no range."""
    some = span > SMALLEST_RANGE
    scales = np.where(some, span / levels, 0.0)
    return scales, np.divide(levels, span, out=np.zeros_like(scales), where=some)


def _rounded(
    values: Floats, scales: Floats, steps: Floats, limits: tuple[Floats | float, Floats | float]
) -> Rounded:
    codes = values * steps
    np.rint(codes, out=codes)
    clipped = None
    if (codes < limits[0]).any() or (codes > limits[1]).any():
        inside = np.clip(codes, *limits)
        clipped, codes = inside != codes, inside
    codes *= scales
    codes -= values
    return Rounded(codes, scales, clipped)
