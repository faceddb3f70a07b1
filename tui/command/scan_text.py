"""A scan for people: a ranked table, then what is wrong and what one can do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from tensorpeek.loaders.clean import clean
from tensorpeek.tui.command.document import Json
from tensorpeek.tui.command.numbers import shape_text
from tensorpeek.tui.command.scan_ranking import at, number, sparkline, sqnr_by_bits, tried_bits
from tensorpeek.tui.command.tables import plain_table, print_table
from tensorpeek.tui.number_text import number as number_text

if TYPE_CHECKING:
    from rich.console import Console

STYLES = {"Excellent": "green", "Good": "", "Warning": "yellow", "Critical": "bold red"}

MOST_EXPLAINED = 30
"""Tensors whose findings are told in words; the report has all."""


def print_records(console: Console, records: Sequence[Json], *, ascii_only: bool) -> None:
    """Print records in their order."""
    print_table(console, _table(records, ascii_only=ascii_only))
    told = [record for record in records if record["error"] or record["reasons"]]
    if told:
        console.print()
    for record in told[:MOST_EXPLAINED]:
        _explain(console, record)
    if len(told) > MOST_EXPLAINED:
        console.print(Text(f"... and {len(told) - MOST_EXPLAINED:,} more; see -o report.html"))


def _table(records: Sequence[Json], *, ascii_only: bool) -> Table:
    widths, has_spectra = tried_bits(records), any(record["spectral"] for record in records)
    numbers = ["Zeros %", "Outliers %", *(f"int{bits} dB" for bits in widths)]
    numbers += ["Condition", "Stable rank"] if has_spectra else []
    table = plain_table(texts=("Tensor", "Health", "Histogram", "Type", "Shape"), numbers=numbers)
    for record in records:
        severity = "Unreadable" if record["error"] else record["severity"] or "–"
        cells = [
            record["name"],
            Text(severity, STYLES.get(severity, "bold red" if record["error"] else "")),
            sparkline(record["histogram"], ascii_only=ascii_only),
            record["dtype"],
            shape_text(tuple(record["shape"])),
            _short(at(record, "basic", "zeros_percent")),
            _short(at(record, "basic", "outliers", "extreme_percent")),
        ]
        ratios = sqnr_by_bits(record)
        cells += [_short(ratios.get(bits)) for bits in widths]
        if has_spectra:
            cells.append(_short(at(record, "spectral", "condition")))
            cells.append(_short(at(record, "spectral", "stable_rank")))
        table.add_row(*cells)
    return table


def _short(value: object) -> str:
    return number_text(number(value), 3)


def _explain(console: Console, record: Json) -> None:
    reasons = [record["error"]] if record["error"] else record["reasons"]
    line = Text(clean(record["name"]), "bold").append(f": {'; '.join(reasons)}", "not bold")
    console.print(line, soft_wrap=True)
    if record["advice"]:
        console.print(Text(f"    {'; '.join(record['advice'])}", "dim"), soft_wrap=True)
