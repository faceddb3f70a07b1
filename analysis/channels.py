"""Count the codes of each channel of a tensor that is quantized per channel."""

from __future__ import annotations

import numpy as np

from tensorpeek.analysis.reading import Progress, watched
from tensorpeek.analysis.stopping import Stop, check
from tensorpeek.analysis.table import CountTable, table_of
from tensorpeek.loaders import CHUNK, Quantization, Tensor

MAX_KEYS = 1 << 22
"""Pairs of channel and code that may be counted: 32 MiB, and thrice that for a table of them."""


def can_count_channels(tensor: Tensor) -> bool:
    """Say whether codes fit a table of channel and code that is no larger than the tensor."""
    quantization = tensor.quantization
    if quantization is None or quantization.scheme != "per-channel" or tensor.codec is not None:
        return False
    if tensor.element.kind != "int" or tensor.element.bits > 8:
        return False
    keys = quantization.groups(tensor.shape) << tensor.element.bits
    return keys <= min(MAX_KEYS, max(CHUNK, tensor.params))


def count_channels(
    tensor: Tensor, quantization: Quantization, stop: Stop, progress: Progress
) -> CountTable:
    """Return the table of dequantized values, each distinct code of a channel dequantized once.

    Raises LoadError and CancelledError.
    """
    decode = quantization.decoder(tensor.shape)
    levels, lowest = 1 << tensor.element.bits, tensor.element.limits()[0]
    counts = np.zeros(quantization.groups(tensor.shape) * levels, np.int64)
    start = 0
    # A chunk of the table's size at least: each one may touch the whole table.
    size = max(CHUNK, counts.size // 4)
    chunks = tensor.chunks("raw", ordered=True, size=size)
    for codes in watched(chunks, tensor.params, stop, progress):
        channel = quantization.group_index(tensor.shape, start, start + codes.size)
        start += codes.size
        first, last = int(channel.min()), int(channel.max())
        keys = (channel - first) * levels + (codes.astype(np.intp) - lowest)
        found = np.bincount(keys, minlength=(last - first + 1) * levels)
        counts[first * levels : (last + 1) * levels] += found
    present = np.flatnonzero(counts)
    channel, code = present >> tensor.element.bits, present & (levels - 1)
    with np.errstate(all="ignore"):
        values = decode(code + lowest, channel).astype(np.float64)
    check(stop)
    return table_of(values, counts[present], integers=False, stop=stop)
