"""From values to places on a color map: linear, logarithmic, by rank."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

Curve = Literal["linear", "log", "percentile"]
CURVES: tuple[Curve, ...] = get_args(Curve)

DECADES = 3.0
"""Powers of ten below the limit that the logarithmic curve spreads; smaller values are linear."""


@dataclass(frozen=True, eq=False)
class Scaling:
    """Puts values on a scale from -1 to 1 that keeps their sign; zero stays zero.

    ``limit`` is the magnitude that lies at the end, beyond which values stay there. ``ranked`` are
    the sorted magnitudes among which the percentile curve ranks.
    """

    curve: Curve
    limit: float
    ranked: Floats

    def place(self, values: Floats) -> Floats:
        """Return where values lie; NaN stays NaN, infinities lie at the ends.

        Linear: value / limit. Log: sign * log(1 + |v| / c) / log(1 + limit / c) with c = limit /
        10**3, the symmetric logarithm of Webber (Meas. Sci. Technol. 24, 027001, 2013).
        Percentile: sign * the share of ``ranked`` that is not larger than |v|; zero is zero.
        """
        sizes = np.abs(values)
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            if self.curve == "percentile" and self.ranked.size:
                found = np.searchsorted(self.ranked, sizes, side="right") / self.ranked.size
                found = np.where(np.isnan(values), np.nan, found)
            elif not self.limit > 0:
                found = np.where(np.isnan(values), np.nan, (sizes > 0).astype(np.float64))
            elif self.curve == "log":
                share = np.minimum(sizes / self.limit, 1.0)
                found = np.log1p(share * 10**DECADES) / np.log1p(10**DECADES)
            else:
                found = sizes / self.limit
            return np.sign(values) * np.minimum(found, 1.0)

    def value_at(self, place: float) -> float:
        """Return the value that lies at a place from -1 to 1: the inverse of :meth:`place`."""
        size = min(abs(place), 1.0)
        if self.curve == "percentile" and self.ranked.size:
            rank = max(int(np.ceil(size * self.ranked.size)) - 1, 0)
            found = float(self.ranked[rank]) if size else 0.0
        elif self.curve == "log":
            found = self.limit * float(np.expm1(size * np.log1p(10**DECADES))) / 10**DECADES
        else:
            found = self.limit * size
        return float(np.copysign(found, place)) if found else 0.0


def scaling_of(values: Floats, curve: Curve, limit: float | None = None) -> Scaling:
    """Return the scaling of a picture; ``limit`` is its largest finite magnitude unless given."""
    sizes = np.abs(values[np.isfinite(values)])
    top = float(sizes.max(initial=0.0)) if limit is None else limit
    return Scaling(curve, top, np.sort(sizes))
