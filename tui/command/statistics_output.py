"""Print statistics: tables for people, JSON for programs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tensorpeek.analysis import QuantizationFacts, Summary
from tensorpeek.loaders import Model, View
from tensorpeek.tui.command.console import answer_console, complain, progress_line
from tensorpeek.tui.command.document import Json, print_document, tensor_facts
from tensorpeek.tui.command.exit_codes import ExitCode
from tensorpeek.tui.command.measured import MeasuredTensor, measure_tensor
from tensorpeek.tui.command.model_files import OpenedFiles, open_files
from tensorpeek.tui.command.selection import Selection

if TYPE_CHECKING:
    from rich.console import Console


def print_statistics(
    words: Sequence[str], patterns: Sequence[str], *, view: str, as_json: bool, everything: bool
) -> ExitCode:
    """Print the statistics of the tensors that ``words`` and ``patterns`` select."""
    selection = Selection.of(words, patterns)
    opened = open_files(selection.paths)
    chosen: View = "raw" if view == "raw" else "dequantized"
    console = None if as_json else answer_console()
    documents: list[Json] = []
    found = 0
    for index, model in enumerate(opened.models):
        tensors = _measure_model(model, selection, opened, chosen, everything or as_json)
        found += len(tensors)
        if console is None:
            documents.append(_model_json(model, tensors))
        elif tensors or not selection.patterns:
            _print_model(console, model, tensors, chosen, first=not index)
    if as_json:
        print_document("stats", documents, opened.errors())
    return opened.exit_code(selection, found)


def _measure_model(
    model: Model,
    selection: Selection,
    opened: OpenedFiles,
    view: View,
    everything: bool,  # noqa: FBT001
) -> list[MeasuredTensor]:
    measured = []
    tensors = selection.tensors(model, everything=everything)
    with progress_line() as progress:
        for index, tensor in enumerate(tensors):
            report = progress.begin(f"{index + 1}/{len(tensors)} {model.name} {tensor.name}")
            measured.append(measure_tensor(tensor, view, report))
    for entry in measured:
        if entry.unreadable:
            opened.unreadable_tensors += 1
            complain(model.path, f"{entry.tensor.name}: {entry.error}")
    return measured


def _print_model(
    console: Console, model: Model, tensors: Sequence[MeasuredTensor], view: View, *, first: bool
) -> None:
    # Late imports, because JSON needs no Rich.
    from tensorpeek.tui.command.ls import print_model_line
    from tensorpeek.tui.command.statistics_tables import (
        float_table,
        quantized_table,
    )
    from tensorpeek.tui.command.tables import print_table

    print_model_line(console, model, first=first)
    plain = [entry for entry in tensors if entry.tensor.quantization is None]
    quantized = [entry for entry in tensors if entry.tensor.quantization is not None]
    if plain:
        if quantized:
            console.print()
        print_table(console, float_table(plain, titled=bool(quantized)))
    if quantized:
        if plain:
            console.print()
        print_table(console, quantized_table(quantized, view, titled=bool(plain)))


def _model_json(model: Model, tensors: Sequence[MeasuredTensor]) -> Json:
    return {
        "path": str(model.path),
        "format": model.format,
        "tensors": [tensor_json(entry) for entry in tensors],
    }


def tensor_json(entry: MeasuredTensor) -> Json:
    """Return the object that describes one tensor under the schema ``tensorpeek.stats/1``."""
    tensor = entry.tensor
    return {
        **tensor_facts(tensor),
        "view": entry.view,
        **_measures(entry.summary),
        "quantization": _quantization_json(entry),
        "error": entry.error,
    }


def _measures(summary: Summary | None) -> Json:
    if summary is None:
        return dict.fromkeys(("min", "max", "mean", "std", "zeros", "nan", "inf"))
    return {
        "min": summary.minimum,
        "max": summary.maximum,
        "mean": summary.mean,
        "std": summary.std,
        "zeros": summary.zeros,
        "nan": summary.nan,
        "inf": summary.positive_infinity + summary.negative_infinity,
    }


def _quantization_json(entry: MeasuredTensor) -> Json | None:
    quantization = entry.tensor.quantization
    if quantization is None:
        return None
    facts: QuantizationFacts | None = entry.facts
    point = facts.zero_point_mean if facts else None
    return {
        "scheme": quantization.scheme,
        "source": quantization.source,
        "bits": quantization.bits,
        "axis": quantization.axis,
        "scale": facts.scale_mean if facts else None,
        "zero_point": None if point is None or math.isnan(point) else point,
        "raw_min": facts.raw_min if facts else None,
        "raw_max": facts.raw_max if facts else None,
    }
