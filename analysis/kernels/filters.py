"""The filters of a convolution kernel: a map of each over its inputs, its norm, its values."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorpeek.analysis.diagnosis.unmeasurable import UnmeasurableError
from tensorpeek.analysis.kernels.blocks import Place, blocks
from tensorpeek.analysis.kernels.layouts import KernelLayout
from tensorpeek.analysis.reading import Progress, idle
from tensorpeek.analysis.stopping import Stop, never
from tensorpeek.analysis.wide_scan import is_complex
from tensorpeek.loaders import Tensor, View

DEAD = 1e-6
"""Largest magnitude of a filter that does nothing: the near zero of the sparsity measure."""

MOST_PLACES = 1 << 22
"""Places of all filters together, at most: two maps of 32 MiB."""

MOST_FILTERS = 1 << 16
"""Filters, at most: no network has so many in one layer, and each one costs work on the screen."""

MOST_HELD = 1 << 25
"""Elements of a kernel that is kept whole, at most."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class Kernel:
    """A tensor in a view, read as a convolution's kernel with this order of axes."""

    tensor: Tensor
    view: View
    layout: KernelLayout


@dataclass(frozen=True, eq=False, kw_only=True)
class Filters:
    """What is known about each of F filters of I inputs and ``sides`` D, H and W.

    ``mean`` and ``peak`` of shape (F, D, H, W) are the mean over the inputs, accumulated in
    float64, and the largest magnitude; NaN where an input is NaN, and infinite where one is.
    ``norms`` are the L2 norms of the finite values, ``low`` and ``high`` their extremes (NaN
    without any), ``not_finite`` counts the others. ``values``, of shape (F, I, D, H, W) and the
    view's own type, are None for kernels of more than :data:`MOST_HELD` elements.
    """

    layout: KernelLayout
    inputs: int
    mean: Floats
    peak: Floats
    norms: Floats
    low: Floats
    high: Floats
    not_finite: NDArray[np.int64]
    values: NDArray[Any] | None

    @property
    def count(self) -> int:
        """Number of filters."""
        return len(self.norms)

    @property
    def sides(self) -> tuple[int, int, int]:
        """Depth, height and width of a filter."""
        depth, height, width = self.mean.shape[1:]
        return depth, height, width

    @property
    def dead(self) -> NDArray[np.bool_]:
        """Which filters have no value of a magnitude above :data:`DEAD`."""
        with np.errstate(invalid="ignore"):
            silent: NDArray[np.bool_] = self.peak.max(axis=(1, 2, 3)) <= DEAD
        dead: NDArray[np.bool_] = silent & (self.not_finite == 0)
        return dead


def read_filters(
    kernel: Kernel,
    *,
    stop: Stop = never,
    progress: Progress = idle,
) -> Filters:
    """Read a kernel once and reduce each filter over its inputs.

    Memory stays within a few chunks, the maps, and the kernel where it is held. Raises
    UnmeasurableError for complex values and too many filters or places, LoadError and
    CancelledError.
    """
    tensor, view, layout = kernel.tensor, kernel.view, kernel.layout
    if is_complex(tensor.value_type(view)):
        raise UnmeasurableError("complex values have no sign to show")
    sums = _Sums(tensor.shape, layout)
    held = _held(tensor, view)
    start = 0
    for place, values in blocks(tensor, view, stop, progress):
        sums.add(place, values)
        if held is not None:
            held[start : start + values.size] = values.reshape(-1)
            start += values.size
    whole = None if held is None else held.reshape(tensor.shape)
    return sums.filters(None if whole is None else _canonical(whole, layout))


def read_input(
    kernel: Kernel,
    index: int,
    *,
    stop: Stop = never,
    progress: Progress = idle,
) -> Floats:
    """Read what all filters have for one input: (F, D, H, W).

    Raises IndexError for an input that there is not, UnmeasurableError for too many places,
    LoadError and CancelledError.
    """
    sums = _Sums(kernel.tensor.shape, kernel.layout)
    if not 0 <= index < sums.inputs:
        raise IndexError(index)
    part = np.zeros_like(sums.total)
    for place, values in blocks(kernel.tensor, kernel.view, stop, progress):
        there, block = sums.turned(place, values)
        inputs = there[sums.outputs] if kernel.layout.has_input else slice(0, 1)
        if inputs.start <= index < inputs.stop:
            part[sums.map_place(there)] = block.take(index - inputs.start, sums.outputs)
    return sums.flat(part)


