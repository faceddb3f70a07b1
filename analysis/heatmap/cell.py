"""Read the value that stands for a cell, and where in the tensor it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorpeek.analysis.heatmap.bands import bands, open_values
from tensorpeek.analysis.heatmap.plane import Plane
from tensorpeek.analysis.heatmap.pool import Mode, ordered
from tensorpeek.analysis.heatmap.window import Window
from tensorpeek.analysis.stopping import Stop, never
from tensorpeek.loaders import Tensor, View

Number = int | float | complex


@dataclass(frozen=True)
class CellAt:
    """A cell: what it has of a plane, and what it shows of that."""

    plane: Plane
    window: Window
    mode: Mode


@dataclass(frozen=True)
class CellValue:
    """One element: its index along every axis, its place in the picture, its values.

    ``raw`` is None for a tensor with one view.
    """

    index: tuple[int, ...]
    row: int
    column: int
    value: Number
    raw: Number | None


def read_cell(tensor: Tensor, view: View, at: CellAt, *, stop: Stop = never) -> CellValue | None:
    """Return the element that a cell shows, None for a cell without elements.

    That is the first NaN if there is one, or else the first infinity, or else the first that is
    the largest, the smallest or, for ``absmax`` and ``mean``, the farthest from zero in ``view``.
    Raises LoadError and CancelledError.
    """
    place = _find(tensor, view, at, stop)
    flat = None if place is None else at.plane.flat_index(*place)
    index = None if place is None else at.plane.index(*place)
    if place is None or flat is None or index is None:
        return None
    value = element_at(tensor, "dequantized", flat, stop=stop)
    raw = element_at(tensor, "raw", flat, stop=stop) if "raw" in tensor.views else None
    return CellValue(index, *place, value, raw)


def element_at(tensor: Tensor, view: View, flat: int, *, stop: Stop = never) -> Number:
    """Return the value at a row-major index. Raises LoadError and CancelledError."""
    with open_values(tensor, view, stop) as read, np.errstate(all="ignore"):
        return plain_number(read(flat, flat + 1)[0])


def plain_number(value: Any) -> Number:  # noqa: ANN401 (any NumPy scalar)
    """Return a NumPy scalar as Python's own number, exactly."""
    if value.dtype.names:
        return complex(float(value["real"]), float(value["imag"]))
    if value.dtype.kind in "iub":
        return int(value)
    return complex(value) if value.dtype.kind == "c" else float(value)


def _find(tensor: Tensor, view: View, at: CellAt, stop: Stop) -> tuple[int, int] | None:
    """Return row and column of the first element with the best score."""
    best: tuple[int, float] | None = None
    place: tuple[int, int] | None = None
    with open_values(tensor, view, stop) as read, np.errstate(all="ignore"):
        for row, column, block in bands(at.plane, at.window, read, stop):
            if not block.size:
                continue
            found, score = best_place(ordered(block), at.mode)
            if best is None or score > best:
                best = score
                at_row, at_column = divmod(found, block.shape[1])
                place = row + at_row, column + at_column
    return place


def best_place(values: NDArray[Any], mode: Mode) -> tuple[int, tuple[int, float]]:
    """Return the place of the element that stands for values, and its score.

    The place counts in row-major order. Scores compare: NaN is above infinity is above any finite
    value, whose score is how large, small or far from zero it is.
    """
    if values.dtype.kind == "f":
        for rank, is_so in ((2, np.isnan(values)), (1, np.isinf(values))):
            if is_so.any():
                return int(is_so.argmax()), (rank, 0.0)
    if mode == "max":
        place, sign = int(values.argmax()), 1.0
    elif mode == "min":
        place, sign = int(values.argmin()), -1.0
    else:
        high, low = int(values.argmax()), int(values.argmin())
        is_high = float(values.flat[high]) >= -float(values.flat[low])
        place, sign = (high, 1.0) if is_high else (low, -1.0)
    return place, (0, sign * float(values.flat[place]))
