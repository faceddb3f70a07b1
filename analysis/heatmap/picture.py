"""The pooled picture of a tensor: at first perhaps of a sample, then of every value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tensorpeek.analysis.heatmap.bands import Band, bands, open_values
from tensorpeek.analysis.heatmap.plane import Plane
from tensorpeek.analysis.heatmap.pool import Pool, Pooled
from tensorpeek.analysis.heatmap.window import Window, cell_starts
from tensorpeek.analysis.reading import Progress, idle
from tensorpeek.analysis.stopping import Stop, never
from tensorpeek.loaders import Tensor, View
from tensorpeek.loaders.element_ranges import ReadRange, has_direct_ranges


@dataclass(frozen=True)
class Look:
    """What to see of a tensor: a window of a plane in at most ``rows`` x ``columns`` cells.

    ``with_sums`` also asks for means.
    """

    plane: Plane
    window: Window
    rows: int
    columns: int
    with_sums: bool = False

    def pool(self) -> Pool:
        """Return the empty cells."""
        window = self.window
        return Pool(
            cell_starts(window.top, window.bottom, self.rows),
            cell_starts(window.left, window.right, self.columns),
            with_sums=self.with_sums,
        )


def whole(plane: Plane) -> Window:
    """Return the window that shows a whole picture."""
    return Window(0, plane.rows, 0, plane.columns)


def pooled_picture(
    tensor: Tensor, view: View, look: Look, *, stop: Stop = never, progress: Progress = idle
) -> Pooled:
    """Pool every value in the window, reading in bounded memory and no more than is needed.

    ``stop`` is polled for every band. Raises LoadError and CancelledError.
    """
    pool, done = look.pool(), 0
    with open_values(tensor, view, stop) as read:
        for row, column, block in bands(look.plane, look.window, read, stop):
            pool.add(row, column, block)
            done += block.size
            progress(done / look.window.size)
    return pool.result(exact=True)


def sampled_picture(tensor: Tensor, view: View, look: Look, *, stop: Stop = never) -> Pooled | None:
    """Pool one line of each row of cells (of each column where lines stand upright).

    None for a tensor that has to be read from its beginning anyway. ``stop`` is polled for every
    line. Raises LoadError and CancelledError.
    """
    if not has_direct_ranges(tensor):
        return None
    pool = look.pool()
    with open_values(tensor, view, stop) as read:
        for row, column, block in _middle_lines(look, read, stop):
            pool.add(row, column, block)
    return pool.result(exact=False)


def _middle_lines(look: Look, read: ReadRange, stop: Stop) -> Iterator[Band]:
    plane, window = look.plane, look.window
    if plane.turned:
        starts = cell_starts(window.left, window.right, look.columns)
    else:
        starts = cell_starts(window.top, window.bottom, look.rows)
    for line in ((starts[:-1] + starts[1:]) // 2).tolist():
        part = (
            Window(window.top, window.bottom, line, line + 1)
            if plane.turned
            else Window(line, line + 1, window.left, window.right)
        )
        yield from bands(plane, part, read, stop)
