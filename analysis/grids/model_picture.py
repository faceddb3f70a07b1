"""The picture of many layers in one grid, pooled layer by layer to the cells of a screen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tensorpeek.analysis.grids.grid import Arrangement, GridError, Places
from tensorpeek.analysis.grids.loading import FoundGrid, checked, guarded
from tensorpeek.analysis.grids.scatter_pool import ScatterPool
from tensorpeek.analysis.heatmap.pool import Pooled, ordered
from tensorpeek.analysis.heatmap.window import Window, cell_starts
from tensorpeek.analysis.reading import watched
from tensorpeek.analysis.stopping import Stop, never
from tensorpeek.loaders import LoadError, Model, Tensor, View
from tensorpeek.loaders.model import PARAMETER_ROLES

Cells = NDArray[np.int64]

PlacesOf = Callable[[int, int], tuple[Places, Places]]


@dataclass(frozen=True, eq=False)
class GridPicture:
    """The cells of a grid; ``window`` is what they show of its canvas.

    ``owners`` (rows, columns) is, for each cell, the number of the layer whose value there is the
    farthest from zero (NaN before infinities before that), -1 for none; ``layers`` counts the
    layers in it. ``failures`` are the layers that could not be read.
    """

    pooled: Pooled
    window: Window
    canvas: tuple[int, int]
    owners: Cells
    layers: Cells
    failures: tuple[str, ...]


def tensors_in_grid(model: Model) -> tuple[Tensor, ...]:
    """Return what a grid of a model shows: its parameters that can be read and are not empty."""
    return tuple(
        tensor
        for tensor in model.tensors
        if tensor.role in PARAMETER_ROLES and tensor.error is None and tensor.params
    )


@dataclass(frozen=True)
class GridLook:
    """What to see of a grid: a window of its canvas in at most so many cells.

    None, and a window that does not lie in the canvas, show all of it.
    """

    rows: int
    columns: int
    window: Window | None = None
    with_sums: bool = False

    @property
    def aspect(self) -> float:
        """How many times wider than high the space is."""
        return self.columns / self.rows


class GridPainter:
    """Pools tensors into one grid; what is finished can be looked at any time.

    Raises GridError when the grid is at fault, and ValueError when there are no tensors.
    """

    def __init__(
        self,
        tensors: Sequence[Tensor],
        view: View,
        found: FoundGrid,
        look: GridLook,
    ) -> None:
        if not tensors:
            raise ValueError("no tensors")
        self._tensors, self._view, self._found = tensors, view, found
        self._sizes = tuple(tensor.params for tensor in tensors)
        self._arranged = checked(found, self._sizes, look.aspect)
        whole = Window(0, self._arranged.rows, 0, self._arranged.columns)
        wanted = look.window
        is_inside = wanted is not None and (
            wanted.bottom <= whole.bottom and wanted.right <= whole.right
        )
        self.window = wanted if wanted is not None and is_inside else whole
        self._rows = cell_starts(self.window.top, self.window.bottom, look.rows)
        self._columns = cell_starts(self.window.left, self.window.right, look.columns)
        self._shape = self._rows.size - 1, self._columns.size - 1
        self._of_row = _lookup(self._rows, self._arranged.rows)
        self._of_column = _lookup(self._columns, self._arranged.columns)
        cells = self._shape[0] * self._shape[1]
        self._pool = ScatterPool(cells, with_sums=look.with_sums)
        self._own = ScatterPool(cells, with_sums=look.with_sums)
        self._owners = np.full(cells, -1, np.int64)
        self._scores = np.full(cells, -1.0)
        self._layers = np.zeros(cells, np.int64)
        self._failures: list[str] = []

    def steps(self, stop: Stop = never) -> Iterator[float]:
        """Do the work; yield how much of it is done, from 0 to 1, after every chunk.

        A tensor that cannot be read is left out and noted. Raises GridError and CancelledError.
        """
        total, before = max(sum(self._sizes), 1), 0
        for layer, tensor in enumerate(self._tensors):
            self._own.clear()
            try:
                for done in self._add(layer, tensor, stop):
                    yield (before + done) / total
            except LoadError as error:
                self._failures.append(f"{tensor.name}: {error.reason}")
            else:
                self._take_in(layer)
            before += tensor.params
            yield before / total

    def _add(self, layer: int, tensor: Tensor, stop: Stop) -> Iterator[int]:
        grid = self._found.grid
        largest = float("nan")
        if grid.needs_largest:
            for chunk in watched(tensor.chunks(self._view), tensor.params, stop):
                largest = _larger(largest, chunk)
                yield 0
            largest = 0.0 if np.isnan(largest) else largest
        start = 0
        for chunk in watched(tensor.chunks(self._view, ordered=True), tensor.params, stop):
            with np.errstate(all="ignore"):
                values = ordered(chunk).astype(np.float64)
            drawn = guarded(self._found.name, lambda v=values: grid.values(v, largest))  # type: ignore[misc]
            drawn = np.asarray(drawn)
            if drawn.shape != values.shape or drawn.dtype.kind not in "fiu":
                raise GridError(self._found.name, "values() changes the number of values")
            ids, kept = self._ids(self._arranged, layer, start, start + chunk.size)
            self._own.add(ids, drawn if kept is None else drawn[kept])
            start += chunk.size
            yield start

    def _ids(
        self, arranged: Arrangement, layer: int, start: int, stop: int
    ) -> tuple[Cells, NDArray[np.bool_] | None]:
        """Return the cell of each value, and which values lie in the window unless all do."""
        rows, columns = arranged.places(layer, start, stop)
        of_row, of_column = self._of_row[rows], self._of_column[columns]
        ids = of_row * self._shape[1] + of_column
        inside = (of_row >= 0) & (of_column >= 0)
        return (ids, None) if inside.all() else (ids[inside], inside)

    def _take_in(self, layer: int) -> None:
        self._pool.take_in(self._own)
        at, scores = self._own.touched, self._own.scores
        self._layers[at] += 1
        wins = scores > self._scores[at]
        self._owners[at[wins]] = layer
        self._scores[at[wins]] = scores[wins]

    @property
    def has_layers(self) -> bool:
        """Whether there is a layer that is finished."""
        return bool(self._layers.any())

    def picture(self, *, exact: bool) -> GridPicture:
        """Return what is known now; ``exact`` says whether the work is done."""
        pool, shape = self._pool, self._shape
        total, absolute = pool.total, pool.absolute
        pooled = Pooled(
            row_starts=self._rows,
            column_starts=self._columns,
            low=pool.low.reshape(shape).copy(),
            high=pool.high.reshape(shape).copy(),
            count=pool.count.reshape(shape).copy(),
            nan=pool.nan.reshape(shape).copy(),
            above=pool.above.reshape(shape).copy(),
            below=pool.below.reshape(shape).copy(),
            total=None if total is None else total.reshape(shape).copy(),
            absolute=None if absolute is None else absolute.reshape(shape).copy(),
            exact=exact,
        )
        canvas = self._arranged.rows, self._arranged.columns
        owners, layers = self._owners.reshape(shape).copy(), self._layers.reshape(shape).copy()
        return GridPicture(pooled, self.window, canvas, owners, layers, tuple(self._failures))


def element_in_cell(
    tensor: Tensor, view: View, places: PlacesOf, cell: Window, *, stop: Stop = never
) -> int | None:
    """Return the row-major index of the element of a layer that stands out most in a cell.

    ``places`` says where the values from one to another (exclusive) of the layer go.

    The first NaN, or else the first infinity, or else the first of the values farthest from zero.
    None where the layer has none there. Raises LoadError, GridError and CancelledError.
    """
    best, place, start = -1.0, None, 0
    for chunk in watched(tensor.chunks(view, ordered=True), max(tensor.params, 1), stop):
        rows, columns = places(start, start + chunk.size)
        inside = (rows >= cell.top) & (rows < cell.bottom)
        inside &= (columns >= cell.left) & (columns < cell.right)
        found = np.flatnonzero(inside)
        if found.size:
            with np.errstate(all="ignore"):
                sizes = np.abs(ordered(chunk[found]).astype(np.float64))
            sizes = np.where(np.isnan(sizes), np.inf, np.minimum(sizes, np.finfo(np.float64).max))
            at = int(sizes.argmax())
            if sizes[at] > best:
                best, place = float(sizes[at]), start + int(found[at])
        start += chunk.size
    return place


def _lookup(starts: Cells, count: int) -> Cells:
    """Return the cell of each place along an axis, -1 outside the window."""
    of = np.full(count, -1, np.int64)
    of[starts[0] : starts[-1]] = np.repeat(np.arange(starts.size - 1), np.diff(starts))
    return of


def _larger(largest: float, chunk: NDArray[np.generic]) -> float:
    with np.errstate(all="ignore"):
        sizes = np.abs(ordered(chunk).astype(np.float64))
    return float(np.fmax(largest, np.where(np.isfinite(sizes), sizes, 0.0).max(initial=0.0)))
