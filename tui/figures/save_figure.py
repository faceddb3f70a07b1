"""Draw one figure and write it: the door for commands and screens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from tensorpeek.tui.figures.draft import Draft, idle, never
from tensorpeek.tui.figures.drawing import drawing
from tensorpeek.tui.figures.errors import FigureError
from tensorpeek.tui.figures.figure_options import FigureOptions
from tensorpeek.tui.figures.lettering import lettered

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from tensorpeek.analysis.reading import Progress
    from tensorpeek.analysis.stopping import Stop
    from tensorpeek.loaders import Model, Tensor, View
    from tensorpeek.tui.figures.health_point import HealthPoint

# fmt: off
Kind = Literal[
    "hist", "overlay", "overview", "heatmap", "kernels", "spectrum", "risk", "dashboard", "grid"
]
# fmt: on

KINDS: tuple[Kind, ...] = get_args(Kind)

OF_MODELS: frozenset[Kind] = frozenset({"overlay", "overview", "risk", "dashboard", "grid"})
"""Kinds that show many tensors of a model; the others show one."""


@dataclass(frozen=True, eq=False)
class Subject:
    """What a figure is of: one tensor, or many of one model (all of them for None).

    ``points`` are what is known of the tensors already, for ``risk`` and ``dashboard``; without
    them they are measured. One tensor needs no model, but a kernel's axes are told by it.
    """

    tensors: Sequence[Tensor] | None = None
    model: Model | None = None
    points: Sequence[HealthPoint] | None = None

    def chosen(self) -> Sequence[Tensor]:
        """Return the tensors."""
        if self.tensors is not None:
            return self.tensors
        return () if self.model is None else self.model.tensors


def save_figure(  # noqa: PLR0913 (all of them named but the first four)
    kind: Kind,
    subject: Subject,
    path: Path,
    options: FigureOptions | None = None,
    *,
    stop: Stop = never,
    progress: Progress = idle,
) -> None:
    """Read what a figure shows, draw it, and write it to ``path``, all or nothing.

    May run in any thread; figures of one process wait for one another. ``stop`` is polled while
    values are read. A file at ``path`` is replaced: ask ``path_problem`` before. Raises
    FigureError, which tells a user what is wrong, LoadError, OSError and CancelledError.
    """
    from tensorpeek.tui.figures.saving import write_figure

    draft = Draft(options or FigureOptions(), subject.model, stop, progress)
    with drawing(draft.theme):
        figure = make_figure(kind, subject, draft)
        title = lettered(draft.options.title or _name(kind, subject))
        write_figure(figure, path, draft.theme, title, stop=stop)


def make_figure(kind: Kind, subject: Subject, draft: Draft) -> Figure:
    """Return a drawn figure; to be called while its settings are held (:func:`drawing`).

    Raises as :func:`save_figure` does.
    """
    if kind in OF_MODELS:
        if subject.model is None:
            raise FigureError("shows a model, there is none")
        return _of_model(kind, subject, subject.model, draft)
    tensors = subject.chosen()
    if len(tensors) != 1:
        raise FigureError(f"shows one tensor, these are {len(tensors):,}")
    return _of_tensor(kind, tensors[0], draft)


def _of_tensor(kind: Kind, tensor: Tensor, draft: Draft) -> Figure:
    if kind == "heatmap":
        from tensorpeek.tui.figures.heatmap_figure import draw_heatmap

        return draw_heatmap(tensor, draft)
    if kind == "kernels":
        from tensorpeek.tui.figures.kernel_figure import draw_kernels

        return draw_kernels(tensor, draft)
    if kind == "spectrum":
        from tensorpeek.tui.figures.spectrum_figure import draw_spectrum, read_spectrum

        return draw_spectrum(read_spectrum(tensor, draft), tensor, draft)
    from tensorpeek.tui.figures.binned import binned
    from tensorpeek.tui.figures.histogram_figure import draw_histogram

    options = draft.options
    if options.both and len(tensor.views) < 2:
        raise FigureError("is not quantized: it has one view")
    views: tuple[View, ...] = ("raw", "dequantized") if options.both else (options.view,)
    return draw_histogram([binned(tensor, view, draft) for view in views], draft)


def _of_model(kind: Kind, subject: Subject, model: Model, draft: Draft) -> Figure:
    tensors = subject.chosen()
    if kind == "grid":
        from tensorpeek.tui.figures.grid_figure import draw_grid

        return draw_grid(model, tensors, draft)
    if kind == "overlay":
        from tensorpeek.tui.figures.overlay_figure import counted_together, draw_overlay

        return draw_overlay(counted_together(tensors, draft), draft)
    done = _counted(tensors, draft.progress)
    if kind == "overview":
        return _overview(model, tensors, draft, done)
    from tensorpeek.tui.figures.health_point import diagnosed_points, risk_points

    if kind == "risk":
        from tensorpeek.tui.figures.risk_figure import draw_risk

        return draw_risk(subject.points or risk_points(tensors, draft, done), model, draft)
    from tensorpeek.tui.figures.dashboard_figure import draw_dashboard

    return draw_dashboard(subject.points or diagnosed_points(tensors, draft, done), model, draft)


def _overview(
    model: Model, tensors: Sequence[Tensor], draft: Draft, done: Callable[[Tensor], None]
) -> Figure:
    from tensorpeek.tui.figures.overview_figure import (
        draw_overview,
        page_of,
        page_words,
        panel_of,
    )
    from tensorpeek.tui.figures.tensor_words import model_facts

    if not tensors:
        raise FigureError("there are no tensors to draw")
    silent = replace(draft, progress=idle)
    panels = []
    for tensor in page_of(tensors, draft.options.page):
        panels.append(panel_of(tensor, silent))
        done(tensor)
    facts = [model_facts(model), page_words(len(tensors), draft.options.page)]
    return draw_overview(panels, model.name, facts, draft)


def _counted(tensors: Sequence[Tensor], progress: Progress) -> Callable[[Tensor], None]:
    """Return what tells the share of the elements that are done."""
    total = max(sum(tensor.params for tensor in tensors), 1)
    reached = 0

    def done(tensor: Tensor) -> None:
        nonlocal reached
        reached += tensor.params
        progress(reached / total)

    return done


def _name(kind: Kind, subject: Subject) -> str:
    if kind in OF_MODELS and subject.model is not None:
        return subject.model.name
    tensors = subject.chosen()
    return tensors[0].name if tensors else kind
