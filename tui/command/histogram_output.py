"""Print histograms: drawn in characters for people, JSON for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tensorpeek.analysis import Histogram, RangeCount
from tensorpeek.loaders import Model, Tensor
from tensorpeek.tui.command.console import answer_console, complain, progress_line
from tensorpeek.tui.command.counted import HistogramRequest, TensorHistogram, count_bins
from tensorpeek.tui.command.document import Json, print_document, tensor_facts
from tensorpeek.tui.command.exit_codes import ExitCode
from tensorpeek.tui.command.model_files import OpenedFiles, open_files
from tensorpeek.tui.command.selection import Selection

if TYPE_CHECKING:
    from rich.console import Console


def print_histograms(
    words: Sequence[str], patterns: Sequence[str], request: HistogramRequest
) -> ExitCode:
    """Print the histograms of the tensors that ``words`` and ``patterns`` select."""
    selection = Selection.of(words, patterns)
    opened = open_files(selection.paths)
    console = None if request.as_json else answer_console()
    documents: list[Json] = []
    found = 0
    for model in opened.models:
        tensors = _chosen(model, selection, request)
        found += len(tensors)
        entries = []
        for index, tensor in enumerate(tensors):
            with progress_line() as progress:
                report = progress.begin(f"{index + 1}/{len(tensors)} {model.name} {tensor.name}")
                entry = count_bins(tensor, request, report)
            _note_error(opened, model, entry)
            if console is not None:
                _print_entry(console, model, entry, request)
            else:
                entries.append(_entry_json(entry, request))
        documents.append({"path": str(model.path), "format": model.format, "tensors": entries})
    if request.as_json:
        print_document("hist", documents, opened.errors())
    return opened.exit_code(selection, found)


def _chosen(model: Model, selection: Selection, request: HistogramRequest) -> list[Tensor]:
    tensors = selection.tensors(model, everything=request.everything)
    if selection.patterns or request.everything:
        return tensors
    return [tensor for tensor in tensors if tensor.role == "weight"] or tensors


def _note_error(opened: OpenedFiles, model: Model, entry: TensorHistogram) -> None:
    if entry.unreadable:
        opened.unreadable_tensors += 1
        complain(model.path, f"{entry.tensor.name}: {entry.error}")


def _print_entry(
    console: Console, model: Model, entry: TensorHistogram, request: HistogramRequest
) -> None:
    from tensorpeek.tui.command.histogram_page import print_page

    print_page(console, model, entry, request)


def _entry_json(entry: TensorHistogram, request: HistogramRequest) -> Json:
    tensor, summary = entry.tensor, entry.summary
    infinite = summary.positive_infinity + summary.negative_infinity if summary else None
    return {
        **tensor_facts(tensor),
        "view": request.view,
        **_bins_json(entry.histogram),
        "nan": summary.nan if summary else None,
        "inf": infinite,
        "range": _range_json(entry.in_range),
        "error": entry.error,
    }


def _bins_json(histogram: Histogram | None) -> Json:
    if histogram is None:
        names = ("edges", "counts", "percent", "cumulative_percent", "selected")
        return dict.fromkeys((*names, "levels_per_bin", "below", "above"))
    chosen = histogram.selected
    return {
        "edges": histogram.edges.values.tolist(),
        "counts": histogram.counts.tolist(),
        "percent": histogram.percent.tolist(),
        "cumulative_percent": histogram.cumulative_percent.tolist(),
        "selected": None if chosen is None else chosen.tolist(),
        "levels_per_bin": histogram.edges.levels,
        "below": histogram.below,
        "above": histogram.above,
    }


def _range_json(in_range: RangeCount | None) -> Json | None:
    if in_range is None:
        return None
    return {
        "low": in_range.low,
        "high": in_range.high,
        "count": in_range.count,
        "total": in_range.total,
        "percent": in_range.percent,
    }
