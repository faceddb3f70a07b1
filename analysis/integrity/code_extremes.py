"""The extremes of quantized channels, found among their codes."""

from __future__ import annotations

import numpy as np

from tensorpeek.analysis.integrity.channels import ChannelExtremes
from tensorpeek.analysis.reading import Progress, watched
from tensorpeek.analysis.stopping import Stop
from tensorpeek.loaders import Tensor

MOST_BITS = 32
"""Width of codes that float64 holds exactly."""


def code_extremes(
    tensor: Tensor, axis: int, stop: Stop, progress: Progress
) -> ChannelExtremes | None:
    """Return the extremes of the dequantized values of each channel along ``axis``.

    Only codes are looked at: with one scale, values rise or fall with them. None where a channel
    has several scales, or where an extreme is not finite: any value may be NaN then. Raises
    LoadError and CancelledError.
    """
    grid = tensor.quantization
    if grid is None or tensor.codec is not None or tensor.element.kind != "int":
        return None
    per_channel = grid.scheme == "per-channel" and grid.axis == axis
    if not (per_channel or grid.scheme == "per-tensor") or tensor.element.bits > MOST_BITS:
        return None
    decode = grid.decoder(tensor.shape)
    found = ChannelExtremes(tensor.shape, axis)
    for codes in watched(tensor.chunks("raw", ordered=True), tensor.params, stop, progress):
        found.add(codes)
    group = np.arange(tensor.shape[axis], dtype=np.intp) if per_channel else 0
    with np.errstate(all="ignore"):
        ends = [decode(each.astype(np.int64), group) for each in (found.low, found.high)]
    if not all(np.isfinite(each).all() for each in ends):
        return None
    found.low = np.minimum(*ends).astype(np.float64)
    found.high = np.maximum(*ends).astype(np.float64)
    return found
