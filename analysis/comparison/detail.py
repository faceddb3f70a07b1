"""The difference of a pair in detail: where it lies, in which channels, in steps of a grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorpeek.analysis.comparison.accumulate import Accumulator, wide
from tensorpeek.analysis.comparison.compare import Comparison
from tensorpeek.analysis.comparison.steps import StepErrors, StepSums, step_sums
from tensorpeek.analysis.comparison.streams import side_by_side
from tensorpeek.analysis.edges import Edges, uniform_edges
from tensorpeek.analysis.integrity.channels import channel_axis
from tensorpeek.analysis.reading import Progress, idle
from tensorpeek.analysis.stopping import Stop, never


@dataclass(frozen=True, eq=False, kw_only=True)
class ChannelErrors:
    """The relative L2 error norm(b - a) / norm(a) of each channel of b along ``axis``.

    Of finite pairs only; 0 where nothing differs, infinite where a is zero and b is not.
    """

    axis: int
    relative: NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Detail:
    """How the differences b - a of a pair are distributed.

    ``counts`` has the number of finite differences in each bin of ``edges``, which reach from the
    largest magnitude below zero to that above, as ``numpy.histogram`` counts them. Of complex
    values they are magnitudes. ``channels`` is None for pairs without channels, ``steps`` where
    not exactly one of both is on a grid that is known.
    """

    edges: Edges
    counts: NDArray[np.int64]
    channels: ChannelErrors | None
    steps: StepErrors | None


def detail(
    comparison: Comparison, bins: int, *, stop: Stop = never, progress: Progress = idle
) -> Detail:
    """Read a pair that was compared once more, and count its differences.

    Memory is that of :func:`compare`. Raises ValueError for a pair that could not be compared,
    LoadError and CancelledError.
    """
    difference = comparison.difference
    if difference is None:
        raise ValueError(f"{comparison.pair.first.name} was not compared")
    first, second = comparison.pair.first, comparison.pair.second
    reach = difference.max_delta or 0.0
    edges = uniform_edges(-reach, reach, bins)
    counts = np.zeros(edges.bins, np.int64)
    sums = Accumulator(second.shape, channel_axis(second))
    steps = step_sums(comparison.pair, comparison.alignment)
    for a, b in side_by_side(first, second, comparison.alignment, stop, progress):
        start = sums.sums.count
        sums.add(a, b)
        counts += _counted(a, b, edges)
        if steps is not None:
            steps.add(a, b, start)
    return Detail(edges=edges, counts=counts, channels=_channels(sums), steps=_finished(steps))


def _counted(a: NDArray[Any], b: NDArray[Any], edges: Edges) -> NDArray[np.int64]:
    with np.errstate(all="ignore"):
        delta = wide(b) - wide(a)
        real = np.abs(delta) if delta.dtype.kind == "c" else delta
    finite = real[np.isfinite(real)]
    if not edges.uniform:
        return np.histogram(finite, edges.values)[0]
    ends = (float(edges.values[0]), float(edges.values[-1]))
    return np.histogram(finite, edges.bins, ends)[0]


def _channels(sums: Accumulator) -> ChannelErrors | None:
    relative = sums.channel_errors()
    if relative is None or sums.axis is None:
        return None
    return ChannelErrors(axis=sums.axis, relative=relative)


def _finished(steps: StepSums | None) -> StepErrors | None:
    return None if steps is None else steps.errors()
