"""The grids on a device: every step rounds as that of NumPy does, so that errors are equal."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from tensorpeek.analysis.diagnosis.float_grids import NF4_LEVELS, CodebookGrid, FloatGrid
from tensorpeek.analysis.diagnosis.grids import SMALLEST_RANGE, IntegerGrid
from tensorpeek.analysis.diagnosis.trials import Grid

FRACTION = 52
"""Bits of the fraction of float64."""


@dataclass(frozen=True, eq=False)
class DeviceRounded:
    """As :class:`tensorpeek.analysis.diagnosis.grids.Rounded`, in tensors of torch."""

    errors: Any
    scales: Any
    clipped: Any


def is_known(grid: Grid) -> bool:
    """Say whether :func:`round_there` knows a grid."""
    return isinstance(grid, IntegerGrid | FloatGrid | CodebookGrid)


def round_there(torch: Any, grid: Grid, values: Any, low: Any, high: Any) -> DeviceRounded:  # noqa: ANN401
    """Round float64 values; ``low`` and ``high`` broadcast against them, one for each group.

    ``clipped`` is None for a grid that clips nothing. The formulas are those of the grid.
    """
    if isinstance(grid, IntegerGrid):
        return _to_integers(torch, grid, values, (low, high))
    span = torch.maximum(-low, high)
    if isinstance(grid, FloatGrid):
        return _to_floats(torch, grid, values, span)
    return _to_codebook(torch, values, span)


def _to_integers(
    torch: Any,  # noqa: ANN401 (a module)
    grid: IntegerGrid,
    values: Any,  # noqa: ANN401 (a tensor of torch)
    ends: tuple[Any, Any],
) -> DeviceRounded:
    low, high = ends
    if grid.symmetric:
        levels = float((1 << grid.bits - 1) - 1)
        scales, steps = _scales(torch, torch.maximum(-low, high), levels)
        first, last = torch.full_like(steps, -levels), torch.full_like(steps, levels)
    else:
        low, high = low.clamp_max(0.0), high.clamp_min(0.0)
        levels = float((1 << grid.bits) - 1)
        scales, steps = _scales(torch, high - low, levels)
        first = -torch.round(-low * steps)
        last = first + levels
    codes = torch.round(values * steps)
    inside = torch.clamp(codes, first, last)
    clipped = inside != codes
    return DeviceRounded(inside.mul_(scales).sub_(values), scales, clipped)


def _scales(torch: Any, span: Any, levels: float) -> tuple[Any, Any]:  # noqa: ANN401
    """Return the scale of each group and its reciprocal; 0 and 0 where there is no range.

    Tensors divide tensors: for a number torch multiplies by a reciprocal, which rounds twice.
    """
    some = span > SMALLEST_RANGE
    top = torch.full_like(span, levels)
    return torch.where(some, span / top, 0.0), torch.where(some, top / span, 0.0)


def _to_floats(torch: Any, grid: FloatGrid, values: Any, span: Any) -> DeviceRounded:  # noqa: ANN401
    some = span > SMALLEST_RANGE
    scales = torch.where(some, span / torch.full_like(span, grid.largest), 0.0)
    if grid.power_of_two:
        # The exponent field of a span, which is a normal number, less the exponent of the type.
        field = (span.view(torch.int64) >> FRACTION) + (1 - math.frexp(grid.largest)[1])
        powers = (field.clamp_min(1) << FRACTION).view(torch.float64)
        scales = torch.where(some, powers, 0.0)
    rounded = _nearest(torch, grid, values * torch.where(some, 1.0 / scales, 0.0))
    inside = rounded.clamp(-grid.largest, grid.largest)
    clipped = inside != rounded
    return DeviceRounded(inside.mul_(scales).sub_(values), scales, clipped)


def _nearest(torch: Any, grid: FloatGrid, scaled: Any) -> Any:  # noqa: ANN401
    """Round to ``mantissa`` bits by arithmetic on bit patterns, as the grid itself does."""
    drop = FRACTION - grid.mantissa
    bits = scaled.view(torch.int64)
    odd = ((bits >> drop) & 1) + bits + ((1 << drop - 1) - 1)
    odd &= ~((1 << drop) - 1)
    shift = 1.5 * 2.0**FRACTION * grid.smallest * 2.0**-grid.mantissa
    small = (scaled + shift) - shift
    return torch.where(scaled.abs() < grid.smallest, small, odd.view(torch.float64))


def _to_codebook(torch: Any, values: Any, span: Any) -> DeviceRounded:  # noqa: ANN401
    some = span > SMALLEST_RANGE
    levels = torch.tensor(NF4_LEVELS, device=values.device)
    middles = torch.tensor((NF4_LEVELS[1:] + NF4_LEVELS[:-1]) / 2, device=values.device)
    codes = torch.bucketize(values * torch.where(some, 1.0 / span, 0.0), middles)
    scales = torch.where(some, span, 0.0)
    return DeviceRounded(levels[codes].mul_(scales).sub_(values), scales, None)
