"""Lay out the filters of a kernel as tiles of one image."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Tiles:
    """``values`` (rows, columns) hold the tiles; ``holds`` says where there is one.

    The tile of filter ``n`` begins ``pitch`` rows and columns after that of the one before.
    """

    values: Floats
    holds: NDArray[np.bool_]
    across: int
    pitch: tuple[int, int]
    count: int

    def place(self, number: int) -> tuple[int, int]:
        """Return row and column where the tile of a filter begins."""
        down, right = divmod(number, self.across)
        return down * self.pitch[0], right * self.pitch[1]


def lay_out(filters: Floats, ratio: float, most: int) -> Tiles:
    """Lay out filters of shape (F, H, W), at most ``most``, in about ``ratio`` columns to a row.

    Between two tiles there is one empty row or column.
    """
    count, height, width = min(len(filters), max(most, 1)), *filters.shape[1:]
    pitch = (height + 1, width + 1)
    across = max(round(math.sqrt(count * ratio * pitch[0] / pitch[1])), 1)
    down = math.ceil(count / min(across, count))
    across = math.ceil(count / down)
    values = np.zeros((down * pitch[0] - 1, across * pitch[1] - 1))
    holds = np.zeros(values.shape, bool)
    tiles = Tiles(values, holds, across, pitch, count)
    for number in range(count):
        row, column = tiles.place(number)
        place = slice(row, row + height), slice(column, column + width)
        values[place], holds[place] = filters[number], True
    return tiles
