"""Count bit patterns on a device."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorpeek.analysis.devices.device import Device
from tensorpeek.analysis.devices.sending import Sender


def count_on(device: Device) -> Callable[[Iterable[NDArray[Any]], int], NDArray[np.int64]]:
    """Return what does there as :func:`tensorpeek.analysis.patterns.count_patterns` does here."""
    return partial(_count_patterns, device)


def _count_patterns(
    device: Device, chunks: Iterable[NDArray[Any]], itemsize: int
) -> NDArray[np.int64]:
    """Return how often each pattern of ``itemsize`` (1 or 2) bytes occurs, to the last one.

    Raises DeviceError, and what reading the chunks raises.
    """
    torch = device.torch
    kind, patterns = (torch.int16, 1 << 16) if itemsize == 2 else (torch.uint8, 1 << 8)
    stored = (np.ascontiguousarray(chunk).view(np.uint8) for chunk in chunks)
    with device.watched():
        counts = torch.zeros(patterns, dtype=torch.int64, device=device.place)
    for sent in Sender(device).gathered(stored):
        with device.watched():
            # torch has no sums of unsigned 16 bits: -1 stands for 65535.
            numbers = sent.view(kind).to(torch.int32) & (patterns - 1)
            counts += torch.bincount(numbers, minlength=patterns)
    with device.watched():
        found: NDArray[np.int64] = counts.cpu().numpy()
    return found
