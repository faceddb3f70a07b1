"""The words around the tiles: titles, the filter under the cursor, the scale of the colors."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rich.style import Style
from rich.text import Text

from tensorpeek.tui.color_maps import SIGNS, half_blocks
from tensorpeek.tui.kernels.tile_maps import legend_levels
from tensorpeek.tui.number_text import number

if TYPE_CHECKING:
    from tensorpeek.analysis.kernels import Filters, Similarity
    from tensorpeek.loaders import Tensor
    from tensorpeek.tui.kernels.arrangement import Arrangement
    from tensorpeek.tui.kernels.tile_maps import TileMaps

DEAD, DUPLICATE, ODD = "×", "=", "!"
"""Marks after a filter's number: no value, those of another filter, NaN or infinite ones."""

ORDER_WORDS = {"file": "in file order", "norm": "by L2 norm", "similarity": "by similarity"}

LEGEND = 17
"""Columns of the scale of colors."""


def filter_marks(filters: Filters, similarity: Similarity | None) -> list[str]:
    """Return the mark of each filter, empty for most."""
    marks = [DEAD if dead else "" for dead in filters.dead.tolist()]
    for index in filters.not_finite.nonzero()[0].tolist():
        marks[index] = ODD
    if similarity is not None:
        for index in (similarity.original >= 0).nonzero()[0].tolist():
            marks[index] = marks[index] or DUPLICATE
    return marks


def kernel_title(
    filters: Filters, arrangement: Arrangement, similarity: Similarity | None, reason: str
) -> str:
    """Return ``OIHW  64 filters × 16 inputs × 3×3 · 2 dead × · 1 duplicate =``."""
    layout = filters.layout
    depth, height, width = filters.sides
    sides = f"{height}×{width}" if "H" in layout.name else f"{width}"
    sides = f"{depth}×{sides}" if "D" in layout.name else sides
    kind = " transposed" if layout.is_transposed else " depthwise" if layout.is_depthwise else ""
    inputs = f" × {filters.inputs:,} input{'s' if filters.inputs != 1 else ''}"
    parts = [f"{layout.name}{kind}  {filters.count:,} filters{inputs} × {sides}"]
    if depth > 1:
        parts.append(f"slice {arrangement.depth} of {depth}")
    parts += _counts(filters, similarity, reason)
    return " · ".join(parts)


def _counts(filters: Filters, similarity: Similarity | None, reason: str) -> list[str]:
    dead, odd = int(filters.dead.sum()), int((filters.not_finite > 0).sum())
    parts = [f"{dead:,} dead {DEAD}" if dead else "none dead"]
    if odd:
        parts.append(f"{odd:,} with NaN or infinity {ODD}")
    if similarity is None:
        parts.append(reason or "duplicates …")
    elif similarity.duplicates:
        noun = "duplicate" if similarity.duplicates == 1 else "duplicates"
        parts.append(f"{similarity.duplicates:,} {noun} {DUPLICATE}")
    else:
        parts.append("no duplicates")
    return parts


def filter_text(index: int, filters: Filters, similarity: Similarity | None) -> Text:
    """Return the facts of one filter."""
    parts = [f"filter {index:,}", f"L2 {number(float(filters.norms[index]), 4)}"]
    parts += _extremes(index, filters)
    if filters.dead[index]:
        parts.append("dead")
    if filters.not_finite[index]:
        parts.append(f"{int(filters.not_finite[index]):,} NaN or infinite")
    if similarity is not None and similarity.nearest[index] >= 0:
        cosine = f"cosine {float(similarity.cosine[index]):.4f}"
        original = int(similarity.original[index])
        if original < 0:
            parts.append(f"nearest {int(similarity.nearest[index]):,} ({cosine})")
        elif similarity.identical[index]:
            parts.append(f"= filter {original:,}: identical")
        else:
            parts.append(f"= filter {original:,}: cosine above 0.999")
    return Text("  ".join(parts), no_wrap=True, overflow="ellipsis")


def _extremes(index: int, filters: Filters) -> list[str]:
    low, high = float(filters.low[index]), float(filters.high[index])
    if math.isnan(low):
        return ["no finite value"]
    return [f"min {number(low, 4)}", f"max {number(high, 4)}"]


def legend(limit: float, center: float, *, dark: bool | None, ascii_only: bool) -> Text:
    """Return the scale of the colors with the values at its ends."""
    ends = [number(center - limit, 3), number(center + limit, 3)]
    if dark is None or ascii_only:
        return Text(f"{ends[0]} {SIGNS} {ends[1]}", no_wrap=True)
    levels = legend_levels(LEGEND)
    line = Text(f"{ends[0]} ", no_wrap=True)
    for segment in half_blocks(levels, levels, dark=dark):
        line.append(segment.text, segment.style or Style())
    return line.append(f" {ends[1]}")


def no_kernel(tensor: Tensor, following: Tensor | None) -> str:
    """Return why a tensor has no tiles, and what to press."""
    shape = "×".join(map(str, tensor.shape)) or "scalar"
    words = f"{tensor.name} ({shape}) is no convolution kernel."
    if following is not None:
        words += f"\n\nc goes to the next one: {following.name}"
    else:
        words += "\n\nThis model has no convolution kernel; 3 shows it as a picture."
    if 3 <= len(tensor.shape) <= 5 and tensor.params:
        words += "\nx reads its axes as those of one all the same."
    return words


def tiles_text(
    name: str, title: str, filters: Filters, similarity: Similarity | None, maps: TileMaps
) -> str:
    """Return the facts of all filters as lines of text, tabs between columns."""
    lines = [f"{name}  {title}", "filter\tL2\tmin\tmax\tlargest shown\tmark"]
    marks = filter_marks(filters, similarity)
    for index, mark in enumerate(marks):
        cells = (filters.norms[index], filters.low[index], filters.high[index], maps.limits[index])
        values = "\t".join(number(float(cell)) for cell in cells)
        lines.append(f"{index}\t{values}\t{mark}")
    return "\n".join(lines) + "\n"
