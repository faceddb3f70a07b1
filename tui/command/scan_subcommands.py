"""The subcommands ``scan`` and ``cache`` as click sees them."""

# Imports wait until a command runs; click's \b keeps the lines of a paragraph.
# ruff: noqa: D301

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tensorpeek.tui.command.exit_codes import ExitCode
from tensorpeek.tui.command.options import (
    all_option,
    jobs_option,
    json_option,
    no_cache_option,
    paths_and_patterns,
    view_option,
)
from tensorpeek.tui.command.scan_options import (
    bit_widths,
    device_name,
    limit_blas_threads,
    metric_names,
)


@click.command(short_help="Diagnose weights: sparsity, quantization error, spectra, health.")
@paths_and_patterns
@click.option(
    "--metrics",
    callback=metric_names,
    metavar="NAMES",
    default="basic,sparsity,quantization,spectral",
    show_default=True,
    help="Groups of measures, with commas between them.",
)
@click.option(
    "--bits",
    callback=bit_widths,
    metavar="N,...",
    default="8,4",
    show_default=True,
    help="Widths of the integer grids to simulate, 2 to 16.",
)
@jobs_option("Processes to work in.")
@click.option(
    "--dask",
    metavar="ADDRESS",
    help="Work on the Dask cluster of this scheduler, tcp://HOST:8786.",
)
@click.option(
    "--device",
    callback=device_name,
    metavar="NAME",
    default="cpu",
    show_default=True,
    help="What counts, simulates grids and computes spectra: cpu, cuda or cuda:N.",
)
@click.option(
    "--conv-axis",
    type=click.IntRange(-64, 63),
    metavar="N",
    help="Axis whose entries are the rows of a convolution's matrix in its spectrum: 1 for torch's "
    "inputs. By default its output channels.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Also write a report: .json, .csv, .html or .parquet.",
)
@click.option(
    "--resume",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Keep a journal, and skip the tensors that it holds already.",
)
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Settings file whose table [thresholds] changes what is judged how.",
)
@no_cache_option
@click.option("--huge", is_flag=True, help="Also spectra that take minutes and gigabytes.")
@click.option("--ascii", "ascii_only", is_flag=True, help="Draw with ASCII characters only.")
@view_option
@json_option
@all_option
def scan(words: tuple[str, ...], matches: tuple[str, ...], **how: Any) -> ExitCode:  # noqa: ANN401
    """Diagnose a whole checkpoint from its weights alone, and rank the tensors worst first.

    Each tensor is Excellent, Good, Warning or Critical by its condition number, the SQNR of
    quantizing it with one scale, its extreme outliers and its stable rank; NaN is always Critical.
    What is measured how is in docs/metrics.md. PATH and PATTERN are as for ls. Ctrl+C prints and
    writes what is done. Results are kept, so that the next scan of the same bytes, and the app on
    them, is instant; see tensorpeek cache.

    \b
    Examples:
      tensorpeek scan model.pt
      tensorpeek scan model.safetensors '*attn*' --metrics quantization --bits 8,4,3
      tensorpeek scan checkpoints/ --jobs 8 --resume scan.journal -o report.html
      tensorpeek scan model.pt --json | jq '.models[].tensors[] | select(.severity == "Critical")'
    """
    limit_blas_threads()
    from tensorpeek.tui.command.scan import scan_command

    return scan_command(words, matches, how)


@click.command(short_help="Show where results are kept, or forget them.")
@click.option("--clear", is_flag=True, help="Forget all results.")
@json_option
def cache(clear: bool, as_json: bool) -> ExitCode:  # noqa: FBT001
    """Show where the results of scans and of the app are kept, how many, and what space they take.

    A result is found again for the same bytes only: files that were changed are measured anew. The
    oldest results leave when there are too many. TENSORPEEK_CACHE_DIR names another folder; set to
    nothing, it keeps none.

    \b
    Examples:
      tensorpeek cache
      tensorpeek cache --clear
    """
    from tensorpeek.tui.command.cache import print_cache

    return print_cache(clear=clear, as_json=as_json)
