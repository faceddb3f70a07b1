"""Compare many pairs of tensors, here or on any executor."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from concurrent.futures import Executor
from functools import partial

from tensorpeek.analysis.comparison.compare import Comparison, compare
from tensorpeek.analysis.comparison.pairing import Pair
from tensorpeek.analysis.reading import Progress, idle
from tensorpeek.analysis.stopping import Stop, never


def compare_pairs(
    pairs: Sequence[Pair],
    executor: Executor | None = None,
    *,
    stop: Stop = never,
    progress: Progress = idle,
) -> Generator[Comparison, None, None]:
    """Yield what :func:`compare` finds of each pair, in their order.

    Without an ``executor`` each is compared when it is asked for. With one (threads, which the
    kernels let work side by side, processes, a cluster) the largest begin first; ``stop`` and
    ``progress``, which is told the share of whatever pair is read, are then for threads alone. When
    the iterator is left early, pairs that have not begun are canceled. Raises CancelledError, and
    what an executor raises that lost a task.
    """
    task = partial(compare, stop=stop, progress=progress)
    if executor is None:
        yield from map(task, pairs)
        return
    largest_first = sorted(range(len(pairs)), key=lambda place: -pairs[place].first.params)
    futures = {place: executor.submit(task, pairs[place]) for place in largest_first}
    try:
        for place in range(len(pairs)):
            yield futures.pop(place).result()
    finally:
        for future in futures.values():
            future.cancel()
