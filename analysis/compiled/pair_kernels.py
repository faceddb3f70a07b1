"""Kernels over pairs of float32 or float64 values, as functions of arrays."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorpeek.analysis.compiled.library import in_order, loaded_library

_NAMES = {np.dtype(np.float32): "float32", np.dtype(np.float64): "float64"}

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ChannelSums:
    """The sums of (b - a)**2 and of a * a of each channel, of which there may be none.

    A channel has ``inner`` elements side by side, at least one.
    """

    inner: int
    errors: Floats
    signals: Floats


@dataclass(frozen=True, eq=False)
class PairKernels:
    """The kernels for pairs a, b of ``dtype``."""

    loaded: ctypes.CDLL
    dtype: np.dtype[Any]

    def add(
        self,
        a: NDArray[Any],
        b: NDArray[Any],
        start: int,
        channels: ChannelSums,
        totals: Floats,
    ) -> float:
        """Add a block that begins at element ``start`` to ``totals`` and ``channels``, in place.

        The totals are the sums of a * a, b * b, (b - a)**2 and a * b, the largest abs(b - a), and
        how many pairs are not equal. Returns the largest magnitude; when that is not finite,
        nothing was added.
        """
        a, b = in_order(a), in_order(b)
        count = channels.errors.size
        function: Callable[..., float] = getattr(
            self.loaded, f"tensorpeek_pairs_{_NAMES[self.dtype]}"
        )
        return function(
            a.ctypes.data,
            b.ctypes.data,
            a.size,
            start,
            channels.inner,
            max(count, 1),
            channels.errors.ctypes.data if count else None,
            channels.signals.ctypes.data if count else None,
            totals.ctypes.data,
        )


def pair_kernels(dtype: np.dtype[Any]) -> PairKernels | None:
    """Return the kernels for a type, None where NumPy computes."""
    loaded = loaded_library()
    return PairKernels(loaded, dtype) if loaded is not None and dtype in _NAMES else None
