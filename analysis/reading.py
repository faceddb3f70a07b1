"""Read a tensor's values for measuring: in chunks, cancellable, with progress."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorpeek.analysis.stopping import Stop, check

Progress = Callable[[float], None]
"""Told how much of the work is done, from 0.0 to 1.0."""


def idle(share: float) -> None:
    """Take no notice of progress."""


def watched(
    chunks: Iterator[NDArray[Any]], total: int, stop: Stop, progress: Progress = idle
) -> Iterator[NDArray[Any]]:
    """Yield chunks of a tensor of ``total`` elements, polling ``stop`` before each one.

    Values that overflow the type of a scale come as infinities, without a warning. Raises
    LoadError and CancelledError.
    """
    done = 0
    while True:
        check(stop)
        with np.errstate(all="ignore"):
            chunk = next(chunks, None)
        if chunk is None:
            return
        yield chunk
        done += chunk.size
        progress(done / total)
