"""Count, channel by channel, the codes that stand at the limits of their type."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorpeek.analysis.quantized import code_limits
from tensorpeek.analysis.reading import watched
from tensorpeek.analysis.stopping import Stop, never
from tensorpeek.loaders import CHUNK, Tensor

MAX_CHANNELS = 1 << 22
"""Channels that are told apart, at most: 64 MiB of counts."""

Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class ChannelSaturation:
    """How many of the ``codes`` codes of each channel stand at the limits of their type.

    ``at_low`` and ``at_high``, int64, have one count for each channel: of the smallest code that
    there can be, and of the largest. There is at least one channel.
    """

    at_low: Counts
    at_high: Counts
    codes: int

    @cached_property
    def counts(self) -> Counts:
        """The saturated codes of each channel, at both ends."""
        return self.at_low + self.at_high

    @property
    def total(self) -> int:
        """Number of saturated codes of all channels."""
        return int(self.counts.sum())

    @property
    def channel(self) -> int:
        """The channel with the most saturated codes, the first of them if several have as many."""
        return int(self.counts.argmax())

    @property
    def count(self) -> int:
        """The saturated codes of that channel."""
        return int(self.counts[self.channel])

    @property
    def others(self) -> int:
        """How many other channels have as many saturated codes as that one."""
        return int((self.counts == self.count).sum()) - 1

    @property
    def percent(self) -> float:
        """Their share of the codes of that channel, 0.0 to 100.0; 0.0 where it has none."""
        return 100.0 * self.count / max(self.codes, 1)


def channel_saturation(tensor: Tensor, *, stop: Stop = never) -> ChannelSaturation | None:
    """Count the saturated codes of each channel in one pass over the codes, in bounded memory.

    The limits are those of :func:`tensorpeek.analysis.quantized.code_limits`. None for tensors that
    are not quantized per channel, have no channel or more than :data:`MAX_CHANNELS`. ``stop`` is
    polled for every chunk. Raises LoadError and CancelledError.
    """
    quantization = tensor.quantization
    if quantization is None or quantization.scheme != "per-channel" or quantization.axis is None:
        return None
    channels = tensor.shape[quantization.axis]
    if not 0 < channels <= MAX_CHANNELS:
        return None
    inner = math.prod(tensor.shape[quantization.axis + 1 :])
    limits = code_limits(tensor, quantization)
    counts = np.zeros((2, channels), np.int64)
    # A chunk has as many codes as there are channels, at least: each one may touch all counts.
    chunks = tensor.chunks("raw", ordered=True, size=max(CHUNK, channels))
    start = 0
    for chunk in watched(chunks, tensor.params, stop):
        codes = _comparable(chunk)
        for end, limit in enumerate(limits):
            found = (np.flatnonzero(codes == limit) + start) // inner % channels
            if found.size:
                counts[end] += np.bincount(found, minlength=channels)
        start += chunk.size
    codes_each = tensor.params // channels
    return ChannelSaturation(at_low=counts[0], at_high=counts[1], codes=codes_each)


def _comparable(codes: NDArray[Any]) -> NDArray[Any]:
    """Return integers as they are, and small floats in a type that compares with numbers."""
    return codes if codes.dtype.kind in "iu" else codes.astype(np.float32)
