"""A scan as one HTML page that needs nothing else: no script, no network, everything escaped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TextIO

from tensorpeek.loaders.clean import clean
from tensorpeek.tui.command.document import Json
from tensorpeek.tui.command.scan_document import ScanReport
from tensorpeek.tui.command.scan_ranking import at, number, ranked, sqnr_by_bits, tried_bits
from tensorpeek.tui.number_text import number as number_text

HEAD = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>tensorpeek scan</title>
<style>
:root { color-scheme: light dark; }
body { font: 14px/1.4 system-ui, sans-serif; margin: 2em; }
h2 { overflow-wrap: anywhere; }
table { border-collapse: collapse; }
th, td { padding: .25em .7em; text-align: left; border-bottom: 1px solid #8884; }
th { position: sticky; top: 0; background: Canvas; }
td.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.name { font-family: ui-monospace, monospace; overflow-wrap: anywhere; min-width: 14em; }
.Critical, .Unreadable { color: #d33; font-weight: bold; }
.Warning { color: #b70; font-weight: bold; }
.Excellent { color: #2a2; }
.advice { opacity: .75; }
svg { fill: currentColor; vertical-align: middle; }
</style></head><body>
<h1>tensorpeek scan</h1>
"""

COLUMNS = (
    "Tensor", "Health", "Histogram", "Type", "Shape", "Min", "Max", "Std", "Zeros %", "Outliers %",
)  # fmt: skip
"""What comes before the SQNR of each grid."""

LAST_COLUMNS = ("Condition", "Stable rank", "Alpha", "Findings")

MEASURES = (
    ("basic", "min"),
    ("basic", "max"),
    ("basic", "std"),
    ("basic", "zeros_percent"),
    ("basic", "outliers", "extreme_percent"),
)

SPECTRAL = (
    ("spectral", "condition"),
    ("spectral", "stable_rank"),
    ("spectral", "power_law", "alpha"),
)

LONGEST = 4096
"""Characters of a text; longer ones are cut."""

BAR_WIDTH, HEIGHT = 5, 24
"""Pixels of a bar of a histogram."""


def write_page(report: ScanReport, stream: TextIO) -> None:
    """Write a report as a page: a table for each model, worst first."""
    stream.write(HEAD)
    asked = ", ".join(report.request["metrics"])
    stream.write(f"<p>Measured: {_safe(asked)}; view: {_safe(report.request['view'])}.</p>\n")
    if report.interrupted:
        missing = f"{report.missing:,}"
        stream.write(f'<p class="Warning">Interrupted: {missing} tensors are missing.</p>\n')
    for problem in report.errors:
        words = f"{problem['path']}: {problem['reason']}"
        stream.write(f'<p class="Critical">{_safe(words)}</p>\n')
    for model in report.models:
        _write_model(model["path"], model["format"], model["tensors"], stream)
    stream.write("</body></html>\n")


def _write_model(path: str, form: str, records: Sequence[Json], stream: TextIO) -> None:
    stream.write(f"<h2>{_safe(path)} <small>{_safe(form)}</small></h2>\n<table><thead><tr>")
    widths = tried_bits(records)
    columns = (*COLUMNS, *(f"int{bits} dB" for bits in widths), *LAST_COLUMNS)
    stream.writelines(f"<th>{_safe(column)}</th>" for column in columns)
    stream.write("</tr></thead><tbody>\n")
    stream.writelines(f"<tr>{''.join(_cells(record, widths))}</tr>\n" for record in ranked(records))
    stream.write("</tbody></table>\n")


def _cells(record: Json, widths: Sequence[int]) -> list[str]:
    severity = "Unreadable" if record["error"] else record["severity"] or "–"
    ratios = sqnr_by_bits(record)
    numbers = [at(record, *path) for path in MEASURES]
    numbers += [ratios.get(bits) for bits in widths]
    numbers += [at(record, *path) for path in SPECTRAL]
    return [
        f'<td class="name">{_safe(record["name"])}</td>',
        f'<td class="{_safe(severity)}">{_safe(severity)}</td>',
        f"<td>{_histogram(record['histogram'])}</td>",
        f"<td>{_safe(record['dtype'])}</td>",
        f"<td>{'×'.join(str(int(side)) for side in record['shape'])}</td>",
        *(f'<td class="n">{_safe(number_text(number(value), 4))}</td>' for value in numbers),
        f"<td>{_findings(record)}</td>",
    ]


def _safe(text: str) -> str:
    """Return text that neither HTML nor a terminal takes for anything else."""
    return escape(clean(text, LONGEST))


def _findings(record: Json) -> str:
    reasons = [record["error"]] if record["error"] else record["reasons"]
    advice = "; ".join(record["advice"])
    told = f'<div class="advice">{_safe(advice)}</div>' if advice else ""
    return _safe("; ".join(reasons)) + told


def _histogram(counts: Sequence[int] | None) -> str:
    """Draw counts as bars; one that is not empty is a pixel high at least."""
    if not counts:
        return ""
    most = max(*counts, 1)
    bars = []
    for place, count in enumerate(counts):
        tall = max(1, round(HEIGHT * count / most)) if count else 0
        bars.append(
            f'<rect x="{place * BAR_WIDTH}" y="{HEIGHT - tall}" '
            f'width="{BAR_WIDTH - 1}" height="{tall}"/>'
        )
    wide = len(counts) * BAR_WIDTH
    return f'<svg width="{wide}" height="{HEIGHT}" role="img">{"".join(bars)}</svg>'
