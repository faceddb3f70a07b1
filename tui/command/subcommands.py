"""The subcommands as click sees them; what they do is imported when they run."""

# Imports wait until a command runs; click's \b keeps the lines of a paragraph.
# ruff: noqa: D301

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tensorpeek.tui.command.exit_codes import ExitCode
from tensorpeek.tui.command.grid_subcommands import plugin_option
from tensorpeek.tui.command.options import (
    AppCommand,
    PairCommand,
    all_option,
    bins_option,
    jobs_option,
    json_option,
    limits_option,
    no_cache_option,
    number,
    paths_and_patterns,
    range_option,
    view_option,
)


@click.command(cls=AppCommand, add_help_option=False)
@click.argument("paths", nargs=-1, type=click.Path(readable=False))
@click.option(
    "--ascii", "ascii_only", is_flag=True, help="Draw the app with ASCII characters only."
)
@click.option("--theme", metavar="NAME", help="Colors of the app, one of Textual's themes.")
@click.option("--watch", is_flag=True, help="Open a model again when its file is rewritten.")
@plugin_option
@no_cache_option
@click.help_option("-h", "--help", hidden=True)
def open_app(paths: tuple[str, ...], **how: Any) -> ExitCode:  # noqa: ANN401
    """Open files, folders or quoted patterns in the app."""
    from tensorpeek.tui.command.start_app import start_app

    return start_app(paths, **how)


@click.command(short_help="List the tensors of model files.")
@paths_and_patterns
@json_option
@click.option("--full", is_flag=True, help="With --json: also print the arrays of scales.")
def ls(words: tuple[str, ...], matches: tuple[str, ...], as_json: bool, full: bool) -> ExitCode:  # noqa: FBT001
    """List the tensors of model files: type, shape, size, quantization.

    No values are read. PATH is a file, a folder or a quoted pattern. A later word that is no
    file, such as '*conv*', is a PATTERN: it selects tensors by their name or their layer's; with
    *, ? or [ it must match all of it, without them any part of it; case matters.

    \b
    Examples:
      tensorpeek ls model.pt
      tensorpeek ls model.pt '*conv2d*' bias
      tensorpeek ls 'checkpoints/**/*.pt'
      tensorpeek ls model.onnx --json | jq '.models[].tensors[].name'
    """
    from tensorpeek.tui.command.ls import list_tensors

    return list_tensors(words, matches, as_json=as_json, full=full)


@click.command(short_help="Print exact statistics of every tensor.")
@paths_and_patterns
@view_option
@json_option
@all_option
def stats(
    words: tuple[str, ...],
    matches: tuple[str, ...],
    view: str,
    as_json: bool,  # noqa: FBT001
    everything: bool,  # noqa: FBT001
) -> ExitCode:
    """Print exact minimum, maximum, mean and standard deviation of tensors.

    Measures are of the finite values; NaN and infinities are counted. The standard deviation is
    the population's. Quantized tensors have a table of their own, with scale and zero point (means
    over channels) and the range of the stored integers. PATH and PATTERN are as for ls. Text
    leaves out buffers, constants, optimizer state and activation scales unless --all is given
    or nothing else matches; JSON has all.

    \b
    Examples:
      tensorpeek stats model.pt
      tensorpeek stats model.pt '*conv2d*' --view raw
      tensorpeek stats a.pt b.onnx --json
    """
    from tensorpeek.tui.command.statistics_output import print_statistics

    return print_statistics(words, matches, view=view, as_json=as_json, everything=everything)


@click.command(cls=PairCommand, short_help="Draw histograms of tensors.")
@paths_and_patterns
@bins_option
@range_option
@limits_option
@click.option("--log", is_flag=True, help="Logarithmic percentages.")
@click.option("--ascii", "ascii_only", is_flag=True, help="Draw with ASCII characters only.")
@view_option
@json_option
@all_option
def hist(words: tuple[str, ...], matches: tuple[str, ...], **how: object) -> ExitCode:
    """Draw the distribution of tensors, in percent of their parameters.

    Without a PATTERN all weights are drawn. PATH and PATTERN are as for ls. What lies in --range
    is orange, the rest gray; without color the characters differ.

    \b
    Examples:
      tensorpeek hist model.pt '*conv2d_1*'
      tensorpeek hist model.pt --bins 80 --range -0.25 0.25
      tensorpeek hist model.pt fc.weight --log --limits -1,1
      tensorpeek hist model.pt --view raw --json
    """
    from tensorpeek.tui.command.counted import HistogramRequest
    from tensorpeek.tui.command.histogram_output import print_histograms

    return print_histograms(words, matches, HistogramRequest(**how))  # type: ignore[arg-type]


@click.command(short_help="Check models for damage, NaN, dead channels, dangerous pickles.")
@click.argument(
    "paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(readable=False)
)
@click.option(
    "--format",
    "form",
    type=click.Choice(("text", "json", "junit", "sarif")),
    default="text",
    show_default=True,
    help="How to report; junit and sarif are what build servers and code hosts read.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON: --format json.")
