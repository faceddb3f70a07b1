"""How a tensor of any number of axes becomes a picture of rows and columns."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import permutations


@dataclass(frozen=True)
class Steps:
    """``count`` places, each ``stride`` elements after the one before, in row-major order."""

    count: int
    stride: int


@dataclass(frozen=True)
class Axes:
    """Which axes of a tensor are the rows and the columns of a picture.

    Several axes in ``columns`` count through all their indexes, the last one fastest. ``others``
    are held at one index each. No axes at all: the elements are wrapped into rows.
    """

    rows: tuple[int, ...]
    columns: tuple[int, ...]
    others: tuple[int, ...] = ()


@dataclass(frozen=True)
class Plane:
    """A picture of the elements of a tensor of ``shape``.

    The element at major place ``i`` and minor place ``j`` has the row-major index ``base +
    i * major.stride + j * minor.stride``, as far as that is below ``end``: the last row of wrapped
    elements may be short. Rows are the major places, unless ``turned``.
    """

    shape: tuple[int, ...]
    axes: Axes
    held: tuple[int, ...]
    base: int
    end: int
    major: Steps
    minor: Steps
    turned: bool = False

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.minor.count if self.turned else self.major.count

    @property
    def columns(self) -> int:
        """Number of columns."""
        return self.major.count if self.turned else self.minor.count

    def flat_index(self, row: int, column: int) -> int | None:
        """Return the row-major index of the element at a place, None where there is none."""
        major, minor = (column, row) if self.turned else (row, column)
        if not (0 <= major < self.major.count and 0 <= minor < self.minor.count):
            return None
        flat = self.base + major * self.major.stride + minor * self.minor.stride
        return flat if flat < self.end else None

    def index(self, row: int, column: int) -> tuple[int, ...] | None:
        """Return the index along every axis of the element at a place, None where there is none."""
        flat = self.flat_index(row, column)
        return None if flat is None else axis_indexes(self.shape, flat)


def axis_indexes(shape: tuple[int, ...], flat: int) -> tuple[int, ...]:
    """Return the index along every axis of the element with a row-major index."""
    indexes: list[int] = []
    for length in reversed(shape):
        flat, index = divmod(flat, length)
        indexes.append(index)
    return tuple(reversed(indexes))


def choices_of_axes(shape: tuple[int, ...]) -> tuple[Axes, ...]:
    """Return every choice of axes for a shape, the default one first.

    A matrix is shown as it is, or turned. Of more axes the first one makes the rows and all others
    the columns (a convolution: out x in*k*k); then come the pairs. One axis is wrapped.
    """
    ndim = len(shape)
    if ndim < 2:
        return (Axes((), ()),)
    every = tuple(range(ndim))
    pairs = tuple(
        Axes((a,), (b,), tuple(axis for axis in every if axis not in {a, b}))
        for a, b in sorted(permutations(every, 2), key=lambda pair: (pair[0] > pair[1], pair))
    )
    return pairs if ndim == 2 else (Axes((0,), every[1:]), *pairs)


def held_choices(shape: tuple[int, ...], axes: Axes) -> int:
    """Return how many indexes there are on the axes that are held."""
    return math.prod(shape[axis] for axis in axes.others)


def plane_of(shape: tuple[int, ...], axes: Axes | None = None, held: int = 0) -> Plane:
    """Return the picture of a shape; ``held`` counts through the indexes of the held axes.

    A shape without elements gives a picture without rows or columns. Raises ValueError when
    ``held`` is out of range.
    """
    axes = choices_of_axes(shape)[0] if axes is None else axes
    count = math.prod(shape)
    if not axes.columns:
        return _wrapped(shape, axes, count)
    if not count:
        return Plane(shape, axes, (), 0, 0, Steps(0, 0), Steps(0, 0))
    if not 0 <= held < held_choices(shape, axes):
        raise ValueError(f"index {held} of {held_choices(shape, axes)}")
    strides = tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))
    lengths = tuple(shape[axis] for axis in axes.others)
    indexes = axis_indexes(lengths, held)
    base = sum(index * strides[axis] for index, axis in zip(indexes, axes.others, strict=True))
    rows = Steps(shape[axes.rows[0]], strides[axes.rows[0]])
    columns = Steps(math.prod(shape[axis] for axis in axes.columns), strides[axes.columns[-1]])
    turned = axes.rows[0] > axes.columns[0]
    major, minor = (columns, rows) if turned else (rows, columns)
    return Plane(shape, axes, indexes, base, count, major, minor, turned)


def _wrapped(shape: tuple[int, ...], axes: Axes, count: int) -> Plane:
    """Wrap elements into rows of a power of two, about twice as wide as high."""
    width = 1 << max(round(math.log2(math.sqrt(2 * count))), 0) if count else 0
    width = min(width, count)
    rows = -(-count // width) if width else 0
    return Plane(shape, axes, (), 0, count, Steps(rows, width), Steps(width, 1))
