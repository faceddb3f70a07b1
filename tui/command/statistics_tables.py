"""The two tables of statistics: floating-point tensors, and quantized ones."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.table import Table

from tensorpeek.analysis import QuantizationFacts, Summary
from tensorpeek.loaders import View
from tensorpeek.tui.command.measured import MeasuredTensor
from tensorpeek.tui.command.numbers import interval_text, measure_text, shape_text
from tensorpeek.tui.command.tables import plain_table

SCALE_DECIMALS = 6

LOUD = "bold red"


def float_table(entries: Sequence[MeasuredTensor], *, titled: bool) -> Table:
    """Return a row for each tensor; columns of NaN, infinities and errors only if there are any."""
    table = plain_table(
        texts=("Layer", "Tensor", "Shape"),
        numbers=("Params", "Min", "Max", "Mean", "Std", "Zeros"),
    )
    if titled:
        table.title = "Tensors that are not quantized"
    extra = _ExtraColumns(entries, table)
    for entry in entries:
        tensor, summary = entry.tensor, entry.summary
        table.add_row(
            tensor.layer,
            tensor.label,
            shape_text(tensor.shape),
            f"{tensor.params:,}",
            *_moments(summary, ("minimum", "maximum", "mean", "std")),
            _count(summary.zeros if summary else None),
            *extra.cells(entry),
        )
    return table


def quantized_table(entries: Sequence[MeasuredTensor], view: View, *, titled: bool) -> Table:
    """Return a row for each quantized tensor; scale and zero point are means over channels."""
    labels = any(entry.tensor.label != "weight" for entry in entries)
    codes, floats = _heads(entries, view)
    moments = ("Mean", "Std") if view == "dequantized" else ("Raw mean", "Raw std")
    table = plain_table(
        texts=("Layer", "Tensor", "Shape") if labels else ("Layer", "Shape"),
        numbers=("Scale", "ZP", codes, *floats, *moments, "Zeros"),
    )
    if titled:
        table.title = "Quantized tensors"
    extra = _ExtraColumns(entries, table)
    for entry in entries:
        tensor, summary = entry.tensor, entry.summary
        ends = (summary.minimum, summary.maximum) if summary else (None, None)
        table.add_row(
            tensor.layer,
            *([tensor.label] if labels else []),
            shape_text(tensor.shape),
            *_affine(entry.facts),
            *([interval_text(*ends)] if floats else []),
            *_moments(summary, ("mean", "std")),
            _count(summary.zeros if summary else None),
            *extra.cells(entry),
        )
    return table


def _heads(entries: Sequence[MeasuredTensor], view: View) -> tuple[str, tuple[str, ...]]:
    types = {entry.tensor.dtype for entry in entries}
    codes = f"{types.pop()} range" if len(types) == 1 else "Raw range"
    return codes, ("FP32 range",) if view == "dequantized" else ()


def _affine(facts: QuantizationFacts | None) -> tuple[str, str, str]:
    if facts is None:
        return "–", "–", "–"
    point = None if math.isnan(facts.zero_point_mean) else facts.zero_point_mean
    return (
        measure_text(facts.scale_mean, SCALE_DECIMALS),
        f"{point:.0f}" if point is not None and point.is_integer() else measure_text(point),
        interval_text(facts.raw_min, facts.raw_max),
    )


def _moments(summary: Summary | None, names: tuple[str, ...]) -> list[str]:
    return [measure_text(getattr(summary, name) if summary else None) for name in names]


def _count(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"


class _ExtraColumns:
    """Columns that appear only where they say something, and then loudly."""

    def __init__(self, entries: Sequence[MeasuredTensor], table: Table) -> None:
        summaries = [entry.summary for entry in entries if entry.summary is not None]
        self._nan = any(summary.nan for summary in summaries)
        self._infinity = any(_infinities(summary) for summary in summaries)
        self._error = any(entry.error for entry in entries)
        for name, shown in (("NaN", self._nan), ("Inf", self._infinity)):
            if shown:
                table.add_column(name, justify="right", no_wrap=True, style=LOUD)
        if self._error:
            table.add_column("Error", style=LOUD)

    def cells(self, entry: MeasuredTensor) -> list[str]:
        summary = entry.summary
        cells = [_count(summary.nan if summary else None)] if self._nan else []
        cells += [_count(_infinities(summary) if summary else None)] if self._infinity else []
        return cells + ([entry.error or ""] if self._error else [])


def _infinities(summary: Summary) -> int:
    return summary.positive_infinity + summary.negative_infinity
