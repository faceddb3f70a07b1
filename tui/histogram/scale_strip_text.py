"""Draw the scales of a tensor in four lines: bars, an axis with a mark, what stands there."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from rich.text import Text

from tensorpeek.tui.bar_columns import EIGHTHS, LABELS, LEFT, bar_starts
from tensorpeek.tui.number_text import number, percent

if TYPE_CHECKING:
    from tensorpeek.analysis import ChannelSaturation, ScaleStrip

SMALLEST = LEFT + 10
"""Columns below which nothing is drawn."""

ROWS = 2
"""Lines of the bars."""

GAP_FROM = 3
"""Columns of a bar from which its last one is left empty: channels are not a continuum."""

_ASCII = " __===###"
"""What stands for the eighths."""

_UNKNOWN = -1000
"""Height of a bar without a finite scale."""


def scales_title(strip: ScaleStrip) -> str:
    """Return ``scales 0.00151 … 0.00335, median 0.0023, largest: channel 17``."""
    if strip.smallest is None or strip.median is None or strip.largest is None:
        return f"none of {strip.not_finite:,} scales is finite"
    spread = f"{number(strip.smallest.value, 3)} … {number(strip.largest.value, 3)}"
    parts = [
        f"scales {spread}",
        f"median {number(strip.median.value, 3)}",
        f"largest: {strip.unit} {strip.largest.channel:,}",
    ]
    if strip.not_finite:
        parts.append(f"{strip.not_finite:,} not finite")
    return ", ".join(parts)


def bars_note(strip: ScaleStrip) -> str:
    """Return what a bar stands for where that is more than one scale, or nothing."""
    if strip.channels_per_column > 1:
        return f"bars: median of {strip.channels_per_column:,} {strip.unit}s, above it the largest"
    if strip.scales_each > 1:
        return f"bars: median of the {strip.scales_each:,} scales of a row, above it the largest"
    return ""


def draw_scales(
    strip: ScaleStrip, width: int, colors: dict[str, str], *, ascii_only: bool, plain: bool
) -> Text | None:
    """Draw the median scale of each column, up to its largest in another color.

    Bars go from 0 to the largest magnitude; a scale that is not 0 shows at least an eighth of a
    line, a column without a finite one an exclamation mark. ``colors`` are the theme's variables;
    with ``plain`` there is no color. Returns None when ``width`` (columns) leaves no room or there
    is no scale.
    """
    if width < SMALLEST or not strip.channels:
        return None
    bars = strip.starts.size - 1
    starts = bar_starts(bars, width - LEFT)
    styles = _Styles(colors, ascii_only=ascii_only, plain=plain)
    top, heights = _heights(strip)
    lines = []
    for row in reversed(range(ROWS)):
        label = _label(top) if row == ROWS - 1 else "0"
        line = Text(f"{label:>{LABELS}}┤", styles.axis)
        for (start, end), (middle, high) in zip(pairwise(starts), heights, strict=True):
            letter, style = styles.cell(middle - 8 * row, high - 8 * row, is_lowest=not row)
            gap = int(end - start >= GAP_FROM)
            line.append(letter * (end - start - gap), style).append(" " * gap)
        lines.append(line)
    place = _place(strip, starts)
    return Text("\n", no_wrap=True, overflow="crop").join(
        [*lines, _axis(starts, place, styles), _labels(strip, starts, place, styles)]
    )


def saturation_texts(saturation: ChannelSaturation | None) -> tuple[str, ...]:
    """Return what to say about the most saturated channel, the longest text first."""
    if saturation is None:
        return ()
    if not saturation.count:
        return ("no channel has saturated codes", "none saturated")
    channel, others = f"channel {saturation.channel:,}", saturation.others
    if others:
        channel += f" and {others:,} {'other' if others == 1 else 'others'}"
    short = f"{channel}, {saturation.count:,} of {saturation.codes:,}"
    share = percent(saturation.percent)
    return (
        f"most saturated: {short} codes ({share})",
        f"saturated: {short} codes ({share})",
        f"saturated: {short} ({share})",
        short,
    )


class _Styles:
    """The look of each part of the drawing."""

    def __init__(self, colors: dict[str, str], *, ascii_only: bool, plain: bool) -> None:
        self.ascii_only, self.plain = ascii_only, plain
        self.axis = "" if plain else colors["plot-axis"]
        self.mark = "bold" if plain else f"bold {colors['warning']}"
        self.error = "bold" if plain else f"bold {colors['error']}"
        self.inside = "" if plain else colors["plot-inside"]
        self.outside = "" if plain else colors["plot-outside"]

    def cell(self, middle: int, high: int, *, is_lowest: bool) -> tuple[str, str]:
        """Return letter and style of a cell that the median and the largest fill by eighths."""
        if high < 0 and is_lowest:
            return "!", self.error
        inside, outside = min(max(middle, 0), 8), min(max(high, 0), 8)
        letters = _ASCII if self.ascii_only else EIGHTHS
        if not inside and (self.plain or self.ascii_only):
            mark = ":" if self.ascii_only else "░"
            return (mark if outside >= 4 else "." if outside and is_lowest else " "), self.outside
        if not inside:
            return EIGHTHS[outside], self._solid(self.outside, is_full=outside == 8)
        if self.plain or self.ascii_only:
            return letters[inside], self.inside
        if inside < 8 and outside == 8:
            return EIGHTHS[inside], f"{self.inside} on {self.outside}"
        return EIGHTHS[inside], self._solid(self.inside, is_full=inside == 8)

    def _solid(self, color: str, *, is_full: bool) -> str:
        """Give a full block a background of its color: no font leaves gaps between those."""
        return f"{color} on {color}" if is_full else color


def _heights(strip: ScaleStrip) -> tuple[float, list[tuple[int, int]]]:
    """Return the largest magnitude, and the median and the largest of each column in eighths.

    Both are :data:`_UNKNOWN` for a column without a finite scale.
    """
    middle = np.abs(strip.middle)
    high = np.fmax(np.abs(strip.low), np.abs(strip.high))
    known = np.isfinite(high)
    top = float(high[known].max(initial=0.0))

    def eighths(values: NDArray[np.float64]) -> list[int]:
        with np.errstate(all="ignore"):
            filled = np.rint(values / (top or 1.0) * 8 * ROWS)
        filled = np.where(values > 0, np.maximum(filled, 1), 0)
        return [int(height) for height in np.where(known, filled, _UNKNOWN)]

    return top, list(zip(eighths(middle), eighths(high), strict=True))


def _place(strip: ScaleStrip, starts: tuple[int, ...]) -> int | None:
    """Return the column of the most saturated channel, None if none is known."""
    if strip.saturation is None or not strip.saturation.count:
        return None
    bar = int(np.searchsorted(strip.starts, strip.saturation.channel, side="right")) - 1
    start, end = starts[bar], starts[bar + 1]
    return start + max(end - start - int(end - start >= GAP_FROM) - 1, 0) // 2


def _axis(starts: tuple[int, ...], place: int | None, styles: _Styles) -> Text:
    line = Text(" " * LABELS + "└" + "─" * starts[-1], styles.axis)
    if place is None:
        return line
    mark = Text("^" if styles.ascii_only else "▲", styles.mark)
    return line[: LEFT + place] + mark + line[LEFT + place + 1 :]


def _labels(strip: ScaleStrip, starts: tuple[int, ...], place: int | None, styles: _Styles) -> Text:
    """Return the first and the last index, and the longest text that fits under the mark."""
    first = f"{strip.unit:>{LEFT}} 0"
    last = f"{strip.channels - 1:,}"
    end = LEFT + starts[-1] - len(last)
    room = end - 2 - (len(first) + 2)
    words = next((text for text in saturation_texts(strip.saturation) if len(text) <= room), "")
    middle = LEFT + (starts[-1] // 2 if place is None else place)
    at = min(max(middle - len(words) // 2, len(first) + 2), end - 2 - len(words))
    line = Text().append(first.ljust(at), styles.axis)
    line.append(words, styles.axis if place is None else "")
    return line.append(last.rjust(end - line.cell_len + len(last)), styles.axis)


def _label(value: float) -> str:
    """Return a number in at most six characters."""
    texts = (f"{value:.3g}", f"{value:.2g}", f"{value:.1e}", f"{value:.0e}")
    short = (text.replace("e-0", "e-").replace("e+0", "e") for text in texts)
    return next((text for text in short if len(text) <= LABELS), "")
