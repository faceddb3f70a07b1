"""The background jobs: look up paths, open a model, measure a tensor, count its bins.

NumPy and the readers are imported here, inside the jobs, so that the first frame is on the screen
before anything heavy is loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from tensorpeek.tui.background import Job, Work
from tensorpeek.tui.messages import (
    Counted,
    Measured,
    MeasuringFailed,
    ModelFailed,
    ModelOpened,
    ModelsFound,
    Progressed,
    ScalesFailed,
    ScalesGathered,
)
from tensorpeek.tui.question import Question, Subject
from tensorpeek.tui.range_text import default_range

if TYPE_CHECKING:
    from tensorpeek.analysis import Distribution, DistributionCache
    from tensorpeek.loaders import Tensor, View


def find(paths: Sequence[str]) -> Job:
    """Look up which files ``paths`` mean."""

    def job(work: Work) -> None:
        from tensorpeek.loaders import find_models

        found, problems = find_models(paths)
        work.post(ModelsFound(found, [str(problem) for problem in problems]))

    return job


def open_file(path: Path) -> Job:
    """Read the header of the model at ``path``."""

    def job(work: Work) -> None:
        from tensorpeek.loaders import LoadError, open_model

        try:
            model = open_model(path)
        except LoadError as error:
            work.post(ModelFailed(path, error.reason))
        else:
            work.post(ModelOpened(path, model))

    return job


def measure_tensor(tensor: Tensor, question: Question) -> Job:
    """Measure a tensor in a view, then count its bins."""

    def job(work: Work) -> None:
        from tensorpeek.analysis import quantization_facts

        subject = question.subject
        distribution = _measure(work, tensor, subject)
        facts = None
        if tensor.quantization:
            codes = (
                distribution if subject.view == "raw" else _measure(work, tensor, subject, "raw")
            )
            facts = quantization_facts(tensor, codes)
        work.post(Measured(subject, distribution, facts))
        _count(work, tensor, question, distribution)

    return _guarded(question.subject, job)


def count_bins(tensor: Tensor, question: Question, distribution: Distribution) -> Job:
    """Count the bins and the range of a tensor that is measured already."""

    def job(work: Work) -> None:
        _count(work, tensor, question, distribution)

    return _guarded(question.subject, job)


def gather_scales(tensor: Tensor, columns: int) -> Job:
    """Gather the scales of a tensor, and what is saturated under them, to columns."""

    def job(work: Work) -> None:
        from tensorpeek.analysis import scale_strip
        from tensorpeek.loaders import CancelledError, LoadError

        try:
            work.post(ScalesGathered(tensor, scale_strip(tensor, columns, stop=work.stop)))
        except LoadError as error:
            work.post(ScalesFailed(tensor, error.reason))
        except CancelledError:
            return

    return job


def _guarded(subject: Subject, job: Job) -> Job:
    """Turn the errors of reading into messages, and cancellation into silence."""

    def guarded(work: Work) -> None:
        from tensorpeek.loaders import CancelledError, LoadError

        try:
            job(work)
        except LoadError as error:
            work.post(MeasuringFailed(subject, error.reason))
        except CancelledError:
            return

    return guarded


def _measure(
    work: Work, tensor: Tensor, subject: Subject, view: View | None = None
) -> Distribution:
    from tensorpeek.analysis import measure

    view = view or subject.view
    known = _cache()
    distribution = known.find(tensor, view)
    if distribution is None:
        distribution = measure(
            tensor, view, stop=work.stop, progress=work.paced(partial(Progressed, subject))
        )
        known.keep(tensor, view, distribution)
    return distribution


def known_distributions() -> DistributionCache:
    """Return what all screens keep of the tensors that were measured."""
    return _cache()


@cache
def _cache() -> DistributionCache:
    """Return the one cache of this process, made when it is first needed."""
    from tensorpeek.analysis import DistributionCache

    return DistributionCache()


def _count(work: Work, tensor: Tensor, question: Question, distribution: Distribution) -> None:
    from tensorpeek.analysis import RangeCount, default_edges

    selection = question.selection
    if selection is None:
        texts = default_range(distribution.summary)
        selection = (float(texts[0]), float(texts[1])) if texts else None
    edges = default_edges(tensor, question.subject.view, distribution, question.bins)
    if not distribution.exact_at_once:
        preview = distribution.preview(edges, selection)
        work.post(Counted(question, preview, None))
    histogram = distribution.histogram(edges, selection, stop=work.stop)
    in_range: RangeCount | None = None
    if selection is not None:
        in_range = distribution.count_range(*selection, stop=work.stop)
    work.post(Counted(question, histogram, in_range))
