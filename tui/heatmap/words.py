"""What the heatmap screen says in words: settings, the cell of the cursor, the numbers to copy."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from tensorpeek.tui.clipboard_text import exact_pattern
from tensorpeek.tui.number_text import number

if TYPE_CHECKING:
    from tensorpeek.analysis.heatmap import CellValue, Mode, Plane, Pooled, Window
    from tensorpeek.loaders import Tensor
    from tensorpeek.tui.heatmap.viewing import Viewing
    from tensorpeek.tui.question import Subject

Colors = dict[str, str]


def settings_text(
    viewing: Viewing, tensor: Tensor | None, view: str, state: str, colors: Colors
) -> Text:
    """Return every setting with its key, and before them what the picture is not yet."""
    text = Text(no_wrap=True, overflow="crop")
    if state:
        text.append(f"{state}  ", f"bold {colors['warning']}")
    for key, words in _settings(viewing, tensor, view):
        text.append(key, f"bold {colors['primary']}").append(f" {words}  ")
    return text


def _settings(viewing: Viewing, tensor: Tensor | None, view: str) -> list[tuple[str, str]]:
    settings = []
    if viewing.grid is not None:
        scope = "this tensor" if viewing.alone else "whole model"
        settings += [("G", viewing.grid.name), ("o", scope)]
    if tensor is not None and len(tensor.views) > 1:
        settings.append(("v", "raw" if view == "raw" else "dequantized"))
    settings += [
        ("m", viewing.mode),
        ("s", viewing.curve),
        ("c", viewing.color_map.name),
    ]
    if viewing.grid is None and viewing.plane is not None:
        settings.append(("a", axes_words(viewing.plane)))
        if viewing.indexes > 1:
            held = ", ".join(map(str, viewing.plane.held))
            settings.append(("i", f"at {held}"))
    if not viewing.viewport.is_whole:
        settings.append(("r", "range of all" if viewing.spans_all else "range of this part"))
    return settings


def axes_words(plane: Plane) -> str:
    """Return which axes are rows and columns: ``0 × 1,2,3``, or ``wrapped``."""
    axes = plane.axes
    if not axes.columns:
        return "wrapped"
    return f"{','.join(map(str, axes.rows))} × {','.join(map(str, axes.columns))}"


def part_words(viewing: Viewing) -> str:
    """Return ``64 rows × 147 columns``, or which of them are looked at."""
    viewport = viewing.viewport
    if viewport.is_whole:
        return f"{viewport.rows:,} rows × {viewport.columns:,} columns"
    top, bottom, left, right = viewport.bounds
    rows = f"rows {top:,}–{bottom - 1:,} of {viewport.rows:,}"
    return f"{rows}, columns {left:,}–{right - 1:,} of {viewport.columns:,}"


def pooling_words(pooled: Pooled, mode: Mode) -> str:
    """Return what a cell shows: ``absmax of 2 × 3 values``, or ``every value``."""
    rows = int((pooled.row_starts[1:] - pooled.row_starts[:-1]).max(initial=1))
    columns = int((pooled.column_starts[1:] - pooled.column_starts[:-1]).max(initial=1))
    if rows == columns == 1:
        return "every value has a cell"
    return f"{mode} of up to {rows:,} × {columns:,} values"


def cell_text(
    pooled: Pooled, cell: tuple[int, int], mode: Mode, found: CellValue | None, color: str
) -> Text:
    """Return what a cell holds: one element, or which rows and columns, and what it shows."""
    count = int((pooled.count + pooled.nan + pooled.above + pooled.below)[cell])
    parts = [] if found is None else element_words(found)
    if count != 1:
        rows = _places("row", *pooled.row_starts[cell[0] : cell[0] + 2])
        columns = _places("column", *pooled.column_starts[cell[1] : cell[1] + 2])
        parts = [f"{rows}, {columns}", *_pooled_words(pooled, cell, mode, count), *parts]
    elif found is None:
        parts = [number(float(pooled.shown(mode)[cell]))]
    return Text("  ".join(parts), color, no_wrap=True, overflow="ellipsis")


def element_words(found: CellValue) -> list[str]:
    """Return index and values of an element."""
    index = ", ".join(map(str, found.index))
    if found.raw is None:
        return [f"[{index}]", _value(found.value)]
    return [f"[{index}]", f"raw {_value(found.raw)}", f"dequantized {_value(found.value)}"]


def _pooled_words(pooled: Pooled, cell: tuple[int, int], mode: Mode, count: int) -> list[str]:
    if not count:
        return ["empty"]
    odd = {
        "NaN": int(pooled.nan[cell]),
        "inf": int(pooled.above[cell]),
        "-inf": int(pooled.below[cell]),
    }
    shown = number(float(pooled.values(mode)[cell]))
    values = f"{mode} {shown} of {count:,} values"
    return [values, *(f"{name} {times:,}" for name, times in odd.items() if times)]


def grid_cell_text(
    pooled: Pooled, cell: tuple[int, int], mode: Mode, of: tuple[str, int], color: str
) -> Text:
    """Return which layer a cell of a grid belongs to, and what it shows.

    ``of`` is the name of the tensor that stands out in it, and how many tensors are in it.
    """
    name, layers = of
    count = int((pooled.count + pooled.nan + pooled.above + pooled.below)[cell])
    if not count:
        return Text("no layer here", color)
    text = Text(name, f"bold {color}", no_wrap=True, overflow="ellipsis")
    if layers > 1:
        text.append(f"  and {layers - 1:,} more", color)
    return text.append("  " + "  ".join(_pooled_words(pooled, cell, mode, count)), color)


def table_text(pooled: Pooled, mode: Mode) -> str:
    """Return the numbers of all cells, separated by tabs.

    The first line has the first column of each column of cells, every other line begins with the
    first row of its cells; a cell without values is empty.
    """
    shown, holds = pooled.shown(mode), pooled.holds
    lines = ["\t".join(["", *map(str, pooled.column_starts[:-1].tolist())])]
    for row, start in enumerate(pooled.row_starts[:-1].tolist()):
        values = zip(shown[row].tolist(), holds[row].tolist(), strict=True)
        lines.append("\t".join([str(start), *(number(v, 9) if held else "" for v, held in values)]))
    return "\n".join(lines) + "\n"


def heatmap_command(subject: Subject) -> str:
    """Return the command that draws a tensor into a file, quoted for a POSIX shell."""
    words = ["tensorpeek", "plot", "heatmap", str(subject.path), exact_pattern(subject.name)]
    if subject.view == "raw":
        words += ["--view", "raw"]
    return shlex.join([*words, "-o", "heatmap.png"])


def grid_command(
    path: Path, layout: str, plugins: Sequence[str], *, alone: Subject | None, raw: bool
) -> str:
    """Return the command that draws a model in a grid, or one tensor of it ``alone``."""
    words = ["tensorpeek", "plot", "grid", str(path)]
    words += [] if alone is None else [exact_pattern(alone.name)]
    words += ["--layout", layout]
    for plugin in plugins:
        words += ["--plugin", plugin]
    return shlex.join([*words, *(["--view", "raw"] if raw else []), "-o", "grid.png"])


def window_of(pooled: Pooled, cell: tuple[int, int]) -> Window:
    """Return the part of the picture that a cell stands for."""
    from tensorpeek.analysis.heatmap import Window

    top, bottom = pooled.row_starts[cell[0] : cell[0] + 2].tolist()
    left, right = pooled.column_starts[cell[1] : cell[1] + 2].tolist()
    return Window(top, bottom, left, right)


def _places(name: str, first: int, end: int) -> str:
    return f"{name} {first:,}" if end - first == 1 else f"{name}s {first:,}–{end - 1:,}"


def _value(value: int | float | complex) -> str:
    if isinstance(value, complex):  # its parts may be NaN or infinite
        return f"{number(value.real, 9)}{'+' if value.imag >= 0 else ''}{number(value.imag, 9)}j"
    return number(value, 9)
