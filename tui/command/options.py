"""Arguments and options that several subcommands share."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar

import click

Function = TypeVar("Function", bound=Callable[..., object])

PAIRS = frozenset({"--range", "--limits"})
"""Options that take two numbers, as two words or as one with a comma."""


class PairCommand(click.Command):
    """A command whose pairs of numbers may be written ``MIN MAX`` or ``MIN,MAX``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Split ``MIN,MAX`` into two words before click counts them."""
        return super().parse_args(ctx, _split_pairs(args))


class AppCommand(click.Command):
    """The command that needs no name: its usage line is the program's own."""

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the usage line without a subcommand."""
        formatter.write_usage(ctx.find_root().command_path, "[OPTIONS] [PATH]...")


def _split_pairs(args: list[str]) -> list[str]:
    words: list[str] = []
    for word in args:
        option, equals, value = word.partition("=")
        if option in PAIRS and equals:
            words += [option, *value.split(",", 1)]
        elif words and words[-1] in PAIRS and "," in word:
            words += word.split(",", 1)
        else:
            words.append(word)
    return words


def interval(
    _context: click.Context, param: click.Parameter, value: tuple[float, float] | None
) -> tuple[float, float] | None:
    """Check that a pair is an interval; infinite ends are for ``--range`` only."""
    if value is None:
        return None
    low, high = value
    if math.isnan(low) or math.isnan(high):
        raise click.BadParameter("NaN is no bound")
    if low > high:
        raise click.BadParameter(f"the lower bound {low:g} is above the upper bound {high:g}")
    if param.name == "limits" and not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise click.BadParameter("the x axis needs two different, finite bounds")
    return value


def number(_context: click.Context, _param: click.Parameter, value: float) -> float:
    """Check that a value is a number: nothing is ever larger than NaN."""
    if math.isnan(value):
        raise click.BadParameter("NaN is no number")
    return value


def paths_and_patterns(function: Function) -> Function:
    """Add the words that name files and select tensors."""
    words = click.argument(
        "words",
        nargs=-1,
        required=True,
        metavar="PATH... [PATTERN]...",
        type=click.Path(readable=False),
    )
    match = click.option(
        "-m",
        "--match",
        "matches",
        multiple=True,
        metavar="PATTERN",
        help="Select tensors by PATTERN, even one that looks like a path.",
    )
    return words(match(function))


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
all_option = click.option(
    "--all",
    "everything",
    is_flag=True,
    help="Also print buffers, constants, optimizer state and activation scales.",
)
view_option = click.option(
    "--view",
    type=click.Choice(("dequantized", "raw")),
    default="dequantized",
    show_default=True,
    help="What to measure of a quantized tensor: its floats or its stored integers.",
)
no_cache_option = click.option(
    "--no-cache", is_flag=True, help="Measure anew, and keep no results for the next time."
)
bins_option = click.option(
    "--bins",
    type=click.IntRange(1, 1000),
    metavar="N",
    default=50,
    show_default=True,
    help="Number of bins; about that many where bins hold whole quantization levels.",
)
range_option = click.option(
    "--range",
    "selection",
    nargs=2,
    type=float,
    callback=interval,
    metavar="MIN MAX",
    help="Count and color what lies in [MIN, MAX]; also MIN,MAX; inf for no bound.",
)
limits_option = click.option(
    "--limits",
    nargs=2,
    type=float,
    callback=interval,
    metavar="MIN MAX",
    help="Draw from MIN to MAX instead of over all values.",
)


def jobs_option(words: str) -> Callable[[Function], Function]:
    """Return the option for how many things work at once; ``words`` say what they are."""
    return click.option(
        "-j",
        "--jobs",
        type=click.IntRange(1, 1024),
        metavar="N",
        default=1,
        show_default=True,
        help=words,
    )
