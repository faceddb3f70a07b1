"""Options that several kinds of figures share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from tensorpeek.tui.command.options import all_option, paths_and_patterns, view_option

Function = TypeVar("Function", bound=Callable[..., object])

LARGEST_SIDE = 100.0
"""Inches of a figure at most."""

Decorator = Callable[[Any], Any]

FIGURE_OPTIONS: tuple[Decorator, ...] = (
    paths_and_patterns,
    click.option(
        "-o",
        "--output",
        required=True,
        type=click.Path(),
        metavar="FILE",
        help="Where to write: .png, .svg, .pdf or .html; or a folder, with a / at its end.",
    ),
    click.option(
        "--format",
        "form",
        type=click.Choice(("png", "svg", "pdf", "html")),
        default="png",
        show_default=True,
        help="Of the files in a folder.",
    ),
    click.option("--force", is_flag=True, help="Replace files that exist."),
    click.option("--title", metavar="TEXT", help="Instead of the name."),
    click.option(
        "--size",
        nargs=2,
        type=click.FloatRange(1, LARGEST_SIDE),
        metavar="WIDTH HEIGHT",
        help="In inches; by default what suits the figure.",
    ),
    click.option(
        "--dpi",
        type=click.IntRange(30, 1200),
        default=150,
        show_default=True,
        help="Pixels to an inch.",
    ),
    click.option(
        "--theme",
        type=click.Choice(("light", "dark")),
        default="light",
        show_default=True,
        help="Dark on light, for paper, or light on dark.",
    ),
    view_option,
    all_option,
)

COLOR_OPTIONS: tuple[Decorator, ...] = (
    click.option(
        "--colormap",
        metavar="NAME",
        help="blue-orange, coolwarm, purple-green, purple-orange, magnitude, or one of "
        "matplotlib's; zero lies in its middle.",
    ),
    click.option(
        "--scaling",
        type=click.Choice(("linear", "log", "percentile")),
        help="How values are spread over colors; linear, for grids percentile.",
    ),
)


def figure_options(function: Function) -> Function:
    """Add what every kind of figure has: PATH, PATTERN, the output, how it looks."""
    return _with(FIGURE_OPTIONS, function)


def color_options(function: Function) -> Function:
    """Add how values become colors."""
    return _with(COLOR_OPTIONS, function)


def _with(options: tuple[Decorator, ...], function: Function) -> Function:
    for option in reversed(options):
        function = option(function)
    return function


pooling_option = click.option(
    "--pool",
    "mode",
    type=click.Choice(("absmax", "mean", "max", "min")),
    default="absmax",
    show_default=True,
    help="What a pixel shows of its values.",
)
huge_option = click.option(
    "--huge", is_flag=True, help="Also spectra that take minutes and gigabytes."
)
config_option = click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="TOML file whose table [thresholds] changes what is judged how.",
)