def read_filter(
    kernel: Kernel,
    index: int,
    *,
    stop: Stop = never,
    progress: Progress = idle,
) -> NDArray[Any]:
    """Read one filter: (I, D, H, W), in the view's own type.

    Raises IndexError for a filter that there is not, UnmeasurableError for one that is too large,
    LoadError and CancelledError.
    """
    tensor, layout = kernel.tensor, kernel.layout
    sums = _Sums(tensor.shape, layout)
    channels = np.unravel_index(index, sums.total.shape[: sums.outputs])
    sides = layout.sides(tensor.shape)
    if sums.inputs * math.prod(sides) > MOST_HELD:
        raise UnmeasurableError("a filter of too many values")
    shape = tuple(tensor.shape[axis] for axis in layout.axes)[sums.outputs :]
    found = np.zeros(shape, tensor.value_type(kernel.view))
    for place, values in blocks(tensor, kernel.view, stop, progress):
        there, block = sums.turned(place, values)
        own = tuple(
            int(channel) - at.start
            for at, channel in zip(there[: sums.outputs], channels, strict=True)
        )
        if all(0 <= at < length for at, length in zip(own, block.shape, strict=False)):
            found[there[sums.outputs :]] = block[own]
    return found.reshape(sums.inputs, *sides)


class _Sums:
    """Maps of all filters, with one axis for each axis of outputs and of space."""

    def __init__(self, shape: tuple[int, ...], layout: KernelLayout) -> None:
        self.layout = layout
        self.sides = layout.sides(shape)
        turned = tuple(shape[axis] for axis in layout.axes)
        self.outputs = len(layout.outputs)
        self.inputs = turned[self.outputs] if layout.has_input else 1
        places = turned[: self.outputs] + turned[self.outputs + int(layout.has_input) :]
        if math.prod(turned[: self.outputs]) > MOST_FILTERS:
            raise UnmeasurableError(f"more than {MOST_FILTERS:,} filters")
        if math.prod(places) > MOST_PLACES:
            raise UnmeasurableError(f"more than {MOST_PLACES:,} places in all filters")
        self.total, self.peak = np.zeros(places), np.zeros(places)
        channels = turned[: self.outputs]
        self.squares = np.zeros(channels)
        self.low, self.high = np.full(channels, np.inf), np.full(channels, -np.inf)
        self.bad = np.zeros(channels, np.int64)

    def turned(self, place: Place, values: NDArray[Any]) -> tuple[Place, NDArray[Any]]:
        """Return a block with outputs first, then inputs (one if there is no axis), then space."""
        block = values.transpose(self.layout.axes)
        if not self.layout.has_input:
            block = np.expand_dims(block, self.outputs)
        return tuple(place[axis] for axis in self.layout.axes), block

    def map_place(self, place: Place) -> Place:
        """Return where a block's place lies in a map."""
        return place[: self.outputs] + place[self.outputs + int(self.layout.has_input) :]

    def add(self, place: Place, values: NDArray[Any]) -> None:
        """Take in a block."""
        there, block = self.turned(place, values.astype(np.float64))
        channels, spot = there[: self.outputs], self.map_place(there)
        rest = tuple(range(self.outputs, block.ndim))
        with np.errstate(all="ignore"):
            self.total[spot] += block.sum(axis=self.outputs)
            size = np.abs(block).max(axis=self.outputs)
            self.peak[spot] = np.maximum(self.peak[spot], size)
            finite = np.isfinite(block)
            good = np.where(finite, block, 0.0)
            self.squares[channels] += np.square(good).sum(axis=rest)
        self.bad[channels] += np.count_nonzero(~finite, axis=rest)
        low = np.where(finite, block, np.inf).min(axis=rest)
        high = np.where(finite, block, -np.inf).max(axis=rest)
        self.low[channels] = np.minimum(self.low[channels], low)
        self.high[channels] = np.maximum(self.high[channels], high)

    def flat(self, part: Floats) -> Floats:
        """Return a map with one axis of filters and three of space."""
        return part.reshape(-1, *self.sides)

    def filters(self, values: NDArray[Any] | None) -> Filters:
        """Return what the blocks gave."""
        empty = self.low > self.high
        with np.errstate(all="ignore"):
            mean = self.flat(self.total / self.inputs)
        return Filters(
            layout=self.layout,
            inputs=self.inputs,
            mean=mean,
            peak=self.flat(self.peak),
            norms=np.sqrt(self.squares).reshape(-1),
            low=np.where(empty, np.nan, self.low).reshape(-1),
            high=np.where(empty, np.nan, self.high).reshape(-1),
            not_finite=self.bad.reshape(-1),
            values=values,
        )


def _held(tensor: Tensor, view: View) -> NDArray[Any] | None:
    if tensor.params > MOST_HELD:
        return None
    return np.empty(tensor.params, tensor.value_type(view))


def _canonical(values: NDArray[Any], layout: KernelLayout) -> NDArray[Any]:
    """Return a kernel as (F, I, D, H, W); only that of two output axes is copied."""
    turned = values.transpose(layout.axes)
    outputs = len(layout.outputs)
    inputs = turned.shape[outputs] if layout.has_input else 1
    return turned.reshape(-1, inputs, *layout.sides(values.shape))
