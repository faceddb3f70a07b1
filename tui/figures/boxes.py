"""Boxes of whole pixels for images, so that no row and no column is drawn twice or left out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from tensorpeek.tui.figures.page import Page

BAR_WIDTH, BAR_GAP, BAR_TEXT = 0.16, 0.16, 0.75
"""Inches of a color bar, of the gap before it, of its labels."""

WIDTH, NARROWEST, HEIGHT = 9.0, 6.0, 8.0
"""Inches of a page with a wide picture, of the narrowest page, of the highest picture."""

LONGEST_RATIO = 4.0
"""A picture that is more times as long as wide, or the reverse, is stretched to its box."""

MOST_CELLS = 1 << 23
"""Cells of a picture at most: what is known of them takes half a gigabyte."""

LARGEST_PLACE = 0.5
"""Inches of a place at most: a small matrix makes a small picture."""

LEFT, BELOW, ABOVE = 0.5, 0.5, 0.12
"""Inches that the labels of the axes take, and the air above them."""


@dataclass(frozen=True)
class Box:
    """A box of ``columns`` x ``rows`` pixels at ``left``, ``bottom``."""

    left: int
    bottom: int
    columns: int
    rows: int


def suited_size(
    shape: tuple[int, int], dpi: int, *, lines: int, left: float = LEFT, below: float = BELOW
) -> tuple[float, float]:
    """Return inches of a page on which a picture of so many places leaves little room empty.

    ``lines`` is the number of facts under the title; there is room for one note. Places are square
    unless the picture is very long in one direction.
    """
    from tensorpeek.tui.figures.page import HEAD, LINE, MARGIN

    rows, columns = shape
    across = 2 * MARGIN + left + BAR_GAP + BAR_WIDTH + BAR_TEXT - 0.2
    wide, high = WIDTH - across, HEIGHT
    ratio = rows / columns
    if ratio > LONGEST_RATIO:
        wide = 3.5
    elif ratio < 1 / LONGEST_RATIO:
        high = 1.2 + 2.4 * min(rows / 64, 1.0)
    else:
        side = min(wide / columns, high / rows, LARGEST_PLACE)
        side = max(int(side * dpi), 1) / dpi if side * dpi >= 1 else side
        wide, high = max(side * columns, 1.0) + 2 / dpi, max(side * rows, 1.0) + 2 / dpi
    upright = HEAD - 0.05 + LINE * lines + ABOVE + below + LINE + 0.1
    return max(wide + across, NARROWEST), high + upright


def image_box(page: Page, *, left: float = LEFT, below: float = BELOW) -> Box:
    """Return the largest box on a page beside whose right there is room for a color bar."""
    from tensorpeek.tui.figures.page import MARGIN

    width, height = page.inches
    dpi = page.figure.dpi
    start = round((MARGIN + left) * dpi)
    end = round((width - MARGIN - BAR_GAP - BAR_WIDTH - BAR_TEXT + 0.2) * dpi)
    bottom = round((page.bottom * height + below) * dpi)
    top = round((page.top * height - ABOVE) * dpi)
    return Box(start, bottom, max(end - start, 8), max(top - bottom, 8))


def fitted(box: Box, rows: int, columns: int, *, most: float = LONGEST_RATIO) -> Box:
    """Return the part of a box, at its top, in which places of a picture are square.

    That of the whole box where a picture is more than ``most`` times as long as wide, or the
    reverse.
    """
    ratio = rows / max(columns, 1)
    if not 1 / most <= ratio <= most:
        return box
    side = min(box.columns / columns, box.rows / rows)
    if side >= 1:
        side = int(side)
    wide, high = max(round(columns * side), 1), max(round(rows * side), 1)
    return Box(box.left, box.bottom + box.rows - high, wide, high)


def cells_in(box: Box, most: int = MOST_CELLS) -> tuple[int, int]:
    """Return the rows and columns of cells that a box has room for: its pixels, or whole groups."""
    each = max(math.ceil(math.sqrt(box.rows * box.columns / most)), 1)
    return max(box.rows // each, 1), max(box.columns // each, 1)


def axes_in(page: Page, box: Box) -> Axes:
    """Return new axes that fill a box."""
    width, height = (side * page.figure.dpi for side in page.inches)
    return page.figure.add_axes(
        (box.left / width, box.bottom / height, box.columns / width, box.rows / height)
    )


def bar_axes(page: Page, box: Box) -> Axes:
    """Return new axes for a color bar at the right of a box."""
    dpi = page.figure.dpi
    place = box.left + box.columns + round(BAR_GAP * dpi)
    return axes_in(page, Box(place, box.bottom, round(BAR_WIDTH * dpi), box.rows))
