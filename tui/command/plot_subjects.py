"""Which tensors and models the figures of a command line show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tensorpeek.analysis.diagnosis.conv1d import outputs_last, stores_conv1d
from tensorpeek.loaders import Model, Tensor
from tensorpeek.tui.figures import Kind
from tensorpeek.tui.figures.save_figure import OF_MODELS

if TYPE_CHECKING:
    from tensorpeek.tui.command.plot import PlotRequest
    from tensorpeek.tui.command.selection import Selection


@dataclass
class Task:
    """One figure: of what, under which name, and into which file."""

    name: str
    model: Model
    tensors: Sequence[Tensor]
    kind: Kind
    path: Path = field(default_factory=Path)

    @property
    def is_of_model(self) -> bool:
        """Whether it shows many tensors of a model."""
        return self.kind in OF_MODELS

    @property
    def cost(self) -> float:
        """The work, in elements to read."""
        return 1.0 + sum(tensor.params for tensor in self.tensors)


def tasks_for(models: Sequence[Model], selection: Selection, request: PlotRequest) -> list[Task]:
    """Return the figures to draw, in the order of files and tensors."""
    kind, tasks = request.kind, []
    if kind == "overlay":
        tensors = [one for model in models for one in selected(model, selection, request)]
        name = ", ".join(dict.fromkeys(model.name for model in models))
        return [Task(name, models[0], tensors, kind)] if tensors else []
    for model in models:
        tensors = selected(model, selection, request)
        before = f"{model.name}-" if len(models) > 1 else ""
        if kind not in OF_MODELS:
            tasks += [Task(before + one.name, model, [one], kind) for one in tensors]
        elif tensors:
            tasks.append(Task(model.name, model, tensors, kind))
    return tasks


def selected(model: Model, selection: Selection, request: PlotRequest) -> list[Tensor]:
    """Return the tensors of a model that a kind of figure can show, or all that were named."""
    everything, kind = request.everything, request.kind
    tensors = selection.tensors(model, everything=everything)
    if kind == "grid":
        return tensors
    if kind in {"risk", "dashboard"}:
        if not (selection.patterns or everything):
            tensors = _matrices(tensors) or tensors
        is_turned = kind == "risk" and stores_conv1d(model.tensors)
        return [outputs_last(tensor) for tensor in tensors] if is_turned else tensors
    if not (selection.patterns or everything):
        tensors = [tensor for tensor in tensors if tensor.role == "weight"] or tensors
    fit = tensors
    if kind == "spectrum":
        fit = _matrices(tensors)
    elif kind == "kernels":
        from tensorpeek.analysis.kernels import kernel_layout

        fit = [tensor for tensor in tensors if kernel_layout(tensor, model) is not None]
    elif request.options.both:
        fit = [tensor for tensor in tensors if len(tensor.views) > 1]
    return fit or tensors


def _matrices(tensors: Sequence[Tensor]) -> list[Tensor]:
    return [tensor for tensor in tensors if len(tensor.shape) > 1 and tensor.params]
