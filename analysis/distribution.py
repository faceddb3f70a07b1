"""What can be asked about the values of one tensor in one view."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tensorpeek.analysis.edges import Edges
from tensorpeek.analysis.histogram import Histogram
from tensorpeek.analysis.range_count import RangeCount
from tensorpeek.analysis.stopping import Stop, never
from tensorpeek.analysis.summary import QUANTILES, Summary


class Distribution(Protocol):
    """The distribution of a tensor's elements, measured by :func:`tensorpeek.analysis.measure`.

    With ``exact_at_once`` every answer is exact and takes no reading; else exact answers read the
    tensor again and may raise LoadError, or CancelledError when ``stop`` says so.
    """

    @property
    def summary(self) -> Summary:
        """Extremes, moments and counts of special values."""

    @property
    def exact_at_once(self) -> bool:
        """Whether exact answers come without reading the tensor again."""

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the distribution keeps."""

    def histogram(
        self, edges: Edges, selection: tuple[float, float] | None = None, *, stop: Stop = never
    ) -> Histogram:
        """Count the elements in each bin, exactly."""

    def count_range(self, low: float, high: float, *, stop: Stop = never) -> RangeCount:
        """Count the elements in the closed interval from ``low`` to ``high``, exactly."""

    def quantiles(self, probabilities: Sequence[float] = QUANTILES) -> dict[float, float] | None:
        """Return exact quantiles of the finite elements by probability, None when there is none."""

    def preview(self, edges: Edges, selection: tuple[float, float] | None = None) -> Histogram:
        """Count the elements in each bin at once; the histogram says whether it is exact."""
