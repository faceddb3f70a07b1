"""Medians of repeated measurements, and the tables that show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Self


@dataclass(frozen=True)
class Spread:
    """The middle and the least of several measurements; others on the machine only add to them."""

    median: float
    least: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        """Sum up ``values``, at least one."""
        return cls(median(values), min(values))

    def ratios(self, base: Self) -> list[str]:
        """Return how often ``base`` fits in, for medians and for least values."""
        return [f"{self.median / base.median:.2f}", f"{self.least / base.least:.2f}"]

    def milliseconds(self) -> list[str]:
        """Return both values, given in seconds, as milliseconds."""
        return [f"{self.median * 1e3:.1f}", f"{self.least * 1e3:.1f}"]


def print_table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows of text: the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    print(f"\n{title}")
    for row in (header, *rows):
        first = row[0].ljust(widths[0])
        rest = (text.rjust(width) for text, width in zip(row[1:], widths[1:], strict=True))
        print("  " + "  ".join((first, *rest)).rstrip())