def check(paths: tuple[str, ...], form: str, as_json: bool) -> ExitCode:  # noqa: FBT001
    """Check every value of models, for people and for build servers.

    Errors are damage, missing files, overlapping tensors, NaN, infinities, and pickles that name
    dangerous functions; warnings are weights and output channels that are all zero or constant,
    and all that could not be checked. PATH is a file, a folder or a quoted pattern.

    Exit codes: 0 all was checked and nothing found, 1 findings, 3 a file could not be opened.

    \b
    Examples:
      tensorpeek check model.safetensors
      tensorpeek check checkpoints/ --format junit > report.xml
      tensorpeek check 'release/**/*.onnx' --format sarif > tensorpeek.sarif
      tensorpeek check model.pt --json | jq '.findings[].message'
    """
    from tensorpeek.tui.command.check import check_files

    return check_files(paths, form="json" if as_json else form)


@click.command(short_help="Compare two models, tensor by tensor.")
@click.argument("first", metavar="A", type=click.Path(readable=False))
@click.argument("second", metavar="B", type=click.Path(readable=False))
@click.argument("patterns", nargs=-1, metavar="[PATTERN]...")
@click.option(
    "--tolerance",
    type=click.FloatRange(min=0),
    callback=number,
    default=0.0,
    metavar="T",
    help="Largest difference of an element that does not count.",
)
@click.option("--exit-code", is_flag=True, help="Exit with 1 if anything differs or is unmatched.")
@jobs_option("Threads to work in; what is printed does not depend on it.")
@json_option
def diff(first: str, second: str, patterns: tuple[str, ...], **how: object) -> ExitCode:
    """Compare the values of two models, across formats, precisions and layouts.

    Quantized tensors are compared dequantized; A is the reference. Tensors are paired by name,
    then by documented rules: names without prefixes (model., module., _orig_mod.), GGUF and
    Hugging Face names, layer and label, and at last by shape where that leaves no choice; each row
    says by which. Transposed layouts (HWIO, OHWI, OIHW; (in, out), (out, in)) are recognized. Rows
    are ranked worst first; then follows what has no partner. PATTERN selects tensors as in ls.

    With --exit-code, activation scales that only one model has do not count as unmatched.

    \b
    Examples:
      tensorpeek diff model.pt model_int8.pt
      tensorpeek diff model.safetensors model-q8_0.gguf '*attn*'
      tensorpeek diff old.onnx new.onnx --tolerance 1e-6 --exit-code
      tensorpeek diff a.pt b.pt --json | jq '.pairs[] | select(.sqnr < 30) | .a.name'
    """
    from tensorpeek.tui.command.diff import DiffRequest, print_diff

    return print_diff(DiffRequest(first, second, patterns, **how))  # type: ignore[arg-type]


@click.command(short_help="Show the app in a browser.")
@click.argument(
    "paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(readable=False)
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on; by default only this machine reaches it.",
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0: any free."
)
def serve(paths: tuple[str, ...], host: str, port: int) -> ExitCode:
    """Show the app in a browser: the same screens and keys, on these files only, read-only.

    There is no password: whoever reaches the address can read the models. From another machine,
    forward the port instead: ssh -L 8000:localhost:8000 MACHINE.

    \b
    Examples:
      tensorpeek serve models/
      tensorpeek serve model.safetensors --port 9000
    """
    from tensorpeek.tui.command.serve import serve_app

    return serve_app(paths, host, port)


@click.command(short_help="Print the settings and check them.")
@click.argument("path", required=False, type=click.Path(dir_okay=False, path_type=Path))
@json_option
def config(path: Path | None, as_json: bool) -> ExitCode:  # noqa: FBT001
    """Print the settings, as the file that would bring them about, and check every entry.

    PATH is another settings file to check. The file is TOML: theme, view (dequantized or raw),
    bins, models (the folder that opens without a path), a table [keys] that gives keys to the
    names printed here, and a table [thresholds] for scan. TENSORPEEK_CONFIG names another file.

    \b
    Examples:
      tensorpeek config
      tensorpeek config > ~/.config/tensorpeek/config.toml
      tensorpeek config team.toml
    """
    from tensorpeek.tui.command.config import print_settings

    return print_settings(path, as_json=as_json)


@click.command(short_help="Print the script that completes commands and paths.")
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
@click.pass_context
def completion(context: click.Context, shell: str) -> ExitCode:
    """Print the shell's script that completes tensorpeek's commands, options and paths.

    \b
    Examples:
      eval "$(tensorpeek completion bash)"     in ~/.bashrc
      eval "$(tensorpeek completion zsh)"      in ~/.zshrc
      tensorpeek completion fish > ~/.config/fish/completions/tensorpeek.fish
    """
    from click.shell_completion import ShellComplete, get_completion_class

    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"no completion for {shell}")
    root = context.find_root().command
    # The base class prints without running a shell to learn its version.
    click.echo(ShellComplete.source(kind(root, {}, "tensorpeek", "_TENSORPEEK_COMPLETE")))
    return ExitCode.OK
