"""Lists with commas on the command line of ``scan``."""

from __future__ import annotations

import os
import re

import click

METRIC_NAMES = ("basic", "sparsity", "quantization", "spectral")
"""The groups of measures; written here so that help needs click alone."""

FEWEST_BITS, MOST_BITS = 2, 16


BLAS_VARIABLES = (
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


def limit_blas_threads() -> None:
    """Let a BLAS that is loaded from now on use one thread, unless the user said otherwise.

    Its threads spin while they wait: on a busy machine a small spectrum takes ten times as long.
    ``--jobs`` is the better way to use more cores.
    """
    for name in BLAS_VARIABLES:
        os.environ.setdefault(name, "1")


def metric_names(_context: click.Context, _param: click.Parameter, value: str) -> frozenset[str]:
    """Return the named groups of measures, always with the basic ones."""
    names = [name.strip() for name in value.split(",") if name.strip()]
    for name in names:
        if name not in METRIC_NAMES:
            raise click.BadParameter(f"'{name}' is none of {', '.join(METRIC_NAMES)}")
    return frozenset(("basic", *names))


def device_name(_context: click.Context, _param: click.Parameter, value: str) -> str:
    """Return the name of a device; whether there is one shows when it is needed."""
    if value != "cpu" and re.fullmatch(r"cuda(:[0-9]{1,3})?", value) is None:
        raise click.BadParameter(f"'{value}' is none of cpu, cuda and cuda:N")
    return value


def bit_widths(_context: click.Context, _param: click.Parameter, value: str) -> tuple[int, ...]:
    """Return the widths, widest first, each once."""
    widths = set()
    for word in value.split(","):
        if not (word.strip().isascii() and word.strip().isdigit()):
            raise click.BadParameter(f"'{word}' is no whole number")
        widths.add(int(word.strip()[:9]))
    if not all(FEWEST_BITS <= width <= MOST_BITS for width in widths):
        raise click.BadParameter(f"widths are from {FEWEST_BITS} to {MOST_BITS} bits")
    return tuple(sorted(widths, reverse=True))
