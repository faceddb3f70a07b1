"""The statistics of one tensor as rows of text, and those rows as a Rich renderable."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.style import Style
from rich.table import Table
from rich.text import Text

from tensorpeek.tui.label_value_lines import LabelValueLines
from tensorpeek.tui.number_text import number, percent, size

if TYPE_CHECKING:
    from tensorpeek.analysis import QuantizationFacts, RangeCount, Summary
    from tensorpeek.loaders import Tensor


@dataclass(frozen=True)
class Row:
    """One line of statistics; ``loud`` ones are shown in the color of errors.

    The value of one with ``is_prose`` is a sentence: it has lines of its own, below the label.
    """

    label: str
    value: str
    loud: bool = False
    is_prose: bool = False


Section = tuple[Row, ...]


def statistics_sections(
    tensor: Tensor,
    summary: Summary | None,
    facts: QuantizationFacts | None,
    in_range: RangeCount | None,
    earlier: Summary | None = None,
) -> list[Section]:
    """Return the statistics in groups: values, changes, range, tensor, quantization.

    What is not measured yet (None) is left out. ``earlier`` are the values before the file was
    rewritten.
    """
    sections = []
    if summary is not None:
        sections.append(_values(summary))
    if summary is not None and earlier is not None:
        sections.append(_changes(earlier, summary))
    if in_range is not None:
        sections.append(_range(in_range))
    sections.append(_facts(tensor, summary))
    if facts is not None:
        sections.append(_quantization(facts))
    return sections


def statistics_table(sections: list[Section], colors: dict[str, str]) -> RenderableType:
    """Return the groups, rows in two columns; ``colors`` are the theme's variables."""
    blank = Row("", "")
    lines = [row for section in sections for row in (blank, *section)][1:]
    parts: list[RenderableType] = []
    for is_prose, group in groupby(lines, key=lambda row: row.is_prose):
        rows = list(group)
        parts += _prose(rows, colors) if is_prose else [_columns(rows, colors)]
    return parts[0] if len(parts) == 1 else Group(*parts)


def _columns(rows: Iterable[Row], colors: dict[str, str]) -> LabelValueLines:
    styled = ((row.label, row.value, Style.parse(_style(row, colors))) for row in rows)
    return LabelValueLines(tuple(styled), Style.parse(colors["plot-axis"]))


def _prose(rows: Iterable[Row], colors: dict[str, str]) -> Iterator[RenderableType]:
    """Yield sentences below their label, which those of one label have once."""
    for label, told in groupby(rows, key=lambda row: row.label):
        yield Text(label, colors["plot-axis"])
        sentences = Table.grid(padding=(0, 1, 0, 0))
        sentences.add_column(style=colors["plot-axis"])
        sentences.add_column(overflow="fold")
        for row in told:
            sentences.add_row("-", Text(row.value, _style(row, colors)))
        yield sentences


def _style(row: Row, colors: dict[str, str]) -> str:
    return f"bold {colors['error']}" if row.loud else ""


def statistics_text(title: str, sections: list[Section]) -> str:
    """Return the statistics as lines of ``label<TAB>value``, for the clipboard."""
    rows = [f"{row.label}\t{row.value}" for section in sections for row in section]
    return "\n".join([title, *rows]) + "\n"


def _values(summary: Summary) -> Section:
    rows = [
        Row("min", number(summary.minimum)),
        Row("max", number(summary.maximum)),
        Row("mean", number(summary.mean)),
        Row("std", number(summary.std)),
    ]
    if summary.quantiles is not None:
        low, middle, high = (summary.quantiles[share] for share in (0.01, 0.5, 0.99))
        rows.append(Row("median", number(middle)))
        rows.append(Row("1 % … 99 %", f"{number(low, 4)} … {number(high, 4)}"))
    rows.append(Row("mean |x|", number(summary.absolute_mean)))
    rows.append(Row("L2 norm", number(summary.l2_norm)))
    return tuple(rows)


def _changes(earlier: Summary, summary: Summary) -> Section:
    """Return what the values were before, and the difference, where there is one."""
    pairs = [
        ("min was", earlier.minimum, summary.minimum),
        ("max was", earlier.maximum, summary.maximum),
        ("mean was", earlier.mean, summary.mean),
        ("std was", earlier.std, summary.std),
        ("L2 was", earlier.l2_norm, summary.l2_norm),
    ]
    rows = [
        Row(label, f"{number(was)} ({now - was:+.2g})")
        for label, was, now in pairs
        if was is not None and now is not None and was != now
    ]
    return tuple(rows) or (Row("since then", "unchanged"),)


def _facts(tensor: Tensor, summary: Summary | None) -> Section:
    shape = " × ".join(f"{length:,}" for length in tensor.shape) or "scalar"
    rows = [
        Row("shape", shape),
        Row("params", f"{tensor.params:,}"),
        Row("dtype", f"{tensor.dtype}, {size(tensor.nbytes)}"),
    ]
    if summary is not None:
        share = f" ({percent(100 * summary.zeros / summary.count)})" if summary.zeros else ""
        rows.append(Row("zeros", f"{summary.zeros:,}{share}"))
        rows += _not_finite(summary)
    return tuple(rows)


def _not_finite(summary: Summary) -> Section:
    above, below = summary.positive_infinity, summary.negative_infinity
    if not summary.nan + above + below:
        return (Row("NaN, inf", "0, 0"),)
    return (
        Row("NaN", f"{summary.nan:,}", loud=summary.nan > 0),
        Row("+inf, -inf", f"{above:,}, {below:,}", loud=above + below > 0),
    )


def _quantization(facts: QuantizationFacts) -> Section:
    scheme = facts.scheme
    if facts.axis is not None:
        scheme += f", axis {facts.axis}"
    if facts.block is not None:
        scheme += f", block {facts.block}"
    rows = [
        Row("scheme", scheme),
        Row("source", facts.source),
        Row("bits", str(facts.bits)),
        Row("scale" if facts.groups == 1 else "mean scale", number(facts.scale_mean)),
    ]
    if facts.groups > 1:
        spread = f"{number(facts.scale_min, 3)} … {number(facts.scale_max, 3)}"
        rows.append(Row(f"{facts.groups:,} scales", spread))
    if not math.isnan(facts.zero_point_mean):
        rows.append(Row("zero point", number(facts.zero_point_mean)))
    if facts.zero_point_min != facts.zero_point_max:
        rows.append(Row("zero points", f"{facts.zero_point_min} … {facts.zero_point_max}"))
    rows.append(Row("int range", f"[{facts.raw_min}, {facts.raw_max}]"))
    rows.append(Row("saturated", _saturation(facts)))
    return tuple(rows)


def _saturation(facts: QuantizationFacts) -> str:
    return f"{facts.at_low:,} at {facts.code_low}, {facts.at_high:,} at {facts.code_high}"


def _range(in_range: RangeCount) -> Section:
    return (
        Row("range", f"[{number(in_range.low, 4)}, {number(in_range.high, 4)}]"),
        Row("in range", f"{in_range.count:,} / {in_range.total:,}"),
        Row("share", percent(in_range.percent)),
    )
