"""One filter in numbers: a block of them for each input, each on the color of its value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.segment import Segment
from rich.style import Style

from tensorpeek.tui.color_maps import levels_of, number_cell
from tensorpeek.tui.number_text import number

BETWEEN = 2
"""Columns between two blocks."""

LABEL = "input "

FLOAT_DIGITS = 9
"""Columns of a float with the space after it."""


@dataclass(frozen=True, eq=False)
class FilterPage:
    """The values (I, H, W) of a filter at one depth; lines are made when they come in sight."""

    index: int
    values: NDArray[Any]
    limit: float
    center: float
    columns: int
    digits: int

    @property
    def block(self) -> int:
        """Columns of a block of one input."""
        return max(int(self.values.shape[2]) * self.digits, len(LABEL) + 6) + BETWEEN

    @property
    def per_row(self) -> int:
        """Blocks side by side."""
        return max(1, min((self.columns + BETWEEN) // self.block, len(self.values)))

    @property
    def lines(self) -> int:
        """Lines of all blocks: a label, the rows, an empty line."""
        return -(-len(self.values) // self.per_row) * (int(self.values.shape[1]) + 2)

    @property
    def width(self) -> int:
        """Columns of the widest line."""
        return self.per_row * self.block - BETWEEN

    def line(self, y: int, *, dark: bool | None, quiet: Style) -> list[Segment]:
        """Return line ``y``, from 0."""
        row, at = divmod(y, self.values.shape[1] + 2)
        first = row * self.per_row
        shown = range(first, min(first + self.per_row, len(self.values)))
        segments: list[Segment] = []
        for place in shown:
            if at == 0:
                segments.append(Segment(f"{LABEL}{place:,}".ljust(self.block), quiet))
            elif at <= self.values.shape[1]:
                segments += self._numbers(self.values[place, at - 1], dark)
        return segments

    def _numbers(self, values: NDArray[Any], dark: bool | None) -> list[Segment]:  # noqa: FBT001
        levels = levels_of(values.astype(np.float64) - self.center, self.limit).tolist()
        texts = [f"{value_text(value):>{self.digits - 1}} " for value in values.tolist()]
        cells = [
            number_cell(text, level, dark=dark) for text, level in zip(texts, levels, strict=True)
        ]
        rest = self.block - len(values) * self.digits
        return [*cells, Segment(" " * rest)]


def value_extent(values: NDArray[Any], center: float) -> tuple[float, int]:
    """Return the largest distance of a finite value from ``center``, and columns for a number."""
    sizes = np.abs(values.astype(np.float64) - center)
    limit = float(np.where(np.isfinite(sizes), sizes, 0.0).max(initial=0.0))
    if values.dtype.kind not in "iu":
        return limit, FLOAT_DIGITS
    return limit, max(len(value_text(each)) for each in (values.min(), values.max())) + 2


def value_text(value: float) -> str:
    """Return a number in at most eight characters, with up to four significant digits."""
    if isinstance(value, int | np.integer):
        return str(int(value))
    texts = (number(value, digits) for digits in (4, 3, 2, 1))
    short = (text.replace("e-0", "e-").replace("e+", "e") for text in texts)
    return next((text for text in short if len(text) <= 8), number(value, 1))
