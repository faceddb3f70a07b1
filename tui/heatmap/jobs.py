"""The background jobs of the heatmap: pool a tensor or a model, read the cell of the cursor."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from tensorpeek.tui.background import PROGRESS_INTERVAL, Job, Work
from tensorpeek.tui.heatmap.messages import (
    CellRead,
    GridPictured,
    GridsFound,
    Pictured,
    PictureFailed,
    PictureProgressed,
)

if TYPE_CHECKING:
    from tensorpeek.analysis.grids import FoundGrid
    from tensorpeek.analysis.heatmap import CellAt, CellValue, Window
    from tensorpeek.loaders import Tensor, View
    from tensorpeek.tui.heatmap.viewing import GridCell, GridQuestion, Question, TensorQuestion

SAMPLE_FROM = 1 << 22
"""Values from which a sample is shown first: fewer are pooled within the blink of an eye."""


def picture_tensor(tensor: Tensor, question: TensorQuestion) -> Job:
    """Pool a part of a tensor, a large one first from a sample."""

    def job(work: Work) -> None:
        from tensorpeek.analysis.heatmap import pooled_picture, sampled_picture

        view, look = question.subject.view, question.look
        if look.window.size >= SAMPLE_FROM:
            sample = sampled_picture(tensor, view, look, stop=work.stop)
            if sample is not None:
                work.post(Pictured(question, sample))
        progress = work.paced(partial(PictureProgressed, question))
        pooled = pooled_picture(tensor, view, look, stop=work.stop, progress=progress)
        work.post(Pictured(question, pooled))

    return _guarded(question, job)


def picture_grid(tensors: Sequence[Tensor], found: FoundGrid, question: GridQuestion) -> Job:
    """Pool the tensors of a model into a grid, showing four times a second what is finished."""

    def job(work: Work) -> None:
        from tensorpeek.analysis.grids import GridLook, GridPainter
        from tensorpeek.analysis.heatmap import Window

        window = None if question.bounds is None else Window(*question.bounds)
        look = GridLook(*question.cells, window, with_sums=question.with_sums)
        painter = GridPainter(tensors, question.subject.view, found, look)
        last = time.monotonic()
        for share in painter.steps(work.stop):
            now = time.monotonic()
            if now - last >= PROGRESS_INTERVAL:
                if painter.has_layers:
                    work.post(GridPictured(question, painter.picture(exact=False), share))
                work.post(PictureProgressed(question, share))
                last = time.monotonic()
        work.post(GridPictured(question, painter.picture(exact=True), 1.0))

    return _guarded(question, job)


def read_cell_of_tensor(tensor: Tensor, view: View, at: CellAt, asked: object) -> Job:
    """Read the element that stands for a cell; the answer carries ``asked``."""

    def job(work: Work) -> None:
        from tensorpeek.analysis.heatmap import read_cell

        work.post(CellRead(asked, read_cell(tensor, view, at, stop=work.stop)))

    return _guarded_cell(asked, job)


def read_cell_of_grid(tensors: Sequence[Tensor], found: FoundGrid, asked: GridCell) -> Job:
    """Read the element of one layer that stands out most in a cell of a grid."""
    layer, view, cell = asked.layer, asked.view, asked.window
    rows, columns = asked.question.cells

    def job(work: Work) -> None:
        from tensorpeek.analysis.grids import checked, element_in_cell

        arranged = checked(found, tuple(each.params for each in tensors), columns / rows)
        flat = element_in_cell(
            tensors[layer],
            view,
            lambda start, stop: arranged.places(layer, start, stop),
            cell,
            stop=work.stop,
        )
        value = None if flat is None else _value(tensors[layer], flat, cell, work)
        work.post(CellRead(asked, value))

    return _guarded_cell(asked, job)


def look_up_grids(files: Sequence[str]) -> Job:
    """Look up the grids, running the plugins that the user named."""

    def job(work: Work) -> None:
        from tensorpeek.analysis.grids import find_grids

        work.post(GridsFound(*find_grids(files)))

    return job


def _value(tensor: Tensor, flat: int, cell: Window, work: Work) -> CellValue:
    from tensorpeek.analysis.heatmap import CellValue, axis_indexes, element_at

    value = element_at(tensor, "dequantized", flat, stop=work.stop)
    raw = element_at(tensor, "raw", flat, stop=work.stop) if "raw" in tensor.views else None
    return CellValue(axis_indexes(tensor.shape, flat), cell.top, cell.left, value, raw)


def _guarded(question: Question, job: Job) -> Job:
    """Turn the errors of reading and of plugins into messages, and cancellation into silence."""

    def guarded(work: Work) -> None:
        from tensorpeek.analysis.grids import GridError
        from tensorpeek.loaders import CancelledError, LoadError

        try:
            job(work)
        except LoadError as error:
            work.post(PictureFailed(question, error.reason))
        except GridError as error:
            work.post(PictureFailed(question, str(error)))
        except CancelledError:
            return

    return guarded


def _guarded_cell(cell: object, job: Job) -> Job:
    def guarded(work: Work) -> None:
        from tensorpeek.analysis.grids import GridError
        from tensorpeek.loaders import CancelledError, LoadError

        try:
            job(work)
        except (LoadError, GridError) as error:
            work.post(CellRead(cell, None, error.reason))
        except CancelledError:
            return

    return guarded
