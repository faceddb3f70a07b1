"""What is known of a tensor after one cheap pass: its distribution and its outliers."""

from __future__ import annotations

from dataclasses import dataclass

from tensorpeek.analysis.diagnosis.outliers import Outliers, outliers
from tensorpeek.analysis.distribution import Distribution
from tensorpeek.analysis.measure import measure
from tensorpeek.analysis.stopping import Stop, never
from tensorpeek.analysis.summary import Summary
from tensorpeek.loaders import Tensor, View


@dataclass(frozen=True, eq=False)
class FirstLook:
    """The summary of a tensor in a view, and its outliers; None where it has no finite value."""

    summary: Summary
    outliers: Outliers | None

    @property
    def extreme_percent(self) -> float | None:
        """Share of extreme outliers of the finite values; None where it is not defined."""
        return None if self.outliers is None else self.outliers.extreme_percent

    @property
    def zeros_percent(self) -> float | None:
        """Share of exact zeros of all elements; None for an empty tensor."""
        count = self.summary.count
        return 100.0 * self.summary.zeros / count if count else None

    @property
    def broken(self) -> int:
        """How many values are NaN or infinite."""
        return self.summary.count - self.summary.finite


def first_look(
    tensor: Tensor,
    view: View = "dequantized",
    *,
    distribution: Distribution | None = None,
    stop: Stop = never,
) -> tuple[FirstLook, Distribution]:
    """Measure a tensor, unless its ``distribution`` is known, and count its outliers.

    Raises LoadError and CancelledError.
    """
    found = distribution or measure(tensor, view, stop=stop)
    some = outliers(found, stop=stop) if found.summary.finite else None
    return FirstLook(found.summary, some), found
