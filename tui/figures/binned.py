"""The histogram of one tensor in one view, as every command counts it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tensorpeek.analysis import Histogram, RangeCount, Summary, measure
from tensorpeek.analysis.code_interval import code_interval
from tensorpeek.tui.command.bins import edges_for
from tensorpeek.tui.command.measured import absence
from tensorpeek.tui.figures.errors import FigureError

if TYPE_CHECKING:
    from tensorpeek.loaders import Tensor, View
    from tensorpeek.tui.figures.draft import Draft


@dataclass(frozen=True, eq=False)
class Binned:
    """What is drawn of a tensor in a view; ``in_range`` counts the selected values."""

    tensor: Tensor
    view: View
    summary: Summary
    histogram: Histogram
    in_range: RangeCount | None


def binned(tensor: Tensor, view: View, draft: Draft) -> Binned:
    """Count the values of a tensor in bins.

    Range and limits are in the units of the view; where both views are drawn, in those of the
    dequantized one: stored integers have the same ones in codes, or none where there are several
    scales. Raises FigureError without finite values, LoadError and CancelledError.
    """
    options, stop = draft.options, draft.stop
    distribution = measure(tensor, view, stop=stop, progress=draft.progress, quantiles=False)
    reason = absence(distribution.summary)
    if reason is not None:
        raise FigureError(reason)
    selection, limits = options.selection, options.limits
    if options.both and view == "raw":
        selection = selection and code_interval(tensor, *selection)
        limits = limits and code_interval(tensor, *limits)
    edges = edges_for(tensor, view, distribution, options.bins, limits)
    histogram = distribution.histogram(edges, selection, stop=stop)
    in_range = distribution.count_range(*selection, stop=stop) if selection else None
    return Binned(tensor, view, distribution.summary, histogram, in_range)


def bins_words(histogram: Histogram) -> str:
    """Return what the bins are, and what lies outside of them."""
    bins = histogram.counts.size
    words = f"{bins:,} bin{'' if bins == 1 else 's'}"
    levels = histogram.edges.levels
    if levels is not None:
        words += f" of {levels:,} level{'' if levels == 1 else 's'} each"
    outside = [
        f"{count:,} {side}"
        for count, side in ((histogram.below, "below"), (histogram.above, "above"))
        if count
    ]
    return words + (f", not drawn: {', '.join(outside)}" if outside else "")


def range_words(in_range: RangeCount) -> str:
    """Return how many values lie in the selected range."""
    low, high = (f"{bound:.6g}" for bound in (in_range.low, in_range.high))
    share = f"{in_range.count:,} of {in_range.total:,}, {in_range.percent:.2f} %"
    return f"in [{low}, {high}]: {share}"
