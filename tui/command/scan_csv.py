"""A scan as a table of one row a tensor, for spreadsheets."""

from __future__ import annotations

import csv
from typing import Any, TextIO

from tensorpeek.tui.command.document import Json, finite
from tensorpeek.tui.command.scan_document import ScanReport
from tensorpeek.tui.command.scan_ranking import at, sqnr_db

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How text begins that a spreadsheet would run: such names get an apostrophe in front."""

TEXTS = ("name", "layer", "role", "dtype", "view", "severity")

MEASURES = {
    "params": ("params",),
    **{
        name: ("basic", name)
        for name in ("min", "max", "mean", "std", "zeros", "nan", "inf", "skewness")
    },
    "excess_kurtosis": ("basic", "excess_kurtosis"),
    "zeros_percent": ("basic", "zeros_percent"),
    "extreme_outliers_percent": ("basic", "outliers", "extreme_percent"),
    "crest_factor": ("basic", "outliers", "crest_factor"),
    "dead_rows": ("sparsity", "structure", "dead_rows"),
    "dead_columns": ("sparsity", "structure", "dead_columns"),
    "near_duplicate_channels": ("sparsity", "near_duplicate_channels"),
    "entropy_bits": ("quantization", "use", "entropy_bits"),
    **{
        name: ("spectral", name)
        for name in ("largest", "smallest", "condition", "stable_rank", "effective_rank")
    },
    "entropy_rank": ("spectral", "entropy_rank"),
    "nuclear_norm": ("spectral", "nuclear_norm"),
    "alpha": ("spectral", "power_law", "alpha"),
    "alpha_distance": ("spectral", "power_law", "distance"),
}
"""Columns, and where a record has them."""


def write_csv(report: ScanReport, stream: TextIO) -> None:
    """Write one row for each tensor, after a row of heads (RFC 4180); absent measures are empty."""
    writer = csv.writer(stream)
    writer.writerow(["path", *TEXTS, "shape", *MEASURES, "sqnr_db", "reasons", "advice", "error"])
    for model in report.models:
        for record in model["tensors"]:
            writer.writerow(
                [
                    _text(model["path"]),
                    *(_text(record[name]) for name in TEXTS),
                    _text("x".join(map(str, record["shape"]))),
                    *(_cell(at(record, *path)) for path in MEASURES.values()),
                    _cell(sqnr_db(record)),
                    _text("; ".join(record["reasons"])),
                    _text("; ".join(record["advice"])),
                    _text(record["error"]),
                ]
            )


def _text(value: str | None) -> str:
    text = value or ""
    return f"'{text}" if text.startswith(FORMULA) else text


def _cell(value: Any) -> Json | str:  # noqa: ANN401 (any JSON number)
    cell: Json | str = "" if value is None else finite(value)
    return cell
