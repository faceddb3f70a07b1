"""The ``plot`` command and its kinds of figures as click sees them."""

# Imports wait until a command runs; click's \b keeps the lines of a paragraph.
# ruff: noqa: D301

from __future__ import annotations

from typing import Any

import click

from tensorpeek.tui.command.exit_codes import ExitCode
from tensorpeek.tui.command.grid_subcommands import plugin_option
from tensorpeek.tui.command.options import (
    PairCommand,
    bins_option,
    jobs_option,
    limits_option,
    no_cache_option,
    range_option,
)
from tensorpeek.tui.command.plot_options import (
    color_options,
    config_option,
    figure_options,
    huge_option,
    pooling_option,
)
from tensorpeek.tui.command.scan_options import limit_blas_threads

GRIDS = ("int8", "int6", "int4", "int3", "int2", "fp8 e4m3", "fp8 e5m2", "nf4", "mxfp4")
UNITS = ("tensor", "channel", "128", "64", "32")
"""What :mod:`tensorpeek.analysis.risk` can try; written here so that help needs click alone."""


@click.group(short_help="Draw figures for a report: .png, .svg, .pdf, .html.")
def plot() -> None:
    """Draw tensors and models as figures for a report.

    The numbers are those of the other commands. Files are written as a whole or not at all, and
    those that exist are kept; the same figure is always the same bytes. A page of .html holds its
    picture and needs nothing else. PATH and PATTERN are as for ls. Figures need matplotlib:
    pip install 'tensorpeek[plot]'.

    \b
    Examples:
      tensorpeek plot hist model.pt conv1.weight -o conv1.png
      tensorpeek plot hist model.pt --overview -o layers.pdf
      tensorpeek plot heatmap model.pt '*attn*' -o figures/ --theme dark
      tensorpeek plot risk model.safetensors --grid int4 --per 128 -o risk.svg
      tensorpeek plot dashboard model.pt -o health.html
    """


@plot.command(cls=PairCommand, short_help="Histograms, one tensor each or many on one page.")
@bins_option
@range_option
@limits_option
@click.option("--log", is_flag=True, help="Logarithmic percentages.")
@click.option("--both", is_flag=True, help="Stored integers and dequantized values side by side.")
@click.option("--overlay", is_flag=True, help="Two to six tensors over each other.")
@click.option("--overview", is_flag=True, help="All tensors on one page, at most 64.")
@click.option("--page", type=click.IntRange(1), default=1, help="Which page of an overview.")
@figure_options
def hist(words: tuple[str, ...], matches: tuple[str, ...], **how: Any) -> ExitCode:  # noqa: ANN401
    """Draw the distribution of tensors, in percent of their parameters.

    What lies in --range is orange, the rest gray. With --both, --range and --limits are in the
    units of the dequantized values; stored integers are drawn from and to the codes that stand for
    them, as far as one scale tells. Without a PATTERN all weights are drawn: into a
    folder, or with --overview on one page. With --overlay the same bins are counted in each of two
    to six tensors, of one file or of several.

    \b
    Examples:
      tensorpeek plot hist model.pt fc.weight --range -0.1 0.1 -o fc.svg
      tensorpeek plot hist model_int8.pt conv1.weight --both -o conv1.png
      tensorpeek plot hist model.pt -o histograms/
      tensorpeek plot hist model.pt --overview --log -o layers.png
      tensorpeek plot hist model.pt conv1.weight conv2.weight --overlay -o both.png
    """
    is_overlay, is_overview = how.pop("overlay"), how.pop("overview")
    return _draw(
        "overlay" if is_overlay else "overview" if is_overview else "hist", words, matches, how
    )


@plot.command(short_help="The values of tensors as images.")
@pooling_option
@color_options
@figure_options
def heatmap(words: tuple[str, ...], matches: tuple[str, ...], **how: Any) -> ExitCode:  # noqa: ANN401
    """Draw tensors as images: a matrix as it is, of more axes the first one by all others.

    Where there are more values than pixels, each pixel pools its values exactly.

    \b
    Examples:
      tensorpeek plot heatmap model.pt fc.weight -o fc.png
      tensorpeek plot heatmap model.pt '*attn_q*' --scaling percentile -o queries/
    """
    return _draw("heatmap", words, matches, how)


@plot.command(short_help="The filters of convolutions as tiles.")
@click.option(
    "--show",
    "kernel_mode",
    type=click.Choice(("mean", "peak", "each")),
    default="mean",
    show_default=True,
    help="Of the inputs of a filter: mean, largest magnitude, or each.",
)
@color_options
@figure_options
def kernels(words: tuple[str, ...], matches: tuple[str, ...], **how: Any) -> ExitCode:  # noqa: ANN401
    """Draw the kernels of convolutions, a tile for each filter.

    \b
    Examples:
      tensorpeek plot kernels model.pt conv1.weight -o conv1.png
      tensorpeek plot kernels model.keras --show each -o kernels/
    """
    return _draw("kernels", words, matches, how)


