"""Diagnose the weights of model files, worst first: the ``scan`` command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from tensorpeek.analysis.devices import CPU, DeviceError
from tensorpeek.analysis.diagnosis import Request
from tensorpeek.analysis.diagnosis.kept_diagnosis import request_json
from tensorpeek.analysis.diagnosis.scan import ClusterError
from tensorpeek.loaders import LoadError
from tensorpeek.loaders.clean import clean
from tensorpeek.loaders.registry import parts_of
from tensorpeek.tui.command.cache import open_cache
from tensorpeek.tui.command.console import answer_console, complain, speaks_unicode
from tensorpeek.tui.command.document import Json
from tensorpeek.tui.command.exit_codes import ExitCode
from tensorpeek.tui.command.model_files import OpenedFiles, open_files
from tensorpeek.tui.command.scan_document import ScanReport, write_document
from tensorpeek.tui.command.scan_journal import Journal
from tensorpeek.tui.command.scan_ranking import ranked
from tensorpeek.tui.command.scan_report import Writer, report_writer
from tensorpeek.tui.command.scan_work import ScanWork, Workers
from tensorpeek.tui.command.selection import Selection
from tensorpeek.tui.command.user_thresholds import user_thresholds
from tensorpeek.tui.settings.settings_file import SettingsError


@dataclass(frozen=True, kw_only=True)
class ScanOptions:
    """What a command line asked for besides tensors."""

    request: Request
    workers: Workers = field(default_factory=Workers)
    output: Path | None = None
    resume: Path | None = None
    no_cache: bool = False
    everything: bool = False
    as_json: bool = False
    ascii_only: bool = False


def scan_command(words: Sequence[str], patterns: Sequence[str], how: Mapping[str, Any]) -> ExitCode:
    """Run the command with its options as they were parsed. Raises UsageError."""
    try:
        thresholds = user_thresholds(how["config"])
    except SettingsError as error:
        complain("scan", clean(str(error)))
        return ExitCode.USAGE
    request = Request(
        metrics=how["metrics"],
        view=how["view"],
        bits=how["bits"],
        thresholds=thresholds,
        huge=how["huge"],
        conv_axis=how["conv_axis"],
        device=how["device"],
    )
    if how["dask"] is not None and how["jobs"] > 1:
        raise click.UsageError("--jobs is for this machine, --dask for a cluster: give one of them")
    if how["device"] != CPU and (how["dask"] is not None or how["jobs"] > 1):
        raise click.UsageError(
            "--device works in one process: it goes with neither --jobs nor --dask"
        )
    names = ("output", "resume", "no_cache", "everything", "as_json", "ascii_only")
    workers = Workers(how["jobs"], how["dask"])
    options = ScanOptions(request=request, workers=workers, **{name: how[name] for name in names})
    return scan_files(words, patterns, options)


def scan_files(words: Sequence[str], patterns: Sequence[str], options: ScanOptions) -> ExitCode:
    """Scan the tensors that ``words`` and ``patterns`` select; print and write what is found.

    Raises UsageError before anything is measured when the output makes no sense.
    """
    writer = report_writer(options.output)
    selection = Selection.of(words, patterns)
    opened = open_files(selection.paths)
    _protect(opened, options)
    journal = _journal(options)
    with open_cache(is_off=options.no_cache) as cache:
        work = ScanWork(options.request, cache, journal)
        try:
            interrupted = _scan(work, opened, selection, options)
        except ClusterError as error:
            complain("--dask", str(error))
            return ExitCode.UNREADABLE
        except DeviceError as error:
            complain(f"--device {options.request.device}", str(error))
            return ExitCode.USAGE
        finally:
            if journal is not None:
                journal.close()
    report = _report(opened, work, options.request, interrupted=interrupted)
    written = _write(report, writer, options.output)
    _print(report, options)
    _note_errors(opened, work)
    if interrupted:
        return ExitCode.INTERRUPTED
    if not written:
        return ExitCode.UNREADABLE
    return opened.exit_code(selection, len(work.entries))


def _protect(opened: OpenedFiles, options: ScanOptions) -> None:
    """Refuse to write over what is read, such as the index of a set of files. Raises UsageError."""
    if options.output is None:
        return
    place = options.output.resolve()
    if options.resume is not None and options.resume.resolve() == place:
        raise click.UsageError("the report and the journal would be one file")
    for model in opened.models:
        if place in {part.resolve() for part in (model.path, *parts_of(model.path))}:
            raise click.UsageError(f"'{options.output}' is a file of the model, not a report")


def _scan(work: ScanWork, opened: OpenedFiles, selection: Selection, options: ScanOptions) -> bool:
    """Fill in the records; return whether Ctrl+C ended it."""
    try:
        work.collect(opened.models, selection, everything=options.everything)
        work.finish(options.workers)
    except KeyboardInterrupt:
        return True
    return False


def _journal(options: ScanOptions) -> Journal | None:
    if options.resume is None:
        return None
    journal = Journal(options.resume, options.request)
    try:
        journal.begin()
    except LoadError as error:
        raise click.UsageError(f"{options.resume}: {error.reason}") from error
    return journal


def _report(
    opened: OpenedFiles, work: ScanWork, request: Request, *, interrupted: bool
) -> ScanReport:
    models: list[Json] = []
    for model in opened.models:
        records = [e.record for e in work.entries if e.model is model and e.record is not None]
        models.append({"path": str(model.path), "format": model.format, "tensors": records})
    missing = len(work.missing)
    return ScanReport(request_json(request), models, opened.errors(), interrupted, missing)


def _write(report: ScanReport, writer: Writer | None, output: Path | None) -> bool:
    """Write the report; say why where that fails: what was measured is printed all the same."""
    if writer is None or output is None:
        return True
    try:
        writer(report, output)
    except OSError as error:
        complain(output, (error.strerror or str(error)).lower())
        return False
    return True


def _print(report: ScanReport, options: ScanOptions) -> None:
    if options.as_json:
        import sys

        write_document(report, sys.stdout)
        return
    from rich.text import Text

    from tensorpeek.tui.command.scan_text import print_records

    console = answer_console()
    for index, model in enumerate(report.models):
        if index:
            console.print()
        title = Text(clean(model["path"]), "bold").append(f"  {model['format']}", "not bold")
        console.print(title, soft_wrap=True)
        if model["tensors"]:
            ascii_only = options.ascii_only or not speaks_unicode()
            print_records(console, ranked(model["tensors"]), ascii_only=ascii_only)
    if report.interrupted:
        complain("scan", f"interrupted: {report.missing:,} tensors are missing")


def _note_errors(opened: OpenedFiles, work: ScanWork) -> None:
    for entry in work.entries:
        error = entry.record["error"] if entry.record is not None else None
        if error:
            opened.unreadable_tensors += 1
            complain(entry.model.path, f"{entry.tensor.name}: {error}")
