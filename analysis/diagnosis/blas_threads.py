"""One thread for NumPy's matrix products: a second one made no spectrum quicker, only busier."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np

PREFIXES_AND_SUFFIXES = (("scipy_", "64_"), ("scipy_", ""), ("", "64_"), ("", ""))
"""How builds of OpenBLAS name their functions; the first is that of NumPy's own wheels."""

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
    folders = (Path(np.__file__).parent / ".dylibs", Path(np.__file__).parent.parent / "numpy.libs")
    for file in (file for folder in folders for file in folder.glob("*openblas*")):
        try:
            library = ctypes.CDLL(str(file))
        except OSError:
            continue
        for prefix, suffix in PREFIXES_AND_SUFFIXES:
            names = [f"{prefix}openblas_{verb}_num_threads{suffix}" for verb in ("set", "get")]
            if all(hasattr(library, name) for name in names):
                return getattr(library, names[0]), getattr(library, names[1])
    return None
