"""The diagnoses that a dashboard shows: those of a scan, kept like those."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tensorpeek.analysis.diagnosis import Request
from tensorpeek.loaders import Model
from tensorpeek.tui.command.cache import open_cache
from tensorpeek.tui.command.scan_work import ScanWork, Workers
from tensorpeek.tui.command.selection import Selection
from tensorpeek.tui.figures.health_point import HealthPoint, point_of_record

if TYPE_CHECKING:
    from tensorpeek.tui.command.plot import PlotRequest


def scanned_points(model: Model, selection: Selection, how: PlotRequest) -> list[HealthPoint]:
    """Measure the selected tensors of a model as ``tensorpeek scan`` does."""
    options = how.options
    request = Request(view=options.view, thresholds=options.thresholds, huge=options.huge)
    with open_cache(is_off=how.no_cache) as cache:
        work = ScanWork(request, cache)
        work.collect([model], selection, everything=how.everything)
        work.finish(Workers(how.jobs))
    return [point_of_record(entry.record) for entry in work.entries if entry.record is not None]
