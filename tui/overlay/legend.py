"""The lines under an overlay: what each outline is, and its share of the bin at the cursor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from tensorpeek.tui.number_text import number, percent
from tensorpeek.tui.overlay.marks import Marks
from tensorpeek.tui.overlay.overlaid import Curve, Overlaid
from tensorpeek.tui.widgets.cursor_line import interval_text

if TYPE_CHECKING:
    from tensorpeek.analysis import Edges

GAP = "  "

ROOMY = 90
"""Columns from which there is room for the standard deviation."""

SHORTEST_NAME, LONGEST_TYPE = 12, 10


def bin_words(edges: Edges, index: int) -> str:
    """Return ``bin 28/50  [-0.19, -0.17)``."""
    low, high = (float(edges.values[index + side]) for side in (0, 1))
    last = index == edges.bins - 1
    return f"bin {index + 1}/{edges.bins}{GAP}{interval_text(low, high, edges.levels, last=last)}"


def legend(shown: Overlaid, index: int | None, width: int, marks: Marks, quiet: str) -> Text:
    """Return a line of titles and one for each tensor, in ``width`` columns at most.

    ``index`` is the bin at the cursor, None for none.
    """
    is_roomy = width >= ROOMY
    rows = [_cells(curve, index, is_roomy=is_roomy) for curve in shown.curves]
    titles = ["type", "values", *(["std"] if is_roomy else []), "in bin", "share"]
    wide = [max(map(len, column)) for column in zip(titles, *(row for row in rows), strict=True)]
    room = max(width - 2 - sum(wide) - len(GAP) * len(wide), SHORTEST_NAME)
    name = min(room, max(cell_len(curve.marked.label) for curve in shown.curves))
    head = set_cell_size("tensor", name)
    lines = [Text(f"  {_joined(head, titles, wide)}", quiet)]
    for place, (curve, row) in enumerate(zip(shown.curves, rows, strict=True)):
        style = f"bold {marks.styles[place]}".strip()
        line = Text().append(marks.signs[place], style).append(" ")
        label = shortened(curve.marked.label, name)
        if curve.histogram is None:
            line.append(f"{label}{GAP}").append(f"not drawn: {curve.reason}", quiet)
        else:
            line.append(_joined(label, row, wide))
        lines.append(line)
    found = Text("\n", no_wrap=True, overflow="ellipsis").join(lines)
    found.no_wrap, found.overflow = True, "ellipsis"
    return found


def shortened(name: str, width: int) -> str:
    """Return a name in exactly ``width`` columns; its end tells more than its beginning."""
    if cell_len(name) <= width:
        return set_cell_size(name, width)
    kept = name[-width:]
    while cell_len(kept) > width - 1:
        kept = kept[1:]
    return set_cell_size(f"…{kept}", width)


def _cells(curve: Curve, index: int | None, *, is_roomy: bool) -> list[str]:
    tensor, histogram = curve.marked.tensor, curve.histogram
    facts = [tensor.dtype[:LONGEST_TYPE], f"{tensor.params:,}"]
    if is_roomy:
        facts.append(number(curve.std, 4))
    if histogram is None or index is None:
        return [*facts, "", ""]
    return [*facts, f"{int(histogram.counts[index]):,}", percent(float(histogram.percent[index]))]


def _joined(name: str, cells: Sequence[str], wide: Sequence[int]) -> str:
    first, *others = cells
    texts = [first.ljust(wide[0]), *(c.rjust(w) for c, w in zip(others, wide[1:], strict=True))]
    return GAP.join([name, *texts])
