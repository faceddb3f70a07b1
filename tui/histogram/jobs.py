"""The background jobs of the histogram: measure a tensor, count its bins, gather its scales.

NumPy and the readers are imported here, inside the jobs, so that the first frame is on the screen
before anything heavy is loaded.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tensorpeek.tui.background import Job, Work
from tensorpeek.tui.histogram.messages import (
    Counted,
    Measured,
    MeasuringFailed,
    Progressed,
    ScalesFailed,
    ScalesGathered,
)
from tensorpeek.tui.histogram.range_text import default_range
from tensorpeek.tui.known_distributions import known_distributions
from tensorpeek.tui.question import Question, Subject

if TYPE_CHECKING:
    from tensorpeek.analysis import Distribution
    from tensorpeek.loaders import Tensor, View

PREVIEW_FROM = 1 << 18
"""Values from which an estimate is shown first: fewer are counted within the blink of an eye."""


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
    known = known_distributions()
    distribution = known.find(tensor, view)
    if distribution is None:
        distribution = measure(
            tensor, view, stop=work.stop, progress=work.paced(partial(Progressed, subject))
        )
        known.keep(tensor, view, distribution)
    return distribution


def _count(work: Work, tensor: Tensor, question: Question, distribution: Distribution) -> None:
    from tensorpeek.analysis import RangeCount, default_edges

    selection = question.selection
    if selection is None:
        texts = default_range(distribution.summary)
        selection = (float(texts[0]), float(texts[1])) if texts else None
    edges = default_edges(tensor, question.subject.view, distribution, question.bins)
    if not distribution.exact_at_once and tensor.params >= PREVIEW_FROM:
        preview = distribution.preview(edges, selection)
        work.post(Counted(question, preview, None))
    histogram = distribution.histogram(edges, selection, stop=work.stop)
    in_range: RangeCount | None = None
    if selection is not None:
        in_range = distribution.count_range(*selection, stop=work.stop)
    work.post(Counted(question, histogram, in_range))
