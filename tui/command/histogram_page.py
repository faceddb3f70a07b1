"""One drawn histogram with its lines of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from tensorpeek.loaders import Model, Tensor
from tensorpeek.loaders.clean import clean
from tensorpeek.tui.bar_columns import LEFT
from tensorpeek.tui.command.console import plot_width, speaks_unicode
from tensorpeek.tui.command.numbers import measure_text, shape_text
from tensorpeek.tui.histogram.drawing import HistogramDrawing, draw_histogram
from tensorpeek.tui.number_text import number

if TYPE_CHECKING:
    from rich.console import Console

    from tensorpeek.analysis import Histogram, RangeCount, Summary
    from tensorpeek.tui.command.counted import HistogramRequest, TensorHistogram

HEIGHT = 16
"""Lines of a drawing, with its axis."""


def print_page(
    console: Console, model: Model, entry: TensorHistogram, request: HistogramRequest
) -> None:
    """Print a title, the drawing, and what can be said about bins, range and values."""
    title = Text(_title(entry.tensor, request.view), "bold")
    title.append(f"  {clean(str(model.path))}", "not bold dim")
    console.print(title, soft_wrap=True)
    if entry.histogram is None or entry.summary is None:
        console.print(Text(f"{entry.error}\n", "bold red"), soft_wrap=True)
        return
    drawing = draw_histogram(
        entry.histogram,
        width=plot_width(entry.histogram.counts.size, LEFT),
        height=HEIGHT,
        ascii_only=request.ascii_only or not speaks_unicode(),
        color=console.is_terminal and console.color_system is not None and not console.no_color,
        log=request.log,
    )
    for line in drawing.lines if drawing else ():
        shown = line.copy()
        shown.rstrip()
        console.print(shown, soft_wrap=True)
    console.print(Text(_bins_line(entry.histogram, drawing)), soft_wrap=True)
    if entry.in_range is not None:
        console.print(Text(_range_line(entry.in_range)), soft_wrap=True)
    console.print(_values_line(entry.summary), soft_wrap=True)
    console.print()


def _title(tensor: Tensor, view: str) -> str:
    shown = f"  {tensor.dtype}" + (f" {view}" if tensor.quantization else "")
    return f"{tensor.name}  {shape_text(tensor.shape)}  {tensor.params:,} params{shown}"


def _bins_line(histogram: Histogram, drawing: HistogramDrawing | None) -> str:
    bins = histogram.counts.size
    line = f"{bins} bin{'' if bins == 1 else 's'}"
    levels = histogram.edges.levels
    if levels is not None:
        line += f", {levels:,} level{'' if levels == 1 else 's'} each"
    if drawing is not None and drawing.bins_per_bar > 1:
        line += f", {drawing.bins_per_bar} in a bar"
    line += ", percent of parameters"
    outside = [f"{count:,} {side}" for count, side in _outside(histogram) if count]
    return line + (f", not drawn: {', '.join(outside)}" if outside else "")


def _outside(histogram: Histogram) -> tuple[tuple[int, str], ...]:
    return (histogram.below, "below"), (histogram.above, "above")


def _range_line(in_range: RangeCount) -> str:
    low, high = number(in_range.low), number(in_range.high)
    share = f"{in_range.count:,} / {in_range.total:,}, {in_range.percent:.2f} %"
    return f"in range [{low}, {high}]: {share}"


def _values_line(summary: Summary) -> Text:
    measures = {
        "min": summary.minimum,
        "max": summary.maximum,
        "mean": summary.mean,
        "std": summary.std,
    }
    values = [f"{name} {measure_text(value)}" for name, value in measures.items()]
    line = Text("  ".join([*values, f"zeros {summary.zeros:,}"]))
    infinite = summary.positive_infinity + summary.negative_infinity
    for count, name in ((summary.nan, "NaN"), (infinite, "Inf")):
        if count:
            line.append(f"  {name} {count:,}", "bold red")
    return line
