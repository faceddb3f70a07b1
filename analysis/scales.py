"""The scales of a quantized tensor in the order of its channels, gathered to a few columns."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tensorpeek.analysis.saturation import ChannelSaturation, channel_saturation
from tensorpeek.analysis.stopping import Stop, check, never
from tensorpeek.loaders import Tensor

Unit = Literal["channel", "row", "scale"]
"""What scales are told apart by: the quantized axis, the first axis, or only their own order."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ScaleAt:
    """A scale, in the units of the dequantized values, and the index of a channel that has it."""

    value: float
    channel: int


@dataclass(frozen=True, eq=False, kw_only=True)
class ScaleStrip:
    """Scales along the ``channels`` channels of a tensor, ``scales_each`` scales in each of them.

    A channel is an index along the quantized axis (``unit`` is ``channel``); of blockwise scales a
    row of the first axis (``row``) or, where they do not map to rows, one scale (``scale``).

    Column ``c`` gathers the channels ``starts[c]`` to ``starts[c + 1] - 1``; ``low``, ``middle``
    and ``high``, float64, are the smallest, the median and the largest of its finite scales, NaN
    where there is none. ``smallest``, ``median`` and ``largest`` are those of the whole tensor,
    None without a finite scale. Medians of an even number are the mean of the middle two; the
    channel of the median is the first whose scale is nearest to it. ``not_finite`` counts NaN and
    infinite scales. ``saturation`` is known for scales of channels alone.
    """

    unit: Unit
    channels: int
    scales_each: int
    starts: NDArray[np.int64]
    low: Floats
    middle: Floats
    high: Floats
    smallest: ScaleAt | None
    median: ScaleAt | None
    largest: ScaleAt | None
    not_finite: int
    saturation: ChannelSaturation | None

    @property
    def channels_per_column(self) -> int:
        """Channels that a column gathers; the last one may have fewer."""
        return int(self.starts[1]) if self.starts.size > 1 else 1


def scale_strip(tensor: Tensor, columns: int, *, stop: Stop = never) -> ScaleStrip:
    """Gather the scales of a quantized tensor into at most ``columns`` columns of neighbors.

    Reads the scales and, of tensors quantized per channel, the codes once, in bounded memory.
    Without scales there are no columns. ``stop`` is polled for every column and every chunk of
    codes. Raises ValueError when the tensor is not quantized or ``columns`` is below 1, LoadError
    and CancelledError.
    """
    if tensor.quantization is None:
        raise ValueError(f"{tensor.name} is not quantized")
    if columns < 1:
        raise ValueError(f"{columns} columns")
    flat = tensor.quantization.scales()
    check(stop)
    unit, channels = _channels(tensor, flat.size)
    by_channel = flat.reshape(channels, -1) if channels else flat.reshape(0, 1)
    starts = _starts(channels, columns)
    low, middle, high = _gather(by_channel, starts, stop)
    finite = np.flatnonzero(np.isfinite(flat))
    each = by_channel.shape[1]
    smallest, median, largest = _extremes(flat, finite, each)
    check(stop)
    return ScaleStrip(
        unit=unit,
        channels=channels,
        scales_each=each,
        starts=starts,
        low=low,
        middle=middle,
        high=high,
        smallest=smallest,
        median=median,
        largest=largest,
        not_finite=flat.size - finite.size,
        saturation=channel_saturation(tensor, stop=stop) if unit == "channel" else None,
    )


def _channels(tensor: Tensor, scales: int) -> tuple[Unit, int]:
    """Return what the scales are told apart by, and how many of these there are."""
    quantization, shape = tensor.quantization, tensor.shape
    if quantization is None or quantization.axis is None or not scales:
        return "scale", scales
    axis, block = quantization.axis, quantization.block
    if quantization.scheme == "per-channel":
        return ("channel", scales) if scales == shape[axis] else ("scale", scales)
    groups = -(-shape[axis] // (block or 1)) * math.prod(shape[:axis] + shape[axis + 1 :])
    maps = block is not None and axis > 0 and scales == groups
    return ("row", shape[0]) if maps else ("scale", scales)


def _starts(channels: int, columns: int) -> NDArray[np.int64]:
    """Return the first channel of each column, and one end: equal columns but for the last."""
    each = max(-(-channels // columns), 1)
    return np.append(np.arange(0, channels, each, dtype=np.int64), channels)


def _gather(
    by_channel: Floats, starts: NDArray[np.int64], stop: Stop
) -> tuple[Floats, Floats, Floats]:
    """Return the smallest, the median and the largest finite scale of each column."""
    low, middle, high = (np.full(starts.size - 1, np.nan) for _ in range(3))
    for column in range(starts.size - 1):
        check(stop)
        scales = by_channel[starts[column] : starts[column + 1]]
        scales = scales[np.isfinite(scales)]
        if scales.size:
            low[column], high[column] = scales.min(), scales.max()
            middle[column] = _median(scales)
    return low, middle, high


def _extremes(
    flat: Floats, finite: NDArray[np.intp], each: int
) -> tuple[ScaleAt, ScaleAt, ScaleAt] | tuple[None, None, None]:
    """Return the smallest, the median and the largest of the scales at ``finite``."""
    scales = flat[finite]
    if not scales.size:
        return None, None, None
    median = _median(scales)
    with np.errstate(over="ignore"):
        nearest = int(np.abs(scales - median).argmin())
    places = int(scales.argmin()), nearest, int(scales.argmax())
    values = float(scales[places[0]]), median, float(scales[places[2]])
    smallest, middle, largest = (
        ScaleAt(value, int(finite[place]) // each)
        for value, place in zip(values, places, strict=True)
    )
    return smallest, middle, largest


def _median(scales: Floats) -> float:
    """Return the median of finite scales; that of two huge ones does not overflow."""
    half = scales.size // 2
    if scales.size % 2:
        return float(np.partition(scales, half)[half])
    low, high = np.partition(scales, (half - 1, half))[half - 1 : half + 1].tolist()
    return float(low + high) / 2 if math.isfinite(low + high) else low / 2 + high / 2
