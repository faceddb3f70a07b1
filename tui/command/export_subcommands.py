"""The subcommands that write files to take away, as click sees them."""

# Imports wait until a command runs; click's \b keeps the lines of a paragraph.
# ruff: noqa: D301

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tensorpeek.tui.command.exit_codes import ExitCode
from tensorpeek.tui.command.options import all_option, paths_and_patterns, view_option


@click.command(short_help="Write tensors as .npy, .npz, .safetensors or .csv.")
@paths_and_patterns
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Where to write; the ending says how: .npy, .npz, .safetensors, .csv.",
)
@click.option("--force", is_flag=True, help="Replace a file that exists.")
@view_option
@all_option
def export(words: tuple[str, ...], matches: tuple[str, ...], **how: Any) -> ExitCode:  # noqa: ANN401
    """Write tensors as arrays that other programs read; PATH and PATTERN are as for ls.

    Quantized tensors are written dequantized, or with --view raw as their stored integers. The
    values are exact: bfloat16 and float8 keep their types in .safetensors and become float32
    elsewhere. The file is written as a whole or not at all, and one that exists is kept. .npy and
    .csv hold one tensor; a .csv has a row for each index of the first axis.

    \b
    Examples:
      tensorpeek export model.pt conv1.weight -o conv1.npy
      tensorpeek export model-q4_k.gguf '*attn_q*' -o queries.safetensors
      tensorpeek export model_int8.onnx fc.weight --view raw -o codes.csv
    """
    from tensorpeek.tui.command.export import ExportRequest, export_tensors

    return export_tensors(words, matches, ExportRequest(**how))
