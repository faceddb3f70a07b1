"""Diagnose many tensors in processes, some of which may be killed on the way."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool

from tensorpeek.analysis.diagnosis.diagnosis import Diagnosis, Request, diagnose
from tensorpeek.analysis.diagnosis.scan import costliest_first, outcome, require_cpu
from tensorpeek.analysis.diagnosis.workers import process_pool
from tensorpeek.loaders import Tensor

LOST_TWICE = "not measured: its worker process ended abruptly, twice (out of memory?)"

Found = tuple[int, Diagnosis]


def scan_in_processes(
    tensors: Sequence[Tensor],
    request: Request,
    jobs: int,
    *,
    on_loss: Callable[[int], None] | None = None,
) -> Generator[Found, None, None]:
    """Yield the place of each tensor and its diagnosis as :func:`scan` does, from ``jobs`` workers.

    When a worker ends abruptly its whole pool is gone. Tensors that were in work or about to be,
    at most two for each worker, are tried again at the end, one at a time; ``on_loss`` is given
    their number. One with which a worker ends twice has a diagnosis with an ``error`` alone.
    Raises ValueError for a request with a device: processes would only share it.
    """
    require_cpu(request)
    waiting = deque(costliest_first(tensors, request))
    again: deque[int] = deque()
    while waiting:
        lost = yield from _in_one_pool(tensors, request, waiting, jobs)
        if lost and on_loss is not None:
            on_loss(len(lost))
        again += lost
    while again:
        lost = yield from _in_one_pool(tensors, request, again, 1, at_once=1)
        for place in lost:
            yield place, Diagnosis(error=LOST_TWICE)


def _in_one_pool(
    tensors: Sequence[Tensor],
    request: Request,
    places: deque[int],
    jobs: int,
    *,
    at_once: int | None = None,
) -> Generator[Found, None, list[int]]:
    """Work ``places`` off until they are empty or the pool breaks; return those in work then."""
    tasks: dict[Future[Diagnosis], int] = {}
    with process_pool(min(jobs, len(places))) as pool:
        try:
            while places or tasks:
                while places and len(tasks) < (at_once or 2 * jobs):
                    task = pool.submit(diagnose, tensors[places[0]], request)
                    tasks[task] = places.popleft()
                for task in wait(tasks, return_when=FIRST_COMPLETED).done:
                    if isinstance(task.exception(), BrokenProcessPool):
                        return list(tasks.values())
                    yield tasks.pop(task), outcome(task)
        except BrokenProcessPool:
            return list(tasks.values())
    return []
