"""What a simulated quantization consists of: a grid, and what shares a scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tensorpeek.analysis.diagnosis.grids import Rounded
from tensorpeek.analysis.diagnosis.matrix_ranges import MatrixRanges
from tensorpeek.analysis.diagnosis.weight_matrix import Slab

Floats = NDArray[np.float64]


class Grid(Protocol):
    """Levels that values are rounded to, given the range of each group of values."""

    @property
    def name(self) -> str:
        """What the grid is called."""

    @property
    def bits(self) -> int:
        """Width of a code."""

    def round(self, values: Floats, low: Floats, high: Floats) -> Rounded:
        """Round values whose groups have these ranges."""


@dataclass(frozen=True)
class Trial:
    """A grid, and what shares one scale: ``tensor``, ``channel``, or a number of inputs."""

    grid: Grid
    granularity: str | int

    @property
    def label(self) -> str:
        """The granularity in words."""
        unit = self.granularity
        return unit if isinstance(unit, str) else f"group {unit}"


@dataclass(frozen=True, eq=False)
class KnownRanges:
    """The range of a whole tensor, as matrices of one element, and those of its channels."""

    low: Floats
    high: Floats
    ranges: MatrixRanges | None


def is_first(slab: Slab, unit: str | int) -> bool:
    """Say whether the scales of a slab are seen for the first time: several may share them."""
    if unit == "tensor":
        return slab.column == 0 and slab.row == 0
    return unit != "channel" or slab.column == 0
