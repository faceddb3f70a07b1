"""A figure in the making: how it is drawn, of which model, whether to go on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tensorpeek.tui.figures.figure_options import FigureOptions
from tensorpeek.tui.figures.theme import THEMES, FigureTheme

if TYPE_CHECKING:
    from tensorpeek.analysis.reading import Progress
    from tensorpeek.analysis.stopping import Stop
    from tensorpeek.loaders import Model


def never() -> bool:
    """Return False: the figure is wanted."""
    return False


def idle(share: float) -> None:
    """Take no notice of progress."""


@dataclass(frozen=True, eq=False)
class Draft:
    """What every kind of figure needs; ``stop`` and ``progress`` are for reading values."""

    options: FigureOptions = field(default_factory=FigureOptions)
    model: Model | None = None
    stop: Stop = never
    progress: Progress = idle

    @property
    def theme(self) -> FigureTheme:
        """The colors."""
        return THEMES[self.options.theme]
