"""What was asked of a figure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from tensorpeek.analysis.diagnosis import Thresholds
    from tensorpeek.analysis.heatmap import Curve, Mode
    from tensorpeek.analysis.risk import Scheme
    from tensorpeek.loaders import View

KernelMode = Literal["mean", "peak", "each"]

PANELS = 64
"""Panels on a page of an overview at most."""

MOST_PIXELS = 1 << 26
"""Pixels of a picture at most: a quarter of a gigabyte of colors."""


def _limits() -> Thresholds:
    from tensorpeek.analysis.diagnosis import Thresholds

    return Thresholds()


def _scheme() -> Scheme:
    from tensorpeek.analysis.risk import Scheme

    return Scheme()


@dataclass(frozen=True, kw_only=True)
class FigureOptions:
    """How to draw; each kind of figure looks at what concerns it.

    ``size`` is in inches, width first; None takes what suits the figure. ``colormap`` is a name of
    tensorpeek's heat maps or of matplotlib's; None suits the theme. ``selection`` is the closed
    interval whose values are orange in histograms, ``limits`` the ends of their axis. ``both``
    puts the stored integers beside the values. ``scaling`` None is linear, but for
    grids, whose layers differ much, by percentile. ``plugins`` are files with code that adds
    grids. ``page`` counts from 1 the pages of an overview.
    """

    title: str | None = None
    size: tuple[float, float] | None = None
    dpi: int = 150
    theme: Literal["light", "dark"] = "light"
    colormap: str | None = None
    view: View = "dequantized"
    bins: int = 50
    selection: tuple[float, float] | None = None
    limits: tuple[float, float] | None = None
    log: bool = False
    both: bool = False
    page: int = 1
    mode: Mode = "absmax"
    scaling: Curve | None = None
    kernel_mode: KernelMode = "mean"
    grid: str = "layer-separated"
    plugins: tuple[str, ...] = ()
    huge: bool = False
    scheme: Scheme = field(default_factory=_scheme)
    thresholds: Thresholds = field(default_factory=_limits)
