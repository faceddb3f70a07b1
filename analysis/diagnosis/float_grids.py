"""Grids of unequal spacing: 8-bit floats, NF4 and MXFP4."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from tensorpeek.analysis.diagnosis.grids import SMALLEST_RANGE, Rounded

Floats = NDArray[np.float64]

NF4_LEVELS = np.array(
    [
        -1.0,
        -0.6961928009986877,
        -0.5250730514526367,
        -0.39491748809814453,
        -0.28444138169288635,
        -0.18477343022823334,
        -0.09105003625154495,
        0.0,
        0.07958029955625534,
        0.16093020141124725,
        0.24611230194568634,
        0.33791524171829224,
        0.44070982933044434,
        0.5626170039176941,
        0.7229568362236023,
        1.0,
    ]
)
"""The 16 levels of NormalFloat4 (Dettmers et al. 2023, arXiv:2305.14314, appendix E)."""


@dataclass(frozen=True)
class FloatGrid:
    """The numbers of a small float type with ``mantissa`` bits, times a scale.

    The largest magnitude of a group is scaled to ``largest``, the type's largest finite number;
    numbers below ``smallest``, its smallest normal one, are equally spaced. Rounding is half to
    even, to the nearest (Micikevicius et al. 2022, arXiv:2209.05433). With ``power_of_two``
    scales are rounded to powers of two, as OCP's microscaling formats do: the exponent is that
    of the largest magnitude less that of ``largest``, and what lies beyond is clipped (OCP MX
    v1.0, 6.3).
    """

    name: str
    bits: int
    mantissa: int
    largest: float
    smallest: float
    power_of_two: bool = False

    def round(self, values: Floats, low: Floats, high: Floats) -> Rounded:
        """Round values; ``low`` and ``high`` broadcast against them, one for each group."""
        span = np.maximum(-low, high)
        some = span > SMALLEST_RANGE
        scales = np.where(some, span / self.largest, 0.0)
        if self.power_of_two:
            exponent = np.frexp(span)[1] - np.frexp(self.largest)[1]
            scales = np.where(some, np.ldexp(1.0, exponent), 0.0)
        steps = np.divide(1.0, scales, out=np.zeros_like(scales), where=some)
        rounded = self._nearest(values * steps)
        inside = np.clip(rounded, -self.largest, self.largest)
        clipped = inside != rounded
        inside *= scales
        inside -= values
        return Rounded(inside, scales, clipped)

    def _nearest(self, scaled: Floats) -> Floats:
        """Round to ``mantissa`` bits by arithmetic on the bit patterns of float64."""
        drop = np.int64(52 - self.mantissa)
        bits = scaled.view(np.int64)
        odd = (bits >> drop) & np.int64(1)
        odd += bits
        odd += np.int64((1 << int(drop) - 1) - 1)
        odd &= ~np.int64((1 << int(drop)) - 1)
        # Adding a large number drops the digits below the spacing of subnormal numbers.
        shift = 1.5 * 2.0**52 * self.smallest * 2.0**-self.mantissa
        small = (scaled + shift) - shift
        return np.where(np.abs(scaled) < self.smallest, small, odd.view(np.float64))


@dataclass(frozen=True)
class CodebookGrid:
    """Sixteen levels between -1 and 1, times the largest magnitude of a group."""

    name: str = "nf4"
    bits: int = 4

    def round(self, values: Floats, low: Floats, high: Floats) -> Rounded:
        """Round values to the nearest level; a value halfway takes the lower one."""
        scales = np.maximum(-low, high)
        some = scales > SMALLEST_RANGE
        steps = np.divide(1.0, scales, out=np.zeros_like(scales), where=some)
        rounded = NF4_LEVELS[_nearest_codes(values * steps)]
        rounded *= np.where(some, scales, 0.0)
        rounded -= values
        return Rounded(rounded, np.where(some, scales, 0.0), None)


_MIDDLES = (NF4_LEVELS[1:] + NF4_LEVELS[:-1]) / 2
_PARTS = 64
_FIRST_CODES = np.searchsorted(_MIDDLES, np.arange(-_PARTS, _PARTS + 2) / _PARTS).astype(np.intp)
"""The code of the smallest value in each 64th part from -1 to 1: at most one middle lies in it."""
_UPPER_MIDDLES = np.append(_MIDDLES, np.inf)


def _nearest_codes(values: Floats) -> NDArray[np.intp]:
    """Look codes up by the part that a value from -1 to 1 lies in, then move past a middle."""
    places = values * _PARTS
    places += _PARTS
    codes: NDArray[np.intp] = np.take(_FIRST_CODES, places.astype(np.intp), mode="clip")
    codes += values > np.take(_UPPER_MIDDLES, codes)
    return codes


@cache
def codebook_table() -> Floats:
    """Return for each 64th part from -1 to 1 the middle in it and the levels below and above.

    Three rows, of which each has two parts more; without a middle, infinity. Read-only.
    """
    after = np.minimum(_FIRST_CODES + 1, NF4_LEVELS.size - 1)
    table = np.stack([_UPPER_MIDDLES[_FIRST_CODES], NF4_LEVELS[_FIRST_CODES], NF4_LEVELS[after]])
    table.flags.writeable = False
    return table


E4M3 = FloatGrid("fp8 e4m3", 8, 3, 448.0, 2.0**-6)
E5M2 = FloatGrid("fp8 e5m2", 8, 2, 57344.0, 2.0**-14)
MXFP4 = FloatGrid("mxfp4", 4, 1, 6.0, 1.0, power_of_two=True)
NF4 = CodebookGrid()
