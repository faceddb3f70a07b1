"""A scan as a Parquet table of one row a tensor, for data frames and query engines."""

from __future__ import annotations

from typing import Any, BinaryIO

import pyarrow as pa
from pyarrow import parquet

from tensorpeek.tui.command.document import Json
from tensorpeek.tui.command.scan_csv import MEASURES, TEXTS
from tensorpeek.tui.command.scan_document import ScanReport
from tensorpeek.tui.command.scan_ranking import at, number, sqnr_db

COUNTS = frozenset({
    "params", "zeros", "nan", "inf", "dead_rows", "dead_columns", "near_duplicate_channels",
    "effective_rank",
})  # fmt: skip
"""Measures that are whole numbers."""


def write_parquet(report: ScanReport, stream: BinaryIO) -> None:
    """Write the columns of the CSV with types of their own.

    Counts are int64, measures float64, ``shape`` a list of int64, ``reasons`` and ``advice`` lists
    of strings. What is absent is null; NaN and infinities are values.
    """
    rows = [_row(model["path"], record) for model in report.models for record in model["tensors"]]
    parquet.write_table(pa.Table.from_pylist(rows, schema=_schema()), stream)


def _schema() -> Any:  # noqa: ANN401 (pyarrow has no types)
    text, whole, real = pa.string(), pa.int64(), pa.float64()
    fields = [
        *((name, text) for name in ("path", *TEXTS)),
        ("shape", pa.list_(whole)),
        *((name, whole if name in COUNTS else real) for name in MEASURES),
        ("sqnr_db", real),
        ("reasons", pa.list_(text)),
        ("advice", pa.list_(text)),
        ("error", text),
    ]
    return pa.schema(fields)


def _row(path: str, record: Json) -> Json:
    row: Json = {"path": _text(path), "sqnr_db": sqnr_db(record)}
    row["shape"] = [_whole(length) for length in record["shape"]]
    row |= {name: _text(record[name]) for name in (*TEXTS, "error")}
    for name, place in MEASURES.items():
        value = at(record, *place)
        row[name] = _whole(value) if name in COUNTS else number(value)
    return row | {name: [_text(one) for one in record[name]] for name in ("reasons", "advice")}


def _whole(value: int | None) -> int | None:
    """Return a count that int64 can hold; a damaged header may claim more."""
    return value if value is not None and value < 1 << 63 else None


def _text(value: str | None) -> str | None:
    """Return text that UTF-8 can hold: the path of a file need not."""
    return None if value is None else value.encode("utf-8", "backslashreplace").decode()
