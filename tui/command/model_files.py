"""Open the files that a command was given, and say which could not be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tensorpeek.loaders import LoadError, Model, find_models, open_model
from tensorpeek.tui.command.console import complain
from tensorpeek.tui.command.exit_codes import ExitCode
from tensorpeek.tui.command.selection import Selection


@dataclass
class OpenedFiles:
    """The models that opened and the problems of the rest; both were found in the given order."""

    models: list[Model] = field(default_factory=list)
    problems: list[LoadError] = field(default_factory=list)
    unreadable_tensors: int = 0

    def exit_code(self, selection: Selection, found: int) -> ExitCode:
        """Return the exit code of a command that printed ``found`` tensors; say if it is none."""
        if self.problems or self.unreadable_tensors:
            return ExitCode.UNREADABLE
        if selection.patterns and not found:
            patterns = " or ".join(f"'{pattern}'" for pattern in selection.patterns)
            complain("no tensor matches", patterns)
            return ExitCode.USAGE
        return ExitCode.OK

    def errors(self) -> list[dict[str, str]]:
        """Return the problems as JSON objects."""
        return [{"path": problem.path, "reason": problem.reason} for problem in self.problems]


def open_files(paths: Sequence[str]) -> OpenedFiles:
    """Open every model that ``paths`` name; problems and warnings go to stderr at once."""
    files, problems = find_models(paths)
    opened = OpenedFiles(problems=problems)
    for file in files:
        try:
            opened.models.append(open_model(file))
        except LoadError as error:
            opened.problems.append(error)
    for problem in opened.problems:
        complain(problem.path, problem.reason)
    for model in opened.models:
        for warning in model.warnings:
            complain(model.path, f"warning: {warning}")
    return opened
