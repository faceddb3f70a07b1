"""Where a scan is written to: the suffix of the file says in which form."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

import click

from tensorpeek.tui.command.atomic_write import atomic_write, atomic_write_bytes
from tensorpeek.tui.command.scan_csv import write_csv
from tensorpeek.tui.command.scan_document import ScanReport, write_document
from tensorpeek.tui.command.scan_html import write_page

WRITERS: dict[str, Callable[[ScanReport, TextIO], None]] = {
    ".json": write_document,
    ".csv": write_csv,
    ".html": write_page,
}
"""How a report of text is written, by the suffix of its file."""

PARQUET = ".parquet"

Writer = Callable[[ScanReport, Path], None]


def report_writer(output: Path | None) -> Writer | None:
    """Return what writes a report to ``output``, None for no report.

    Raises UsageError for another suffix, a folder that does not exist, a package that is missing.
    """
    if output is None:
        return None
    suffix = output.suffix.lower()
    if suffix not in {*WRITERS, PARQUET}:
        known = ", ".join([*WRITERS, PARQUET])
        raise click.UsageError(f"a report is one of {known}, not '{output.name}'")
    if not output.resolve().parent.is_dir():
        raise click.UsageError(f"no folder '{output.parent}' for the report")
    if suffix != PARQUET:
        return _write_text
    try:
        importlib.import_module("tensorpeek.tui.command.scan_parquet")
    except ImportError as error:
        reason = "a .parquet report needs the package pyarrow"
        raise click.UsageError(f"{reason} (pip install 'tensorpeek[parquet]')") from error
    return _write_parquet


def _write_text(report: ScanReport, output: Path) -> None:
    with atomic_write(output) as stream:
        WRITERS[output.suffix.lower()](report, stream)


def _write_parquet(report: ScanReport, output: Path) -> None:
    from tensorpeek.tui.command.scan_parquet import write_parquet

    with atomic_write_bytes(output) as stream:
        write_parquet(report, stream)
