"""The grids that are built in."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from tensorpeek.analysis.grids.grid import Arrangement, Grid, Places


class Flat(Grid):
    """All values one after the other, in the rows of a square."""

    name = "flat"
    description = "all values one after the other, in the rows of a square"

    def arrange(self, sizes: tuple[int, ...], aspect: float) -> Arrangement:  # noqa: ARG002
        """See :meth:`Grid.arrange`."""
        begins, side = _begins(sizes), square_side(sum(sizes))

        def places(layer: int, start: int, stop: int) -> tuple[Places, Places]:
            rows, columns = np.divmod(begins[layer] + np.arange(start, stop), side)
            return rows, columns

        return Arrangement(-(-sum(sizes) // side), side, places)


class Spiral(Grid):
    """All values in a spiral from the middle outward: the first layer lies at the heart."""

    name = "spiral"
    description = "all values in a spiral, the first layer in the middle"

    def arrange(self, sizes: tuple[int, ...], aspect: float) -> Arrangement:  # noqa: ARG002
        """See :meth:`Grid.arrange`."""
        begins, side = _begins(sizes), square_side(sum(sizes)) | 1

        def places(layer: int, start: int, stop: int) -> tuple[Places, Places]:
            across, up = spiral_steps(begins[layer] + np.arange(start, stop))
            return side // 2 - up, side // 2 + across

        return Arrangement(side, side, places)


class Normalized(Flat):
    """As flat, each layer divided by its own largest magnitude: faint layers are seen too."""

    name = "normalized"
    description = "as flat, each layer divided by its own largest magnitude"
    needs_largest = True

    def values(self, values: NDArray[np.float64], largest: float) -> NDArray[np.float64]:
        """Return the values from -1 to 1."""
        return values / largest if largest > 0 else values


class LayerWeighted(Grid):
    """Each layer in rows of its own, as many as its values need: larger layers get more room."""

    name = "layer-weighted"
    description = "each layer in rows of its own: larger layers get more room"

    def arrange(self, sizes: tuple[int, ...], aspect: float) -> Arrangement:
        """See :meth:`Grid.arrange`."""
        width = _balanced_width(np.array(sizes, np.int64), aspect)
        heights = tuple(-(-size // width) for size in sizes)
        begins = _begins(heights)

        def places(layer: int, start: int, stop: int) -> tuple[Places, Places]:
            rows, columns = np.divmod(np.arange(start, stop), width)
            return begins[layer] + rows, columns

        return Arrangement(sum(heights), width, places)


class LayerSeparated(Grid):
    """Each layer a square of its own, with an empty border around it, as on shelves."""

    name = "layer-separated"
    description = "each layer a square of its own, with a border around it"

    def arrange(self, sizes: tuple[int, ...], aspect: float) -> Arrangement:
        """See :meth:`Grid.arrange`."""
        sides = [square_side(size) for size in sizes]
        tops, lefts, rows, width = _shelves(sides, _border(sides), aspect)

        def places(layer: int, start: int, stop: int) -> tuple[Places, Places]:
            down, across = np.divmod(np.arange(start, stop), sides[layer])
            return tops[layer] + down, lefts[layer] + across

        return Arrangement(rows, width, places)


BORDER = 1 / 20
"""Width of the border around a layer, as a share of the side of a square of all values."""

BUILT_IN: tuple[Grid, ...] = (Flat(), Spiral(), Normalized(), LayerWeighted(), LayerSeparated())


def square_side(count: int) -> int:
    """Return the side of the smallest square with room for ``count`` values, at least 1."""
    return max(math.isqrt(count - 1) + 1, 1) if count else 1


def spiral_steps(numbers: Places) -> tuple[Places, Places]:
    """Return how far right of and above the middle the places of a square spiral lie.

    Number 0 is the middle; ring ``k`` begins with number (2k - 1)**2, right of the one before, and
    runs up its right side, left along its top, down, and right along its bottom.
    """
    ring = ((np.sqrt(numbers.astype(np.float64)) + 1) // 2).astype(np.int64)
    ring = np.where((2 * ring - 1) ** 2 > numbers, ring - 1, ring)  # the root was rounded up
    ring = np.where((2 * ring + 1) ** 2 <= numbers, ring + 1, ring)
    ring = np.where(numbers == 0, 0, ring)
    leg, step = np.divmod(numbers - (2 * ring - 1) ** 2, np.maximum(2 * ring, 1))
    forth, back = step + 1 - ring, ring - 1 - step
    across = np.select([leg == 0, leg == 1, leg == 2], [ring, back, -ring], forth)
    up = np.select([leg == 0, leg == 1, leg == 2], [forth, ring, back], -ring)
    is_middle = numbers == 0
    return np.where(is_middle, 0, across), np.where(is_middle, 0, up)


def _begins(sizes: tuple[int, ...]) -> list[int]:
    """Return where each of some things begins that stand one after the other."""
    begins = [0]
    for size in sizes[:-1]:
        begins.append(begins[-1] + size)
    return begins


def _balanced_width(sizes: NDArray[np.int64], aspect: float) -> int:
    """Return the width for which the rows of all layers come closest to the aspect."""
    widest = int(sizes.max(initial=1))
    tried = np.unique(np.geomspace(1, max(widest, 1), 64).astype(np.int64))
    tried = np.append(tried, square_side(int(sizes.sum())))
    off = [abs(math.log(int((-(-sizes // width)).sum()) / int(width) * aspect)) for width in tried]
    return int(tried[int(np.argmin(off))])


def _border(sides: list[int]) -> int:
    """Return the width of the borders, which may take as much room as the layers do."""
    total = sum(side * side for side in sides)
    border = math.ceil(math.sqrt(total) * BORDER)
    while border > 1 and sum(border * (2 * side + border) for side in sides) > total:
        border //= 2
    return border


def _shelves(sides: list[int], border: int, aspect: float) -> tuple[list[int], list[int], int, int]:
    """Return where squares stand on shelves (tops, lefts), and the rows and columns they take."""
    area = sum((side + border) ** 2 for side in sides)
    width = max(max(sides) + 2 * border, int(math.sqrt(area * aspect)) + border)
    tops: list[int] = []
    lefts: list[int] = []
    top, left, height, widest = border, border, 0, 0
    for side in sides:
        if left > border and left + side + border > width:
            top, left, height = top + height + border, border, 0
        tops.append(top)
        lefts.append(left)
        left, height = left + side + border, max(height, side)
        widest = max(widest, left)
    return tops, lefts, top + height + border, widest
