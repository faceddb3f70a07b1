"""How far two tensors are apart."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WorstChannel:
    """The channel of the second tensor, along ``axis``, with the largest relative L2 error."""

    axis: int
    index: int
    relative_error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The difference of two tensors a (the reference) and b of ``count`` elements each.

    All measures are accumulated in float64 over the pairs of elements that are both finite; of
    complex elements deltas are magnitudes. ``changed`` counts all pairs that are not equal; two
    NaN are equal (``both_nan``), so are two infinities of one sign. ``not_finite`` counts the
    changed pairs in which one is NaN or infinite: no other measure knows of them.

    ``max_delta`` is the largest abs(b - a); ``relative_error`` is norm(b - a) / norm(a); ``sqnr``
    is 20 log10(norm(a) / norm(b - a)) in dB; ``cosine`` is a·b / (norm(a) norm(b)); ``l2_ratio``
    is norm(b) / norm(a). Equal tensors have 0, infinite SQNR and cosine 1; where a is zero and b
    is not, the relative error is infinite, SQNR -infinity; cosine and ratio are None if undefined.
    All are None without a finite pair, and where squares leave float64's range.
    """

    count: int
    changed: int
    both_nan: int
    not_finite: int
    max_delta: float | None
    relative_error: float | None
    sqnr: float | None
    cosine: float | None
    l2_ratio: float | None
    worst_channel: WorstChannel | None

    @property
    def changed_share(self) -> float:
        """Share of the elements that changed, 0.0 to 1.0; 0.0 for empty tensors."""
        return self.changed / self.count if self.count else 0.0

    def exceeds(self, tolerance: float) -> bool:
        """Return whether an element differs by more than ``tolerance``, or in being finite."""
        if self.not_finite:
            return True
        # Integers beyond 2**53 may differ by less than float64 can tell.
        return (self.max_delta or 0.0) > tolerance or (tolerance == 0 and self.changed > 0)


def ratio(part: float, whole: float) -> float:
    """Return ``part / whole`` of two norms; 0 over 0 is 0, and infinite over a zero reference."""
    if whole == 0:
        return 0.0 if part == 0 else math.inf
    return part / whole


def decibels(relative_error: float) -> float:
    """Return the SQNR in dB that a relative L2 error stands for: infinite without an error."""
    if relative_error == 0:
        return math.inf
    return -20 * math.log10(relative_error) if math.isfinite(relative_error) else -math.inf
