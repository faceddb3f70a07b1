"""Diagnose many tensors, here or on any executor, the costliest first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future, as_completed

from tensorpeek.analysis.diagnosis.diagnosis import Diagnosis, Request, diagnose
from tensorpeek.loaders import Tensor

PASS = 200
"""What a pass over an element costs, in multiplications of a spectrum: about 150 ns."""


def scan(
    tensors: Sequence[Tensor], request: Request, executor: Executor | None = None
) -> Iterator[tuple[int, Diagnosis]]:
    """Yield the place of each tensor and its diagnosis, as they get done, costliest first.

    With an ``executor`` (processes, threads, a cluster) each tensor is one task; tensors are
    picklable places, not values. When the iterator is closed early, tasks that have not begun are
    cancelled. What a task raises, such as BrokenProcessPool, is raised here, and leaves the other
    tasks to whoever owns the executor.
    """
    order = sorted(range(len(tensors)), key=lambda place: -cost(tensors[place], request))
    if executor is None:
        for place in order:
            yield place, diagnose(tensors[place], request)
        return
    tasks: dict[Future[Diagnosis], int] = {}
    try:
        for place in order:
            tasks[executor.submit(diagnose, tensors[place], request)] = place
        for task in as_completed(tasks):
            yield tasks[task], task.result()
    except GeneratorExit:
        for task in tasks:
            task.cancel()
        raise


def cost(tensor: Tensor, request: Request) -> float:
    """Estimate the work for a tensor, for order and progress, in arbitrary units."""
    params = float(tensor.params)
    if "spectral" not in request.metrics or len(tensor.shape) < 2 or not params:
        return 1 + params
    rows = max(tensor.shape[0], 1)
    return 1 + params + params * min(rows, params / rows) / PASS
