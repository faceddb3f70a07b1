"""The background job of overlays: measure tensors, count them in bins that suit all of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from tensorpeek.tui.background import Job, Work
from tensorpeek.tui.known_distributions import known_distributions
from tensorpeek.tui.overlay.messages import OverlayCounted, OverlayProgressed
from tensorpeek.tui.overlay.overlaid import Curve, Marked, Overlaid

if TYPE_CHECKING:
    from tensorpeek.analysis import Distribution, Edges


def count_together(marked: Sequence[Marked], bins: int) -> Job:
    """Count tensors, dequantized, in about ``bins`` bins over the range of all of them."""

    def job(work: Work) -> None:
        from tensorpeek.loaders import CancelledError

        try:
            work.post(OverlayCounted(_counted(work, marked, bins), bins))
        except CancelledError:
            return

    return job


def _counted(work: Work, marked: Sequence[Marked], bins: int) -> Overlaid:
    from tensorpeek.analysis.comparison import common_edges
    from tensorpeek.loaders import LoadError

    measured: dict[Marked, Distribution] = {}
    reasons: dict[Marked, str] = {}
    for number, one in enumerate(marked):
        try:
            found = _measured(work, one, f"{number + 1} of {len(marked)}")
        except LoadError as error:
            reasons[one] = error.reason
            continue
        if found.summary.finite:
            measured[one] = found
        else:
            reasons[one] = "no finite values"
    if not measured:
        return Overlaid(tuple(Curve(one, reason=reasons[one]) for one in marked), None)
    try:
        edges = common_edges([one.tensor for one in measured], list(measured.values()), bins)
    except LoadError as error:  # scales that cannot be read
        return Overlaid(tuple(Curve(one, reason=error.reason) for one in marked), None)
    curves = [_curve(work, one, measured.get(one), reasons.get(one, ""), edges) for one in marked]
    return Overlaid(tuple(curves), edges)


def _measured(work: Work, one: Marked, which: str) -> Distribution:
    from tensorpeek.analysis import measure
    from tensorpeek.loaders import LoadError

    if one.tensor.error is not None:
        raise LoadError(one.path, one.tensor.error)
    cache = known_distributions()
    found = cache.find(one.tensor, "dequantized")
    if found is None:
        told = work.paced(partial(OverlayProgressed, f"measuring {which}, {one.tensor.name}"))
        found = measure(one.tensor, stop=work.stop, progress=told)
        cache.keep(one.tensor, "dequantized", found)
    return found


def _curve(
    work: Work, one: Marked, distribution: Distribution | None, reason: str, edges: Edges
) -> Curve:
    from tensorpeek.loaders import LoadError

    if distribution is None:
        return Curve(one, reason=reason)
    try:
        histogram = distribution.histogram(edges, stop=work.stop)
    except LoadError as error:
        return Curve(one, reason=error.reason)
    return Curve(one, histogram, distribution.summary.std)
