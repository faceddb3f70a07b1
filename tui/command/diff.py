"""Compare two models, tensor by tensor."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

import click

from tensorpeek.analysis.comparison import (
    ACTIVATION_ROLES,
    Comparison,
    Pair,
    compare_pairs,
    pair_tensors,
)
from tensorpeek.analysis.reading import idle
from tensorpeek.loaders import Model, Tensor, find_models
from tensorpeek.tui.command.console import complain, progress_line
from tensorpeek.tui.command.exit_codes import ExitCode
from tensorpeek.tui.command.model_files import OpenedFiles, open_files
from tensorpeek.tui.command.selection import matches
from tensorpeek.tui.command.threads import threads


@dataclass(frozen=True)
class DiffRequest:
    """What was asked for: the words of the command line."""

    first: str
    second: str
    patterns: tuple[str, ...]
    tolerance: float
    exit_code: bool
    as_json: bool
    jobs: int = 1


@dataclass
class ModelDiff:
    """Two models, their comparisons ranked worst first, and what has no partner."""

    first: Model
    second: Model
    tolerance: float
    comparisons: list[Comparison] = field(default_factory=list)
    only_first: list[Tensor] = field(default_factory=list)
    only_second: list[Tensor] = field(default_factory=list)

    @property
    def differing(self) -> int:
        """How many pairs differ beyond the tolerance, or cannot be compared."""
        return sum(one.differs(self.tolerance) for one in self.comparisons)

    @property
    def unreadable(self) -> int:
        """How many pairs could not be compared because a tensor cannot be read."""
        return sum(one.unreadable for one in self.comparisons)

    @property
    def unmatched(self) -> int:
        """How many tensors have no partner, those that quantize activations left out."""
        alone = (*self.only_first, *self.only_second)
        return sum(tensor.role not in ACTIVATION_ROLES for tensor in alone)


def print_diff(request: DiffRequest) -> ExitCode:
    """Compare the models that the request names and print the pairs, worst first."""
    opened = open_files([_only_file(request.first)])
    other = open_files([_only_file(request.second)])
    opened.models += other.models
    opened.problems += other.problems
    if opened.problems:
        _print_nothing(opened, request)
        return ExitCode.UNREADABLE
    first, second = opened.models
    found = _compare_models(first, second, request)
    if request.as_json:
        from tensorpeek.tui.command.diff_document import print_json

        print_json(found, opened.errors())
    else:
        from tensorpeek.tui.command.diff_text import print_text

        print_text(found)
    return _exit_code(found, request)


def _only_file(path: str) -> str:
    """Return the one file that a path means; a folder may hold one model."""
    files, problems = find_models([path])
    if len(files) > 1:
        raise click.UsageError(f"{path} holds {len(files)} models; name one of them")
    return path if problems else str(files[0])


def _print_nothing(opened: OpenedFiles, request: DiffRequest) -> None:
    if request.as_json:
        from tensorpeek.tui.command.document import print_lists

        print_lists("diff", {"pairs": [], "errors": opened.errors()})


def _compare_models(first: Model, second: Model, request: DiffRequest) -> ModelDiff:
    pairing = pair_tensors(first.tensors, second.tensors)
    pairs = [pair for pair in pairing.pairs if _wanted(request, pair.first, pair.second)]
    found = ModelDiff(first, second, request.tolerance)
    found.only_first = [one for one in pairing.only_first if _wanted(request, one)]
    found.only_second = [one for one in pairing.only_second if _wanted(request, one)]
    with progress_line() as progress, threads(request.jobs) as (executor, stop):
        report = progress.report if executor is None else idle
        results = compare_pairs(pairs, executor, stop=stop, progress=report)
        for place, pair in enumerate(pairs):
            progress.begin(f"{place + 1}/{len(pairs)} {pair.first.name}")
            found.comparisons.append(next(results))
    for one in found.comparisons:
        if one.unreadable:
            complain(_path_of(one.pair, found), str(one.error))
    found.comparisons.sort(key=_badness, reverse=True)
    return found


def _path_of(pair: Pair, found: ModelDiff) -> Path:
    return found.first.path if pair.first.error is not None else found.second.path


def _wanted(request: DiffRequest, *tensors: Tensor) -> bool:
    if not request.patterns:
        return True
    names = [name for one in tensors for name in (one.name, one.layer, *one.aliases)]
    return any(matches(pattern, name) for pattern in request.patterns for name in names)


def _badness(one: Comparison) -> tuple[bool, int, float, float]:
    """Return what pairs are ranked by: no answer, values that are not finite, then errors."""
    if one.difference is None:
        return True, 0, 0.0, 0.0
    error, delta = one.difference.relative_error, one.difference.max_delta
    if error is None:
        error = math.inf if one.difference.changed else 0.0
    return False, one.difference.not_finite, error, delta or 0.0


def _exit_code(found: ModelDiff, request: DiffRequest) -> ExitCode:
    if found.unreadable:
        return ExitCode.UNREADABLE
    if not (found.comparisons or found.only_first or found.only_second) and request.patterns:
        complain("no tensor matches", " or ".join(f"'{word}'" for word in request.patterns))
        return ExitCode.USAGE
    apart = found.differing or found.unmatched
    return ExitCode.FINDINGS if request.exit_code and apart else ExitCode.OK
