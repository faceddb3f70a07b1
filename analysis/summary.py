"""The measures of one tensor: extremes, moments, quantiles, and counts of special values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
"""Probabilities of the quantiles that a summary holds."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Summary:
    """Measures of all elements of a tensor in one view, in the tensor's own units.

    ``count`` is the number of elements, ``finite`` of those that are neither NaN nor infinite;
    ``zeros`` counts both signs of zero. Every other measure is of the finite elements and None
    when there is none. ``minimum`` and ``maximum`` are exact: Python integers for integer and
    boolean elements, else floats. ``mean``, ``std`` (the population's), ``absolute_mean`` (the
    mean of magnitudes) and ``l2_norm`` are accumulated in float64. ``quantiles`` maps the
    probabilities :data:`QUANTILES` to exact quantiles, interpolated as method 7 of Hyndman and
    Fan (doi:10.1080/00031305.1996.10473566), which is NumPy's ``linear``; None also when they
    were not asked for. Elements of a complex tensor are measured by their magnitudes.
    """

    count: int
    finite: int
    zeros: int
    nan: int
    positive_infinity: int
    negative_infinity: int
    minimum: float | int | None
    maximum: float | int | None
    mean: float | None
    std: float | None
    absolute_mean: float | None
    l2_norm: float | None
    quantiles: Mapping[float, float | int] | None
