"""The bins of a printed histogram, over all values or between the limits that were asked for."""

from __future__ import annotations

import math

from tensorpeek.analysis import (
    Distribution,
    Edges,
    default_edges,
    integer_edges,
    level_edges,
    uniform_edges,
)
from tensorpeek.loaders import Tensor, View


def edges_for(
    tensor: Tensor,
    view: View,
    distribution: Distribution,
    bins: int,
    limits: tuple[float, float] | None,
) -> Edges:
    """Return about ``bins`` bins over all values or between ``limits``, of whole levels if any.

    Raises ValueError for a tensor without finite values, and LoadError.
    """
    if limits is None:
        return default_edges(tensor, view, distribution, bins)
    low, high = limits
    quantization = tensor.quantization
    if tensor.element.kind == "int" and (quantization is None or view == "raw"):
        return _whole(math.ceil(low), math.floor(high), bins) or uniform_edges(low, high, bins)
    if quantization is not None and quantization.scheme == "per-tensor":
        return _levels(tensor, low, high, bins) or uniform_edges(low, high, bins)
    return uniform_edges(low, high, bins)


def _whole(low: int, high: int, bins: int) -> Edges | None:
    return integer_edges(low, high, bins) if low <= high else None


def _levels(tensor: Tensor, low: float, high: float, bins: int) -> Edges | None:
    """Return bins around the levels between ``low`` and ``high``, None if there are none."""
    if tensor.quantization is None:
        return None
    scale = float(tensor.quantization.scales()[0])
    try:
        point = int(tensor.quantization.zero_points()[0])
        steps = sorted((low / scale, high / scale))
        first, last = math.ceil(steps[0] + point), math.floor(steps[1] + point)
        return level_edges(first, last, scale, point, bins) if first <= last else None
    except (ValueError, OverflowError, ZeroDivisionError):  # a scale that is 0 or not finite
        return None
