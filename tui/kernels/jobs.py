"""The background jobs of the screen of kernels: read, reduce, compare."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from tensorpeek.tui.background import Job, Work
from tensorpeek.tui.kernels.arrangement import KernelSubject, Mode
from tensorpeek.tui.kernels.messages import (
    FilterRead,
    FiltersRead,
    KernelFailed,
    KernelProgressed,
    MapsMade,
    SimilarityFound,
)

if TYPE_CHECKING:
    from tensorpeek.analysis.kernels import Filters, Kernel


def read_kernel(subject: KernelSubject, kernel: Kernel, mode: Mode, index: int) -> Job:
    """Read a kernel, make its tiles, then compare its filters."""

    def job(work: Work) -> None:
        from tensorpeek.analysis.kernels import read_filters

        told = work.paced(partial(KernelProgressed, subject, "reading"))
        filters = read_filters(kernel, stop=work.stop, progress=told)
        work.post(FiltersRead(subject, filters, _center(kernel)))
        make_maps(subject, kernel, filters, mode, index)(work)
        _compare(work, subject, filters)

    return _guarded(subject, job)


def make_maps(
    subject: KernelSubject, kernel: Kernel, filters: Filters, mode: Mode, index: int
) -> Job:
    """Make the tiles of a kernel that was read already."""

    def job(work: Work) -> None:
        from tensorpeek.analysis.kernels import read_input
        from tensorpeek.tui.kernels.tile_maps import tile_maps

        one = filters.mean
        if mode == "input" and filters.values is not None:
            one = filters.values[:, index]
        elif mode == "input":
            told = work.paced(partial(KernelProgressed, subject, f"reading input {index:,}"))
            one = read_input(kernel, index, stop=work.stop, progress=told)
        maps = tile_maps(filters, mode, _center(kernel), one)
        work.post(MapsMade(subject, replace(maps, input=index)))

    return _guarded(subject, job)


def read_one(subject: KernelSubject, kernel: Kernel, filters: Filters, index: int) -> Job:
    """Fetch all values of one filter."""

    def job(work: Work) -> None:
        from tensorpeek.analysis.kernels import read_filter
        from tensorpeek.tui.kernels.filter_page import value_extent

        center = _center(kernel)
        if filters.values is not None:
            values = filters.values[index]
        else:
            told = work.paced(partial(KernelProgressed, subject, "reading"))
            values = read_filter(kernel, index, stop=work.stop, progress=told)
        work.post(FilterRead(subject, index, values, center, *value_extent(values, center)))

    return _guarded(subject, job)


def _compare(work: Work, subject: KernelSubject, filters: Filters) -> None:
    from tensorpeek.analysis.diagnosis.unmeasurable import UnmeasurableError
    from tensorpeek.analysis.kernels import filter_similarity

    if filters.values is None:
        work.post(SimilarityFound(subject, None, "too large to compare filters"))
        return
    told = work.paced(partial(KernelProgressed, subject, "comparing filters"))
    try:
        found = filter_similarity(filters.values, stop=work.stop, progress=told)
    except UnmeasurableError as error:
        work.post(SimilarityFound(subject, None, error.reason))
    else:
        work.post(SimilarityFound(subject, found))


def _center(kernel: Kernel) -> float:
    """Return the zero point of raw codes if they have one in common, else 0."""
    quantization = kernel.tensor.quantization
    if kernel.view != "raw" or quantization is None:
        return 0.0
    points = quantization.zero_points()
    is_one = points.size > 0 and bool((points == points[0]).all())
    return float(points[0]) if is_one else 0.0


def _guarded(subject: KernelSubject, job: Job) -> Job:
    """Turn the errors of reading into messages, and cancellation into silence."""

    def guarded(work: Work) -> None:
        from tensorpeek.analysis.diagnosis.unmeasurable import UnmeasurableError
        from tensorpeek.loaders import CancelledError, LoadError

        try:
            job(work)
        except (LoadError, UnmeasurableError) as error:
            work.post(KernelFailed(subject, error.reason))
        except CancelledError:
            return

    return guarded
