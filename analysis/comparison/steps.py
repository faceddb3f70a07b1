"""The error of a quantized tensor against its floats, in units of the step of its grid."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tensorpeek.analysis.comparison.accumulate import wide
from tensorpeek.analysis.comparison.layouts import Alignment
from tensorpeek.analysis.comparison.pairing import Pair
from tensorpeek.analysis.quantized import code_limits
from tensorpeek.loaders import Quantization, Tensor

ROUNDING = 1e-3
"""Share of a step by which float32 arithmetic may miss half a step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepErrors:
    """How far a quantized tensor (``side``) is from the floats it stands for, in steps.

    A step is the scale of the element. ``largest`` and ``mean`` are of abs(b - a) / step over the
    ``count`` finite pairs; rounding to the nearest level gives at most 0.5. ``beyond`` counts the
    pairs beyond 0.5 (and :data:`ROUNDING`): of these ``clipped`` have a float outside the range of
    the codes, by more than half a step. ``smallest_step`` and ``largest_step`` are in the units of
    the values; ``mean`` is NaN without a pair.
    """

    side: Literal["a", "b"]
    count: int
    largest: float
    mean: float
    beyond: int
    clipped: int
    smallest_step: float
    largest_step: float


@dataclass
class StepSums:
    """Adds up the errors of blocks, in steps of ``grid`` over elements of ``shape``."""

    side: Literal["a", "b"]
    grid: Quantization
    shape: tuple[int, ...]
    limits: tuple[int, int]
    scales: NDArray[np.float64] = field(init=False)
    points: NDArray[np.float64] = field(init=False)
    count: int = 0
    largest: float = 0.0
    total: float = 0.0
    beyond: int = 0
    clipped: int = 0

    def __post_init__(self) -> None:
        self.scales = self.grid.scales()
        self.points = self.grid.zero_points().astype(np.float64)

    def add(self, a: NDArray[Any], b: NDArray[Any], start: int) -> None:
        """Take in a block of both tensors that begins at element ``start``."""
        group = self.grid.group_index(self.shape, start, start + a.size)
        exact = wide(b if self.side == "a" else a)
        with np.errstate(all="ignore"):
            steps = np.abs((wide(b) - wide(a)) / self.scales[group])
            codes = exact / self.scales[group] + self.points[group]
        good = np.isfinite(steps)
        steps, codes = steps[good], codes[good]
        beyond = steps > 0.5 + ROUNDING
        margin = 0.5 + ROUNDING
        outside = (codes < self.limits[0] - margin) | (codes > self.limits[1] + margin)
        self.count += steps.size
        self.largest = max(self.largest, float(steps.max(initial=0.0)))
        self.total += float(steps.sum())
        self.beyond += int(np.count_nonzero(beyond))
        self.clipped += int(np.count_nonzero(beyond & outside))

    def errors(self) -> StepErrors:
        """Return what the blocks gave."""
        sizes = np.abs(self.scales)
        return StepErrors(
            side=self.side,
            count=self.count,
            largest=self.largest,
            mean=self.total / self.count if self.count else math.nan,
            beyond=self.beyond,
            clipped=self.clipped,
            smallest_step=float(sizes.min(initial=math.inf)),
            largest_step=float(sizes.max(initial=0.0)),
        )


def step_sums(pair: Pair, alignment: Alignment) -> StepSums | None:
    """Return what adds up a pair's errors in steps.

    None unless exactly one of both tensors is quantized, affinely and with scales of its own, and
    where the order of axes does not let its scales be told. Raises LoadError.
    """
    first, second = pair.first.quantization, pair.second.quantization
    if (first is None) == (second is None):
        return None
    side: Literal["a", "b"] = "b" if first is None else "a"
    tensor = pair.second if first is None else pair.first
    grid = second or first
    if grid is None or not _has_steps(tensor, grid):
        return None
    if side == "a" and not _keeps_order(alignment):
        grid = _turned(grid, alignment)
    if grid is None:
        return None
    shape = pair.second.shape if not _keeps_order(alignment) else tensor.shape
    return StepSums(side, grid, shape, code_limits(tensor, grid))


def _has_steps(tensor: Tensor, grid: Quantization) -> bool:
    if grid.scale is None or grid.scheme == "codebook" or tensor.element.kind != "int":
        return False
    return grid.scale.params == grid.groups(tensor.shape) > 0


def _keeps_order(alignment: Alignment) -> bool:
    return alignment.permutation is None and alignment.head_rows is None


def _turned(grid: Quantization, alignment: Alignment) -> Quantization | None:
    """Return the grid of the first tensor after its axes were put in the second one's order."""
    if grid.scheme == "per-tensor":
        return grid
    if grid.scheme != "per-channel" or alignment.permutation is None or grid.axis is None:
        return None
    return replace(grid, axis=alignment.permutation.index(grid.axis))
