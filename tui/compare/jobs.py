"""The background jobs of comparisons: find the other model, match, rank, measure one pair."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tensorpeek.tui.background import PROGRESS_INTERVAL, Job, Work
from tensorpeek.tui.compare.messages import (
    ModelsPaired,
    OtherFound,
    PairFailed,
    PairMeasured,
    PairProgressed,
    PairsCompared,
    PairView,
)
from tensorpeek.tui.known_distributions import known_distributions
from tensorpeek.tui.messages import ModelOpened

if TYPE_CHECKING:
    from tensorpeek.analysis import Distribution, Histogram
    from tensorpeek.analysis.comparison import Comparison, Pair, Pairing
    from tensorpeek.loaders import Model, Tensor

MOST_OPENED = 24
"""Files that are looked into, at most, for a model with the same layers."""


def find_other(model: Model, paths: Sequence[Path]) -> Job:
    """Find the first of ``paths`` whose model has layers of the same names.

    Where none has, the first one with any tensors that match.
    """

    def job(work: Work) -> None:
        from tensorpeek.analysis.comparison import pair_tensors
        from tensorpeek.loaders import LoadError, open_model

        layers = set(model.parameter_layers)
        second_best: Path | None = None
        for path in paths[:MOST_OPENED]:
            if work.stop():
                return
            try:
                other = open_model(path)
            except LoadError:
                continue
            work.post(ModelOpened(path, other))
            if layers & set(other.parameter_layers):
                work.post(OtherFound(model, path))
                return
            if second_best is None and pair_tensors(model.tensors, other.tensors).pairs:
                second_best = path
        work.post(OtherFound(model, second_best))

    return job


def match(first: Model, second: Model) -> Job:
    """Match the tensors of two models."""

    def job(work: Work) -> None:
        from tensorpeek.analysis.comparison import pair_tensors

        work.post(ModelsPaired(first, second, pair_tensors(first.tensors, second.tensors)))

    return job


def rank(pairing: Pairing, known: Collection[Pair]) -> Job:
    """Compare all pairs that are not ``known`` yet."""

    def job(work: Work) -> None:
        from tensorpeek.analysis.comparison import compare
        from tensorpeek.loaders import CancelledError

        found: list[Comparison] = []
        told = time.monotonic()
        try:
            for pair in pairing.pairs:
                if pair not in known:
                    found.append(compare(pair, stop=work.stop))
                if found and time.monotonic() - told >= PROGRESS_INTERVAL:
                    work.post(PairsCompared(pairing, found))
                    found, told = [], time.monotonic()
        except CancelledError:
            return
        work.post(PairsCompared(pairing, found))

    return job


def measure_pair(pair: Pair, known: Comparison | None, bins: int) -> Job:
    """Measure all that is shown of one pair."""

    def job(work: Work) -> None:
        from tensorpeek.analysis.comparison import compare
        from tensorpeek.loaders import CancelledError, LoadError

        comparison = known
        try:
            if comparison is None:
                told = work.paced(partial(PairProgressed, pair, "comparing"))
                comparison = compare(pair, stop=work.stop, progress=told)
            if comparison.unreadable:
                work.post(PairFailed(pair, comparison, comparison.error or "not comparable"))
                return
            work.post(PairMeasured(_view(work, comparison, bins)))
        except LoadError as error:
            work.post(PairFailed(pair, comparison, error.reason))
        except CancelledError:
            return

    return job


def _view(work: Work, comparison: Comparison, bins: int) -> PairView:
    from tensorpeek.analysis.comparison import common_edges, detail

    pair = comparison.pair
    first, second = _measured(work, pair, pair.first), _measured(work, pair, pair.second)
    edges = common_edges((pair.first, pair.second), (first, second), bins)

    def counted(distribution: Distribution) -> Histogram:
        return distribution.histogram(edges, stop=work.stop)

    told = work.paced(partial(PairProgressed, pair, "counting differences"))
    return PairView(
        comparison=comparison,
        summaries=(first.summary, second.summary),
        histograms=(counted(first), counted(second)),
        detail=None
        if comparison.difference is None
        else detail(comparison, bins | 1, stop=work.stop, progress=told),
    )


def _measured(work: Work, pair: Pair, tensor: Tensor) -> Distribution:
    from tensorpeek.analysis import measure

    cache = known_distributions()
    distribution = cache.find(tensor, "dequantized")
    if distribution is None:
        told = work.paced(partial(PairProgressed, pair, f"measuring {tensor.name}"))
        distribution = measure(tensor, stop=work.stop, progress=told)
        cache.keep(tensor, "dequantized", distribution)
    return distribution
