"""Bins in which the values of several tensors are counted side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from tensorpeek.analysis.distribution import Distribution
from tensorpeek.analysis.edges import Edges, integer_edges, level_edges, uniform_edges
from tensorpeek.loaders import Tensor

NARROW = 16
"""Bits of codes up to which bins hold whole levels: wider ones have no visible levels."""


def common_edges(
    tensors: Sequence[Tensor], distributions: Sequence[Distribution], bins: int
) -> Edges:
    """Return about ``bins`` bins over the finite dequantized values of all tensors.

    Bins of integers hold whole ones; where a tensor has one scale, they hold whole levels of it
    (those of the last such tensor): otherwise some bins would hold one level more than
    their neighbors. Without a finite value they go from 0 to 1. Raises LoadError when a scale
    cannot be read and ValueError for ``bins`` below 1.
    """
    summaries = [each.summary for each in distributions]
    lows = [each.minimum for each in summaries if each.minimum is not None]
    highs = [each.maximum for each in summaries if each.maximum is not None]
    if not lows:
        return uniform_edges(0, 1, bins)
    low, high = min(lows), max(highs)
    if all(isinstance(each, int) for each in (*lows, *highs)):
        return integer_edges(int(low), int(high), bins)
    for tensor in reversed(tensors):
        edges = _level_edges(tensor, float(low), float(high), bins)
        if edges is not None:
            return edges
    return uniform_edges(low, high, bins)


def _level_edges(tensor: Tensor, low: float, high: float, bins: int) -> Edges | None:
    """Return bins of whole levels of a tensor of one scale, None for any other."""
    grid = tensor.quantization
    if grid is None or grid.scheme != "per-tensor" or grid.scale is None:
        return None
    if tensor.element.bits > NARROW or tensor.element.kind != "int":
        return None
    scale, points = float(np.float32(grid.scales()[0])), grid.zero_points()
    if not math.isfinite(scale) or scale == 0 or not math.isfinite(float(points[0])):
        return None
    point = int(points[0])
    ends = sorted((low / scale + point, high / scale + point))
    if not max(map(abs, ends)) < 2**52:
        return None
    try:
        return level_edges(math.floor(ends[0] + 0.5), math.ceil(ends[1] - 0.5), scale, point, bins)
    except ValueError:
        return None
