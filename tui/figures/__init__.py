"""Pictures of tensors and models as files for a report: PNG, SVG, PDF, HTML."""

from tensorpeek.tui.figures.errors import FigureError
from tensorpeek.tui.figures.figure_options import FigureOptions
from tensorpeek.tui.figures.save_figure import KINDS, Kind, Subject, save_figure
from tensorpeek.tui.figures.saving import ENDINGS, path_problem

__all__ = [
    "ENDINGS",
    "KINDS",
    "FigureError",
    "FigureOptions",
    "Kind",
    "Subject",
    "path_problem",
    "save_figure",
]
