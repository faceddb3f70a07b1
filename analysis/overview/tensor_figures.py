"""The figures of one tensor in a table of many: its summary and a small histogram."""

from __future__ import annotations

from dataclasses import dataclass

from tensorpeek.analysis.diagnosis.held import held
from tensorpeek.analysis.distribution import Distribution
from tensorpeek.analysis.measure import default_edges, measure
from tensorpeek.analysis.reading import Progress
from tensorpeek.analysis.stopping import Stop, never
from tensorpeek.analysis.summary import Summary
from tensorpeek.loaders import LoadError, Tensor, View

SPARK_BINS = 16
"""Bins of the small histogram; a few less or more where bins hold whole levels."""


@dataclass(frozen=True, eq=False)
class Figures:
    """The ``summary`` of a tensor in a view and the exact counts of about 16 bins.

    Bins go from minimum to maximum (:func:`tensorpeek.analysis.default_edges`); there are none
    without finite values. For a tensor that cannot be read ``error`` is the reason and ``summary``
    is None. The summary of a wide type has no quantiles.
    """

    summary: Summary | None
    bins: tuple[int, ...] = ()
    error: str | None = None

    @property
    def zeros_percent(self) -> float | None:
        """Zeros in percent of all elements, None for an empty tensor."""
        if self.summary is None or not self.summary.count:
            return None
        return 100.0 * self.summary.zeros / self.summary.count


def tensor_figures(
    tensor: Tensor,
    view: View = "dequantized",
    *,
    known: Distribution | None = None,
    stop: Stop = never,
    progress: Progress | None = None,
) -> tuple[Figures, Distribution | None]:
    """Measure a tensor; return its figures and the distribution that they come from.

    ``known`` is the distribution of the same tensor and view if it was measured before. What
    cannot be read is told by ``error``, not raised, and has no distribution. Raises
    CancelledError.
    """
    if tensor.error is not None:
        return Figures(None, error=tensor.error), None
    try:
        distribution, tensor = known, held(tensor, stop)
        if distribution is None:
            distribution = measure(tensor, view, stop=stop, progress=progress, quantiles=False)
        summary = distribution.summary
        if not summary.finite:
            return Figures(summary), distribution
        edges = default_edges(tensor, view, distribution, SPARK_BINS)
        histogram = distribution.histogram(edges, stop=stop)
    except LoadError as error:
        return Figures(None, error=error.reason), None
    return Figures(summary, tuple(histogram.counts.tolist())), distribution
