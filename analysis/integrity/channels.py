"""The extremes of each output channel of a weight, gathered chunk by chunk."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorpeek.loaders import Tensor

MAX_CHANNELS = 1 << 22
"""Channels that are told apart, at most: 64 MiB of extremes."""

_LAST_AXIS = frozenset({"kernel", "recurrent_kernel", "pointwise_kernel"})


def channel_axis(tensor: Tensor) -> int | None:
    """Return the axis of a weight's output channels, None for tensors that have none.

    It is the axis of the scales of a tensor that is quantized per channel, the last axis of a
    Keras kernel (the last but one of a depthwise one), else the first. Tensors with less than two
    axes have no channels.
    """
    if len(tensor.shape) < 2:
        return None
    quantization = tensor.quantization
    if quantization is not None and quantization.scheme == "per-channel":
        return quantization.axis
    if tensor.label == "depthwise_kernel":
        return len(tensor.shape) - 2
    return len(tensor.shape) - 1 if tensor.label in _LAST_AXIS else 0


def row_starts(start: int, stop: int, inner: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the rows of ``inner`` elements that elements ``[start, stop)`` touch.

    The first array holds their numbers, the second where each begins among the elements.
    """
    rows = np.arange(start // inner, (stop - 1) // inner + 1, dtype=np.intp)
    return rows, np.maximum(rows * inner - start, 0)


@dataclass
class ChannelExtremes:
    """Smallest and largest value of each of ``shape[axis]`` channels.

    Values are added in row-major order of ``shape``. A NaN makes both extremes NaN.
    """

    shape: tuple[int, ...]
    axis: int
    low: NDArray[Any] = field(init=False)
    high: NDArray[Any] = field(init=False)
    _next: int = 0

    def __post_init__(self) -> None:
        self.low = np.full(self.shape[self.axis], np.inf)
        self.high = np.full(self.shape[self.axis], -np.inf)

    def add(self, values: NDArray[Any]) -> None:
        """Take in the next values: flat real numbers; only extremes are converted to float64."""
        channels, inner = self.shape[self.axis], math.prod(self.shape[self.axis + 1 :])
        period = channels * inner
        first = min(-self._next % period, values.size)
        last = first + (values.size - first) // period * period
        with np.errstate(invalid="ignore"):
            self._add_rows(values[:first], inner)
            if last > first:
                whole = values[first:last].reshape(-1, channels, inner)
                self._merge(slice(None), whole.min(axis=(0, 2)), whole.max(axis=(0, 2)))
                self._next += last - first
            self._add_rows(values[last:], inner)

    def _add_rows(self, values: NDArray[Any], inner: int) -> None:
        """Take in values that do not touch all channels equally often."""
        if not values.size:
            return
        rows, begins = row_starts(self._next, self._next + values.size, inner)
        self._next += values.size
        # No channel comes twice: there are less values than one round of channels.
        places = rows % self.shape[self.axis]
        self._merge(
            places, np.minimum.reduceat(values, begins), np.maximum.reduceat(values, begins)
        )

    def _merge(
        self, places: NDArray[np.intp] | slice, low: NDArray[Any], high: NDArray[Any]
    ) -> None:
        self.low[places] = np.minimum(self.low[places], low.astype(np.float64))
        self.high[places] = np.maximum(self.high[places], high.astype(np.float64))

    def dead(self) -> NDArray[np.intp]:
        """Return the channels whose values are all zero."""
        return np.flatnonzero((self.low == 0) & (self.high == 0))

    def constant(self) -> NDArray[np.intp]:
        """Return the channels whose values are all equal, finite and not zero."""
        equal = (self.low == self.high) & np.isfinite(self.low) & (self.low != 0)
        return np.flatnonzero(equal)
