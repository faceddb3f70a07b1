"""Pool values to cells: extremes, sums and what is not finite, exactly, a band at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

Mode = Literal["absmax", "mean", "max", "min"]
"""What a cell shows of its values; ``absmax`` is the one farthest from zero, with its sign."""

MODES: tuple[Mode, ...] = get_args(Mode)


@dataclass(frozen=True, eq=False, kw_only=True)
class Pooled:
    """What is known of the values in each cell; arrays have the shape (rows, columns) of cells.

    The cell in row ``r`` and column ``c`` has the rows ``row_starts[r]`` to ``row_starts[r + 1]``
    (exclusive) of the picture and the columns likewise. ``low``, ``high``, ``total`` and
    ``absolute`` (the sum of magnitudes) are float64 and of the ``count`` finite values alone; both
    sums are None unless they were asked for. ``nan``, ``above`` and ``below`` count NaN, infinity
    and minus infinity. Integers beyond 2**53 are rounded.
    """

    row_starts: Counts
    column_starts: Counts
    low: Floats
    high: Floats
    count: Counts
    nan: Counts
    above: Counts
    below: Counts
    total: Floats | None
    absolute: Floats | None
    exact: bool

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of cells."""
        return self.row_starts.size - 1, self.column_starts.size - 1

    @property
    def is_marked(self) -> NDArray[np.bool_]:
        """Which cells hold NaN or an infinity."""
        return (self.nan > 0) | (self.above > 0) | (self.below > 0)

    def values(self, mode: Mode) -> Floats:
        """Return what each cell shows of its finite values, NaN where it has none.

        Of two values as far from zero ``absmax`` takes the positive one. Raises ValueError for
        the mean when there are no sums.
        """
        with np.errstate(invalid="ignore", divide="ignore"):
            if mode == "mean":
                if self.total is None:
                    raise ValueError("there are no sums")
                shown = self.total / self.count
            elif mode == "absmax":
                shown = np.where(self.high >= -self.low, self.high, self.low)
            else:
                shown = self.high if mode == "max" else self.low
        return np.where(self.count > 0, shown, np.nan)

    def shown(self, mode: Mode) -> Floats:
        """Return :meth:`values` with what is not finite in its place: it never vanishes.

        A cell with NaN is NaN; one with infinities is infinite, minus infinity where all of them
        are. A cell without any value is NaN too; ``holds`` tells them apart.
        """
        shown = self.values(mode)
        infinite = (self.above > 0) | (self.below > 0)
        shown = np.where(infinite, np.where(self.above > 0, np.inf, -np.inf), shown)
        return np.where(self.nan > 0, np.nan, shown)

    @property
    def holds(self) -> NDArray[np.bool_]:
        """Which cells hold any value."""
        return (self.count > 0) | self.is_marked

    def mean_magnitudes(self, axis: Literal[0, 1]) -> Floats:
        """Return the mean magnitude of the finite values by row (axis 1) or column (axis 0).

        NaN where there are none. Raises ValueError when there are no sums.
        """
        if self.absolute is None:
            raise ValueError("there are no sums")
        with np.errstate(invalid="ignore", divide="ignore"):
            mean: Floats = self.absolute.sum(axis=axis) / self.count.sum(axis=axis)
        return mean


class Pool:
    """Takes in bands of values and says what each cell holds."""

    def __init__(self, row_starts: Counts, column_starts: Counts, *, with_sums: bool) -> None:
        self._rows, self._columns = row_starts, column_starts
        shape = (row_starts.size - 1, column_starts.size - 1)
        self._low, self._high = np.full(shape, np.inf), np.full(shape, -np.inf)
        self._count, self._nan, self._above, self._below = np.zeros((4, *shape), np.int64)
        self._total = np.zeros(shape) if with_sums else None
        self._absolute = np.zeros(shape) if with_sums else None

    def add(self, row: int, column: int, block: NDArray[Any]) -> None:
        """Take in values (two-dimensional) from this row and column of the picture on."""
        if not block.size:
            return
        with np.errstate(all="ignore"):
            values = ordered(block)
        first = int(np.searchsorted(self._columns, column, side="right")) - 1
        last = int(np.searchsorted(self._columns, column + block.shape[1], side="left"))
        starts = np.maximum(self._columns[first:last], column) - column
        at = row
        while at < row + len(block):
            cell = int(np.searchsorted(self._rows, at, side="right")) - 1
            end = min(int(self._rows[cell + 1]), row + len(block))
            with np.errstate(all="ignore"):
                self._add_lines((cell, slice(first, last)), values[at - row : end - row], starts)
            at = end

    def _add_lines(
        self, cells: tuple[int, slice], lines: NDArray[Any], starts: NDArray[np.int64]
    ) -> None:
        """Take in lines that share one row of cells; ``starts`` is where its cells begin."""
        high = np.maximum.reduceat(lines.max(axis=0), starts).astype(np.float64)
        low = np.minimum.reduceat(lines.min(axis=0), starts).astype(np.float64)
        widths = np.diff(starts, append=lines.shape[1])
        self._count[cells] += len(lines) * widths
        finite = None
        if not (np.isfinite(high).all() and np.isfinite(low).all()):
            finite = np.isfinite(lines)
            high, low = self._add_marks(cells, lines, finite, starts)
        self._high[cells] = np.maximum(self._high[cells], high)
        self._low[cells] = np.minimum(self._low[cells], low)
        if self._total is not None and self._absolute is not None:
            wide = lines.astype(np.float64)
            if finite is not None:
                wide[~finite] = 0.0
            self._total[cells] += np.add.reduceat(wide.sum(axis=0), starts)
            self._absolute[cells] += np.add.reduceat(np.abs(wide).sum(axis=0), starts)

    def _add_marks(
        self,
        cells: tuple[int, slice],
        lines: NDArray[Any],
        finite: NDArray[np.bool_],
        starts: NDArray[np.int64],
    ) -> tuple[Floats, Floats]:
        """Count what is not finite; return the largest and the smallest of the rest."""
        for counts, is_so in (
            (self._nan, np.isnan(lines)),
            (self._above, lines == np.inf),
            (self._below, lines == -np.inf),
        ):
            found = np.add.reduceat(is_so.sum(axis=0), starts)
            counts[cells] += found
            self._count[cells] -= found
        high = np.where(finite, lines, -np.inf).max(axis=0)
        low = np.where(finite, lines, np.inf).min(axis=0)
        highest = np.maximum.reduceat(high, starts).astype(np.float64)
        return highest, np.minimum.reduceat(low, starts).astype(np.float64)

    def result(self, *, exact: bool) -> Pooled:
        """Return what the cells hold now."""
        return Pooled(
            row_starts=self._rows,
            column_starts=self._columns,
            low=self._low,
            high=self._high,
            count=self._count,
            nan=self._nan,
            above=self._above,
            below=self._below,
            total=self._total,
            absolute=self._absolute,
            exact=exact,
        )


def ordered(values: NDArray[Any]) -> NDArray[Any]:
    """Return values in a type that NumPy compares fast: small floats as float32, exactly.

    Complex values become their magnitudes, which have an order.
    """
    if values.dtype.names:
        return np.hypot(values["real"].astype(np.float32), values["imag"].astype(np.float32))
    if values.dtype.kind == "c":
        magnitudes: NDArray[Any] = np.abs(values)
        return magnitudes
    if values.dtype.kind == "b":
        return values.view(np.uint8)
    is_native = values.dtype.kind in "iu" or values.dtype in (np.float32, np.float64)
    return values if is_native else values.astype(np.float32)
