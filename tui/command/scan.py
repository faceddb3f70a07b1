"""Diagnose the weights of model files, worst first: the ``scan`` command."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import click

from tensorpeek.analysis.diagnosis import (
    Request,
    Thresholds,
    cost,
    parse_thresholds,
    process_pool,
    scan,
)
from tensorpeek.loaders import LoadError, Model, Tensor
from tensorpeek.tui.command.atomic_write import atomic_write
from tensorpeek.tui.command.console import answer_console, complain, speaks_unicode
from tensorpeek.tui.command.document import Json
from tensorpeek.tui.command.exit_codes import ExitCode
from tensorpeek.tui.command.model_files import OpenedFiles, open_files
from tensorpeek.tui.command.scan_csv import write_csv
from tensorpeek.tui.command.scan_document import ScanReport, write_document
from tensorpeek.tui.command.scan_html import write_page
from tensorpeek.tui.command.scan_journal import Journal, file_key, request_json
from tensorpeek.tui.command.scan_progress import ScanBar
from tensorpeek.tui.command.scan_ranking import ranked
from tensorpeek.tui.command.scan_record import record_of
from tensorpeek.tui.command.selection import Selection

Writer = Callable[[ScanReport, TextIO], None]

WRITERS: dict[str, Writer] = {".json": write_document, ".csv": write_csv, ".html": write_page}
"""How a report is written, by the suffix of its file."""


@dataclass(frozen=True, kw_only=True)
class ScanOptions:
    """What a command line asked for besides tensors."""

    request: Request
    jobs: int = 1
    output: Path | None = None
    resume: Path | None = None
    everything: bool = False
    as_json: bool = False
    ascii_only: bool = False


@dataclass(eq=False)
class _Work:
    """The tensors to scan, each with the key of its file, and the records there are."""

    tensors: list[tuple[Model, str, Tensor]] = field(default_factory=list)
    records: dict[int, Json] = field(default_factory=dict)

    @property
    def places(self) -> list[int]:
        """Places of the tensors that have no record."""
        return [place for place in range(len(self.tensors)) if place not in self.records]


def scan_command(words: Sequence[str], patterns: Sequence[str], how: Mapping[str, Any]) -> ExitCode:
    """Run the command with its options as they were parsed. Raises UsageError."""
    request = Request(
        metrics=how["metrics"],
        view=how["view"],
        bits=how["bits"],
        thresholds=_thresholds(how["config"]),
        huge=how["huge"],
    )
    names = ("jobs", "output", "resume", "everything", "as_json", "ascii_only")
    options = ScanOptions(request=request, **{name: how[name] for name in names})
    return scan_files(words, patterns, options)


def scan_files(words: Sequence[str], patterns: Sequence[str], options: ScanOptions) -> ExitCode:
    """Scan the tensors that ``words`` and ``patterns`` select; print and write what is found.

    Raises UsageError before anything is read when the output makes no sense.
    """
    writer = _writer(options.output)
    selection = Selection.of(words, patterns)
    journal = _journal(options)
    opened = open_files(selection.paths)
    work = _collect(opened, selection, options, journal)
    interrupted = False
    try:
        _scan(work, options, journal)
    except KeyboardInterrupt:
        interrupted = True
    finally:
        if journal is not None:
            journal.close()
    report = _report(opened, work, options.request, interrupted=interrupted)
    if writer is not None and options.output is not None:
        with atomic_write(options.output) as stream:
            writer(report, stream)
    _print(report, options)
    _note_errors(opened, work)
    if interrupted:
        return ExitCode.INTERRUPTED
    return opened.exit_code(selection, len(work.tensors))


def _thresholds(path: Path | None) -> Thresholds:
    """Return the thresholds of a configuration file. Raises UsageError."""
    if path is None:
        return Thresholds()
    try:
        return parse_thresholds(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise click.UsageError(f"{path}: {reason}") from error


def _writer(output: Path | None) -> Writer | None:
    if output is None:
        return None
    writer = WRITERS.get(output.suffix.lower())
    if writer is None:
        raise click.UsageError(f"a report is one of {', '.join(WRITERS)}, not '{output.name}'")
    if not output.resolve().parent.is_dir():
        raise click.UsageError(f"no folder '{output.parent}' for the report")
    return writer


def _journal(options: ScanOptions) -> Journal | None:
    if options.resume is None:
        return None
    journal = Journal(options.resume, options.request)
    try:
        journal.begin()
    except LoadError as error:
        raise click.UsageError(f"{options.resume}: {error.reason}") from error
    return journal


def _collect(
    opened: OpenedFiles, selection: Selection, options: ScanOptions, journal: Journal | None
) -> _Work:
    work = _Work()
    for model in opened.models:
        key = file_key(model) if journal is not None else ""
        for tensor in selection.tensors(model, everything=options.everything):
            known = journal.find(key, tensor.name) if journal is not None else None
            if known is not None:
                work.records[len(work.tensors)] = known
            work.tensors.append((model, key, tensor))
    return work


def _scan(work: _Work, options: ScanOptions, journal: Journal | None) -> None:
    places = work.places
    tensors = [work.tensors[place][2] for place in places]
    costs = [cost(tensor, options.request) for tensor in tensors]
    bar = ScanBar(len(tensors), sum(costs))
    bar.show()
    try:
        with _pool(min(options.jobs, len(tensors))) as pool:
            for index, diagnosis in scan(tensors, options.request, pool):
                _, key, tensor = work.tensors[places[index]]
                record = record_of(tensor, options.request, diagnosis)
                work.records[places[index]] = record
                if journal is not None and record["error"] is None:
                    journal.add(key, record)
                bar.advance(costs[index], tensor.name)
    except BrokenProcessPool:
        complain("scan", "a worker process ended abruptly (out of memory?); the rest is missing")
        for place in work.places:
            _, _, tensor = work.tensors[place]
            work.records[place] = _lost(tensor, options.request)
    finally:
        bar.wipe()


def _pool(jobs: int) -> AbstractContextManager[Executor | None]:
    return process_pool(jobs) if jobs > 1 else nullcontext()


def _lost(tensor: Tensor, request: Request) -> Json:
    from tensorpeek.analysis.diagnosis import Diagnosis

    return record_of(tensor, request, Diagnosis(error="its worker process ended abruptly"))


def _report(opened: OpenedFiles, work: _Work, request: Request, *, interrupted: bool) -> ScanReport:
    models: list[Json] = []
    for model in opened.models:
        records = [
            work.records[place]
            for place, (owner, _, _) in enumerate(work.tensors)
            if owner is model and place in work.records
        ]
        models.append({"path": str(model.path), "format": model.format, "tensors": records})
    return ScanReport(request_json(request), models, opened.errors(), interrupted, len(work.places))


def _print(report: ScanReport, options: ScanOptions) -> None:
    if options.as_json:
        import sys

        write_document(report, sys.stdout)
        return
    from rich.text import Text

    from tensorpeek.loaders.clean import clean
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


def _note_errors(opened: OpenedFiles, work: _Work) -> None:
    for place, (model, _, tensor) in enumerate(work.tensors):
        error = work.records[place]["error"] if place in work.records else None
        if error:
            opened.unreadable_tensors += 1
            complain(model.path, f"{tensor.name}: {error}")