@plot.command(short_help="Singular values, their energy, and what noise would have.")
@click.option("--log", is_flag=True, help="Logarithmic singular values.")
@huge_option
@figure_options
def spectrum(words: tuple[str, ...], matches: tuple[str, ...], **how: Any) -> ExitCode:  # noqa: ANN401
    """Draw the singular values of tensors as matrices of output channels by inputs.

    Beside them stand those of noise (Marchenko and Pastur), the energy that the first ones hold,
    and a power law fitted to the tail.

    \b
    Examples:
      tensorpeek plot spectrum model.pt fc.weight -o fc.png
      tensorpeek plot spectrum model.pt -o spectra/ --format svg
    """
    limit_blas_threads()
    return _draw("spectrum", words, matches, how)


@plot.command(short_help="Outliers against SQNR, a dot for each tensor.")
@click.option(
    "--grid",
    "name",
    type=click.Choice(GRIDS),
    default="int8",
    show_default=True,
    help="The grid to round to.",
)
@click.option(
    "--per",
    "unit",
    type=click.Choice(UNITS),
    default="tensor",
    show_default=True,
    help="What shares a scale: a tensor, a channel, so many inputs.",
)
@click.option("--asymmetric", is_flag=True, help="Integers with a zero point.")
@config_option
@figure_options
def risk(words: tuple[str, ...], matches: tuple[str, ...], **how: Any) -> ExitCode:  # noqa: ANN401
    """Draw what quantizing a model would cost: extreme outliers against SQNR, the worst named.

    \b
    Examples:
      tensorpeek plot risk model.pt -o risk.png
      tensorpeek plot risk model.pt --grid int4 --per 128 -o risk-int4.svg
    """
    from tensorpeek.analysis.risk import Scheme

    unit = how.pop("unit")
    scheme = Scheme(
        how.pop("name"), int(unit) if unit.isdigit() else unit, not how.pop("asymmetric")
    )
    return _draw("risk", words, matches, {**how, "scheme": scheme})


@plot.command(short_help="The health of a model on one page.")
@jobs_option("Processes to work in.")
@no_cache_option
@huge_option
@config_option
@figure_options
def dashboard(words: tuple[str, ...], matches: tuple[str, ...], **how: Any) -> ExitCode:  # noqa: ANN401
    """Draw how many tensors are in what health, five measures of them, and the ten worst.

    Measured is what tensorpeek scan measures; results are kept.

    \b
    Examples:
      tensorpeek plot dashboard model.safetensors --jobs 8 -o health.pdf
    """
    limit_blas_threads()
    return _draw("dashboard", words, matches, how)


@plot.command(short_help="A whole model as one image.")
@click.option(
    "--layout",
    "grid",
    default="layer-separated",
    show_default=True,
    metavar="NAME",
    help="One of tensorpeek grids: flat, spiral, normalized, layer-weighted, ...",
)
@plugin_option
@pooling_option
@color_options
@figure_options
def grid(words: tuple[str, ...], matches: tuple[str, ...], **how: Any) -> ExitCode:  # noqa: ANN401
    """Draw all parameters of a model in one image.

    \b
    Examples:
      tensorpeek plot grid model.pt -o model.png --size 12 9
      tensorpeek plot grid model.pt --layout spiral --theme dark -o spiral.png
    """
    return _draw("grid", words, matches, how)


def _draw(
    kind: Any,  # noqa: ANN401 (a kind of figure, whose type is imported late)
    words: tuple[str, ...],
    matches: tuple[str, ...],
    how: dict[str, Any],
) -> ExitCode:
    """Run a command: what it shares with the others goes to the request, the rest is drawn by."""
    from tensorpeek.tui.command.console import complain
    from tensorpeek.tui.command.plot import PlotRequest, plot_tensors
    from tensorpeek.tui.command.user_thresholds import user_thresholds
    from tensorpeek.tui.figures import FigureOptions
    from tensorpeek.tui.settings.settings_file import SettingsError

    shared = ("output", "force", "everything", "jobs", "no_cache")
    request = {name: how.pop(name) for name in shared if name in how}
    ending = f".{how.pop('form')}"
    if "config" in how:
        try:
            how["thresholds"] = user_thresholds(how.pop("config"))
        except SettingsError as error:
            complain(kind, str(error))
            return ExitCode.USAGE
    options = FigureOptions(**how)
    return plot_tensors(
        words, matches, PlotRequest(kind=kind, options=options, ending=ending, **request)
    )
