"""List what model files hold; no values are read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tensorpeek.loaders import Model, Tensor
from tensorpeek.loaders.clean import clean
from tensorpeek.tui.command.console import answer_console
from tensorpeek.tui.command.document import Json, print_document
from tensorpeek.tui.command.exit_codes import ExitCode
from tensorpeek.tui.command.model_files import open_files
from tensorpeek.tui.command.numbers import shape_text
from tensorpeek.tui.command.quantization_text import describe_quantization, quantization_facts_json
from tensorpeek.tui.command.selection import Selection
from tensorpeek.tui.number_text import short_count, size

if TYPE_CHECKING:
    from rich.console import Console


def list_tensors(
    words: Sequence[str], patterns: Sequence[str], *, as_json: bool, full: bool
) -> ExitCode:
    """Print the tensors that ``words`` and ``patterns`` select, as tables or as JSON."""
    selection = Selection.of(words, patterns)
    opened = open_files(selection.paths)
    chosen = [(model, selection.tensors(model)) for model in opened.models]
    if as_json:
        models = [_model_json(model, tensors, full=full) for model, tensors in chosen]
        print_document("ls", models, opened.errors())
    else:
        console = answer_console()
        for index, (model, tensors) in enumerate(chosen):
            print_model_line(console, model, first=not index)
            _print_table(console, tensors)
    return opened.exit_code(selection, sum(len(tensors) for _, tensors in chosen))


def print_model_line(console: Console, model: Model, *, first: bool) -> None:
    """Print path, format, number of layers and parameters and file size."""
    from rich.text import Text

    layers = len(model.parameter_layers or model.layers)
    facts = [
        model.format,
        f"{layers:,} layer{'' if layers == 1 else 's'}",
        f"{short_count(model.params)} params",
        *_file_size(model),
    ]
    line = Text(clean(str(model.path)), "bold").append("  " + "  ".join(facts), "not bold")
    if not first:
        console.print()
    console.print(line, soft_wrap=True)


def _file_size(model: Model) -> list[str]:
    """Return the size of the file and of the files it stands for, nothing if one is not there."""
    from tensorpeek.loaders.registry import parts_of

    try:
        return [size(sum(path.stat().st_size for path in (model.path, *parts_of(model.path))))]
    except OSError:
        return []


def _print_table(console: Console, tensors: Sequence[Tensor]) -> None:
    from tensorpeek.tui.command.tables import plain_table, print_table

    quantized = any(tensor.quantization for tensor in tensors)
    damaged = any(tensor.error for tensor in tensors)
    table = plain_table(texts=("Layer", "Tensor", "Type", "Shape"), numbers=("Params", "Bytes"))
    if quantized:
        table.add_column("Quantization")
    if damaged:
        table.add_column("Error", style="bold red")
    for tensor in tensors:
        cells = [tensor.layer, tensor.label, tensor.dtype, shape_text(tensor.shape)]
        cells += [f"{tensor.params:,}", f"{tensor.nbytes:,}"]
        cells += [describe_quantization(tensor)] if quantized else []
        cells += [tensor.error or ""] if damaged else []
        table.add_row(*cells)
    if tensors:
        print_table(console, table)


def _model_json(model: Model, tensors: Sequence[Tensor], *, full: bool) -> Json:
    return {
        "path": str(model.path),
        "format": model.format,
        "metadata": dict(model.metadata),
        "warnings": list(model.warnings),
        "tensors": [_tensor_json(tensor, full=full) for tensor in tensors],
    }


def _tensor_json(tensor: Tensor, *, full: bool) -> Json:
    quantization = tensor.quantization
    parts = {"parts": [part.name for part in tensor.parts]} if full else {}
    return {
        "name": tensor.name,
        "layer": tensor.layer,
        "label": tensor.label,
        "role": tensor.role,
        "dtype": tensor.dtype,
        "shape": list(tensor.shape),
        "params": tensor.params,
        "nbytes": tensor.nbytes,
        "aliases": list(tensor.aliases),
        "quantization": quantization_facts_json(quantization, full=full) if quantization else None,
        "error": tensor.error,
        **parts,
    }
