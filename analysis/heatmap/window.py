"""The part of a picture that is looked at, and how its elements share the cells of a screen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Window:
    """Rows ``top`` to ``bottom`` and columns ``left`` to ``right`` (exclusive) of a picture."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.bottom - self.top

    @property
    def columns(self) -> int:
        """Number of columns."""
        return self.right - self.left

    @property
    def size(self) -> int:
        """Number of places."""
        return self.rows * self.columns


def cell_starts(first: int, last: int, cells: int) -> NDArray[np.int64]:
    """Return where each of at most ``cells`` cells begins, and where the last one ends.

    The places ``first`` to ``last`` (exclusive) are shared as evenly as whole places allow; fewer
    places than cells take one cell each.
    """
    count = last - first
    if count <= cells:
        return np.arange(first, last + 1, dtype=np.int64)
    return first + np.arange(cells + 1, dtype=np.int64) * count // cells
