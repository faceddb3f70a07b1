"""The screens of the app, in the order of their keys: a new one is a package and a line here."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from tensorpeek.tui.screens.tab_screen import TabScreen
    from tensorpeek.tui.session import Session


@dataclass(frozen=True)
class Tab:
    """A screen that a digit opens, and where its class is; imported when it is first shown."""

    key: str
    name: str
    title: str
    tooltip: str
    module: str
    screen: str

    def make(self, session: Session) -> TabScreen:
        """Return a new screen over ``session``."""
        return self.load()(session)

    def load(self) -> type[TabScreen]:
        """Import the screen's class."""
        return cast("type[TabScreen]", getattr(import_module(self.module), self.screen))


TABS = (
    Tab(
        "1",
        "histogram",
        "Histogram",
        "Histogram and statistics of a tensor",
        "tensorpeek.tui.histogram.screen",
        "HistogramScreen",
    ),
    Tab(
        "2",
        "layers",
        "Layers",
        "All tensors in a table: sort, filter, mark",
        "tensorpeek.tui.layers.screen",
        "LayersScreen",
    ),
    Tab(
        "3",
        "heatmap",
        "Heatmap",
        "A tensor, or the whole model, as a picture",
        "tensorpeek.tui.heatmap.screen",
        "HeatmapScreen",
    ),
    Tab(
        "4",
        "kernels",
        "Kernels",
        "Filters of convolutions as tiles",
        "tensorpeek.tui.kernels.kernels_screen",
        "KernelsScreen",
    ),
    Tab(
        "5",
        "spectrum",
        "Spectrum",
        "Singular values of a tensor, and what noise would have",
        "tensorpeek.tui.spectrum.screen",
        "SpectrumScreen",
    ),
    Tab(
        "6",
        "risk",
        "Risk",
        "The whole model: what quantizing it would cost, its health",
        "tensorpeek.tui.risk.screen",
        "RiskScreen",
    ),
    Tab(
        "7",
        "compare",
        "Compare",
        "Two models side by side",
        "tensorpeek.tui.compare.compare_screen",
        "CompareScreen",
    ),
)


def tab_named(name: str) -> Tab:
    """Return the screen with this name."""
    return next(tab for tab in TABS if tab.name == name)
