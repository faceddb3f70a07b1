"""Count the elements of a tensor in bins, as one command asked for all its tensors."""

from __future__ import annotations

from dataclasses import dataclass

from tensorpeek.analysis import Distribution, Histogram, RangeCount, Summary, measure
from tensorpeek.loaders import LoadError, Tensor, View
from tensorpeek.tui.command.bins import edges_for
from tensorpeek.tui.command.measured import Progress, absence


@dataclass(frozen=True, kw_only=True)
class HistogramRequest:
    """What to draw, and how."""

    bins: int = 50
    selection: tuple[float, float] | None = None
    limits: tuple[float, float] | None = None
    view: View = "dequantized"
    log: bool = False
    ascii_only: bool = False
    as_json: bool = False
    everything: bool = False


@dataclass(frozen=True, eq=False)
class TensorHistogram:
    """The histogram of a tensor, or the reason why there is none."""

    tensor: Tensor
    summary: Summary | None = None
    histogram: Histogram | None = None
    in_range: RangeCount | None = None
    error: str | None = None
    unreadable: bool = False


def count_bins(
    tensor: Tensor, request: HistogramRequest, progress: Progress | None = None
) -> TensorHistogram:
    """Measure a tensor and count its elements in bins and in the selected range."""
    try:
        distribution = measure(tensor, request.view, quantiles=False, progress=progress)
        return _count_bins(tensor, distribution, request)
    except LoadError as error:
        return TensorHistogram(tensor, error=tensor.error or error.reason, unreadable=True)


def _count_bins(
    tensor: Tensor, distribution: Distribution, request: HistogramRequest
) -> TensorHistogram:
    summary = distribution.summary
    reason = absence(summary)
    if reason is not None:
        return TensorHistogram(tensor, summary, error=reason)
    edges = edges_for(tensor, request.view, distribution, request.bins, request.limits)
    histogram = distribution.histogram(edges, request.selection)
    in_range = distribution.count_range(*request.selection) if request.selection else None
    return TensorHistogram(tensor, summary, histogram, in_range)
