"""Check models for a build server: what is wrong with them, and what could not be checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tensorpeek.analysis.integrity import Finding, check_model, check_tensor, rule_of
from tensorpeek.loaders import LoadError, Model, find_models, open_model
from tensorpeek.loaders.imports import Import
from tensorpeek.tui.command.console import ProgressLine, complain, progress_line
from tensorpeek.tui.command.exit_codes import ExitCode


@dataclass
class FileCheck:
    """What was found in one file; ``problem`` says why it could not be opened, None if it was.

    ``unchecked`` are pairs of a tensor's name and the reason why it was not checked;
    ``tensors`` are the names of all tensors, ``imports`` what running the file would import.
    """

    path: str
    format: str | None = None
    problem: str | None = None
    tensors: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    unchecked: list[tuple[str, str]] = field(default_factory=list)
    imports: tuple[Import, ...] = ()

    @property
    def checked(self) -> int:
        """How many tensors were checked wholly."""
        return len(self.tensors) - len(self.unchecked)


@dataclass
class Report:
    """The checks of all files, in the order in which they were given."""

    files: list[FileCheck] = field(default_factory=list)

    @property
    def findings(self) -> list[tuple[FileCheck, Finding]]:
        """All findings, each with its file."""
        return [(file, finding) for file in self.files for finding in file.findings]

    @property
    def checked(self) -> int:
        """How many tensors were checked wholly."""
        return sum(file.checked for file in self.files)

    @property
    def unchecked(self) -> int:
        """How many tensors, and files that did not open, were not checked wholly."""
        return sum(len(file.unchecked) + (file.problem is not None) for file in self.files)

    def exit_code(self) -> ExitCode:
        """Return 3 if a file did not open, 1 if something was found or not checked, else 0."""
        if any(file.problem is not None for file in self.files):
            return ExitCode.UNREADABLE
        return ExitCode.FINDINGS if self.findings or self.unchecked else ExitCode.OK


def check_files(paths: Sequence[str], *, form: str) -> ExitCode:
    """Check every model that ``paths`` name and print a report in one of :data:`FORMS`."""
    report = Report()
    files, problems = find_models(paths)
    report.files += [_unreadable(problem) for problem in problems]
    with progress_line() as progress:
        for place, file in enumerate(files):
            report.files.append(_check_file(file, f"{place + 1}/{len(files)}", progress))
    for entry in report.files:
        if entry.problem is not None and form != "text":
            complain(entry.path, entry.problem)
    _printer(form)(report)
    return report.exit_code()


def _printer(form: str) -> Callable[[Report], None]:
    if form == "json":
        from tensorpeek.tui.command.check_document import print_json as print_report
    elif form == "junit":
        from tensorpeek.tui.command.check_junit import print_junit as print_report
    elif form == "sarif":
        from tensorpeek.tui.command.check_sarif import print_sarif as print_report
    else:
        from tensorpeek.tui.command.check_text import print_text as print_report
    return print_report


def _check_file(path: Path, counted: str, progress: ProgressLine) -> FileCheck:
    try:
        model = open_model(path)
    except LoadError as error:
        return _unreadable(error)
    return _check_tensors(model, counted, progress)


def _check_tensors(model: Model, counted: str, progress: ProgressLine) -> FileCheck:
    found = FileCheck(str(model.path), model.format, imports=model.imports)
    found.findings += check_model(model)
    for tensor in model.tensors:
        report = progress.begin(f"{counted} {model.name} {tensor.name}")
        result = check_tensor(tensor, progress=report)
        found.tensors.append(tensor.name)
        found.findings += [one for one in result.findings if not _told(one, found.findings)]
        if result.unchecked is not None:
            found.unchecked.append((tensor.name, result.unchecked))
    return found


def _told(finding: Finding, findings: Sequence[Finding]) -> bool:
    """Return whether a finding about the file already says that what holds a tensor is missing."""
    return finding.rule == "missing-part" and any(
        other.tensor is None and other.rule == finding.rule and finding.message in other.message
        for other in findings
    )


def _unreadable(error: LoadError) -> FileCheck:
    rule = rule_of(error.reason)
    rule = rule if rule == "overlapping-data" else "damaged-file"
    return FileCheck(error.path, problem=error.reason, findings=[Finding(rule, None, error.reason)])
