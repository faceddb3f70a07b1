"""Threads to work in, for commands whose work lets them run side by side."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager

from tensorpeek.analysis.stopping import Stop, never


@contextmanager
def threads(jobs: int) -> Iterator[tuple[Executor | None, Stop]]:
    """Yield an executor of ``jobs`` threads, None for one job, and what their work is to poll.

    When the block is left by an exception, Ctrl+C above all, what has not begun is canceled and
    what is under way is told to stop, and waited for.
    """
    if jobs == 1:
        yield None, never
        return
    is_over = threading.Event()
    with ThreadPoolExecutor(jobs, thread_name_prefix="tensorpeek") as executor:
        try:
            yield executor, is_over.is_set
        except BaseException:
            is_over.set()
            executor.shutdown(wait=False, cancel_futures=True)
            raise
