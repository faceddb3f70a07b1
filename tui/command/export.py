"""The ``export`` command: write tensors as arrays that other programs read."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tensorpeek.loaders import LoadError, View
from tensorpeek.tui.command.console import complain, progress_line
from tensorpeek.tui.command.exit_codes import ExitCode
from tensorpeek.tui.command.model_files import open_files
from tensorpeek.tui.command.selection import Selection
from tensorpeek.tui.export import Item, export, export_problem


@dataclass(frozen=True)
class ExportRequest:
    """What to write where, and whether a file that is there may be replaced."""

    output: Path
    view: View = "dequantized"
    force: bool = False
    everything: bool = False


def export_tensors(
    words: tuple[str, ...], matches: tuple[str, ...], request: ExportRequest
) -> ExitCode:
    """Write the tensors that match."""
    selection = Selection.of(words, matches)
    opened = open_files(selection.paths)
    tensors = [
        tensor
        for model in opened.models
        for tensor in selection.tensors(model, everything=request.everything)
    ]
    if not tensors or opened.problems:
        return opened.exit_code(selection, len(tensors)) or _nothing(request.output)
    problem = _same_names([tensor.name for tensor in tensors])
    items = [
        Item(tensor, request.view if request.view in tensor.views else "dequantized")
        for tensor in tensors
    ]
    try:
        problem = problem or export_problem(items, request.output, force=request.force)
    except OSError as error:
        return _unwritable(request.output, error)
    if problem is not None:
        complain(request.output, problem)
        return ExitCode.USAGE
    return _write(items, request.output)


def _write(items: list[Item], output: Path) -> ExitCode:
    try:
        with progress_line() as line:
            export(items, output, progress=line.begin(str(output)))
    except LoadError as error:
        complain(error.path, error.reason)
        return ExitCode.UNREADABLE
    except OSError as error:
        return _unwritable(output, error)
    for item in items:
        if item.array_type != item.stored_type and output.suffix.lower() != ".safetensors":
            complain(item.tensor.name, f"{item.stored_type} written as float32, exactly")
    return ExitCode.OK


def _unwritable(output: Path, error: OSError) -> ExitCode:
    complain(output, (error.strerror or str(error)).lower())
    return ExitCode.UNREADABLE


def _same_names(names: list[str]) -> str | None:
    twice = next((name for name, count in Counter(names).items() if count > 1), None)
    return None if twice is None else f"two tensors are named {twice}: export one model at a time"


def _nothing(output: Path) -> ExitCode:
    complain(output, "there are no tensors to write")
    return ExitCode.USAGE
