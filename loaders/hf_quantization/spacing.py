"""Which group of scales each element of a weight belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorpeek.loaders.errors import LoadError
from tensorpeek.loaders.hf_quantization.matrix import Matrix
from tensorpeek.loaders.hf_quantization.opened import Opened


@dataclass(frozen=True, slots=True)
class Spacing:
    """Groups of ``rows`` by ``columns`` elements, ragged at the ends.

    With ``index``, a matrix of one row, it says the group of each column instead; ``source`` is
    the file to blame when it is wrong. Unless it ``is_complete``, it may be negative all over,
    which means that there is none (compressed-tensors starts with -1).
    """

    rows: int
    columns: int
    index: Matrix | None = None
    source: str = ""
    is_complete: bool = False

    def groups(self, opened: Opened, columns: int, count: int) -> NDArray[np.intp] | None:
        """Read the group of each of ``columns`` columns; None where they go by position.

        Raises LoadError for an index beyond the ``count`` groups.
        """
        if self.index is None:
            return None
        found = self.index.read(opened, slice(0, 1), slice(0, columns))[0].astype(np.intp)
        if not self.is_complete and (found < 0).all():
            return None
        if found.min() < 0 or found.max() >= count:
            raise LoadError(self.source, f"a column has a group beyond the {count:,} there are")
        return np.asarray(found, np.intp)


@dataclass(frozen=True, eq=False, slots=True)
class Tile:
    """Rows and columns of a weight, the groups that they need, and where among those each is."""

    group_rows: slice
    group_columns: slice
    row_places: NDArray[np.intp]
    column_places: NDArray[np.intp]

    def place(self, values: NDArray[Any], rows: slice) -> NDArray[Any]:
        """Return the group values of each element of ``rows``, counted from the tile's first.

        The result broadcasts to (rows, columns).
        """
        if len(values) > 1:
            values = values[self.row_places[rows]]
        return values if values.shape[1] == 1 else np.take(values, self.column_places, axis=1)


def tile_of(
    spacing: Spacing, groups: NDArray[np.intp] | None, count: int, rows: slice, columns: slice
) -> Tile:
    """Return the tile of ``rows`` and ``columns``; ``count`` is the number of column groups."""
    row_places = np.arange(rows.start, rows.stop) // spacing.rows
    if groups is None:
        column_places = np.arange(columns.start, columns.stop) // spacing.columns
        group_columns = slice(int(column_places[0]), int(column_places[-1]) + 1)
    else:
        column_places, group_columns = groups[columns], slice(0, count)
    first = int(row_places[0])
    return Tile(
        slice(first, int(row_places[-1]) + 1),
        group_columns,
        row_places - first,
        column_places - group_columns.start,
    )
