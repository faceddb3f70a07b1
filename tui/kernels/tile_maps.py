"""The pictures on the tiles of a kernel: an array of them, and how large their values are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tensorpeek.tui.color_maps import MIDDLE, NOTHING, levels_of

if TYPE_CHECKING:
    from tensorpeek.analysis.kernels import Filters
    from tensorpeek.tui.kernels.arrangement import Mode


@dataclass(frozen=True, eq=False)
class TileMaps:
    """One picture (D, H, W) for each filter in ``values``; zero is the middle of the colors.

    ``limits`` are the largest magnitudes of the finite values of each filter, ``limit`` that of
    all. Of each picture only the first ``places`` values in row-major order are any.
    """

    mode: Mode
    input: int
    values: NDArray[np.float64]
    limits: NDArray[np.float64]
    limit: float
    places: int

    def levels(self, filters: NDArray[np.intp], depth: int, *, per_tile: bool) -> NDArray[np.int16]:
        """Return the levels of the pictures of some filters, at one depth: (n, H, W)."""
        shown = self.values[filters, depth]
        limits = self.limits[filters][:, None, None] if per_tile else self.limit
        levels = levels_of(shown, limits)
        flat = levels.reshape(len(filters), -1)
        if self.places < flat.shape[1]:
            flat[:, self.places :] = NOTHING
        return levels


def tile_maps(filters: Filters, mode: Mode, center: float, one: NDArray[Any]) -> TileMaps:
    """Return the pictures of a mode; ``one`` holds what the filters have for an input.

    ``center`` is what counts as zero: of magnitudes always 0.
    """
    values: NDArray[Any] = one
    places = math.prod(filters.sides)
    if mode == "mean":
        values = filters.mean
    elif mode == "peak":
        values, center = filters.peak, 0.0
    elif mode == "each" and filters.values is not None:
        values, places = _side_by_side(filters.values), filters.inputs
    values = values.astype(np.float64) - center
    sizes = np.where(np.isfinite(values), np.abs(values), 0.0)
    sizes.reshape(len(values), -1)[:, places:] = 0.0
    limits = sizes.reshape(len(values), -1).max(axis=1)
    return TileMaps(mode, 0, values, limits, float(limits.max(initial=0.0)), places)


def legend_levels(width: int) -> list[int]:
    """Return levels from the lowest to the highest, for a line of ``width`` cells."""
    return [round(2 * MIDDLE * at / max(width - 1, 1)) for at in range(width)]


def _side_by_side(values: NDArray[Any]) -> NDArray[Any]:
    """Fold the inputs of 1 × 1 filters to pictures that are about square."""
    count, inputs = values.shape[:2]
    width = math.ceil(math.sqrt(inputs))
    height = -(-inputs // width)
    folded = np.zeros((count, height * width), values.dtype)
    folded[:, :inputs] = values.reshape(count, inputs)
    return folded.reshape(count, 1, height, width)
