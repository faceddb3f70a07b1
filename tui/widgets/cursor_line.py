"""The line under the histogram: the bin under the cursor, or what is going on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text
from textual.widgets import Static

from tensorpeek.tui.number_text import number, percent

if TYPE_CHECKING:
    from tensorpeek.analysis import Histogram


class CursorLine(Static):
    """Describes one bin in words and exact counts."""

    def show_bin(self, histogram: Histogram, index: int) -> None:
        """Describe bin ``index`` (from 0) of ``histogram``."""
        self.update(bin_text(histogram, index, self.app.theme_variables["accent"]), layout=False)

    def show_progress(self, share: float) -> None:
        """Show how far measuring has come, from 0 to 1."""
        self.update(Text(f"measuring … {share:.0%}"), layout=False)

    def show_words(self, words: str) -> None:
        """Show a text."""
        self.update(Text(words, no_wrap=True, overflow="ellipsis"), layout=False)


def bin_text(histogram: Histogram, index: int, color: str) -> Text:
    """Return ``bin 28/50  [-0.19, -0.17)  n=7  0.011 %  cum 0.03 %  in range`` in one color."""
    edges, count = histogram.edges, int(histogram.counts[index])
    last = index == histogram.counts.size - 1
    parts = [
        f"bin {index + 1}/{histogram.counts.size}",
        interval_text(
            float(edges.values[index]), float(edges.values[index + 1]), edges.levels, last=last
        ),
        f"n={count:,}",
        percent(float(histogram.percent[index])),
        f"cum {percent(float(histogram.cumulative_percent[index]))}",
    ]
    if histogram.selected is not None:
        parts.append(_membership(count, int(histogram.selected[index])))
    if not histogram.exact:
        parts.append("(estimate, counting …)")
    return Text("  ".join(part for part in parts if part), color, no_wrap=True)


def interval_text(low: float, high: float, levels: int | None, *, last: bool) -> str:
    """Return a bin as ``[-0.19, -0.17)``, the ``last`` one closed; integers as themselves."""
    if levels is not None and (low % 1, high % 1) == (0.5, 0.5):  # integers: k - 1/2 to m + 1/2
        first, final = int(low + 0.5), int(high - 0.5)
        return f"{first}" if first == final else f"{first} … {final}"
    return f"[{number(low, 5)}, {number(high, 5)}{']' if last else ')'}"


def _membership(count: int, selected: int) -> str:
    if not count:
        return ""
    if selected == count:
        return "in range"
    return f"{selected:,} in range" if selected else "outside"
