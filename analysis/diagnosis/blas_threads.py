"""One thread for NumPy's matrix products: a second one made no spectrum quicker, only busier."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

from tensorpeek.analysis.diagnosis.openblas import numpy_openblas

_lock = threading.Lock()
_users = 0
_before = 1


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Let OpenBLAS use one thread in this block, in the whole process; other libraries go on.

    Two contending threads wait for each other by spinning: where others work on the same cores,
    eigenvalues then take fifty times as long. Blocks may overlap in several threads.
    """
    functions = _functions()
    if functions is None:
        yield
        return
    set_threads, count_threads = functions
    global _users, _before  # noqa: PLW0603 (the number of threads is one for the process, too)
    with _lock:
        _users += 1
        if _users == 1:
            _before = count_threads()
            set_threads(1)
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if not _users:
                set_threads(_before)


@cache
def _functions() -> tuple[Callable[..., int], Callable[..., int]] | None:
    """Return what sets and what tells the number of threads of the OpenBLAS of NumPy's wheels."""
    openblas = numpy_openblas()
    if openblas is None:
        return None
    set_threads = openblas.function("openblas_set_num_threads")
    count_threads = openblas.function("openblas_get_num_threads")
    return None if set_threads is None or count_threads is None else (set_threads, count_threads)
