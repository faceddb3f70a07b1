"""An interval of dequantized values as one of the codes that stand for them."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tensorpeek.loaders import Tensor

FARTHEST = 2.0**62
"""Codes beyond this are as good as infinite."""

FURTHEST_STEP = 1 << 10
"""Codes that float32 takes for one, at most: those of 32 bits."""


def code_interval(tensor: Tensor, low: float, high: float) -> tuple[float, float] | None:
    """Return the closed interval of the raw view that holds the codes of values in [low, high].

    With scale s > 0 and zero point z these are ceil(low / s + z) to floor(high / s + z), put right
    where the rounded products of the dequantized view say otherwise: as many elements lie in the
    one interval as in the other. Infinite ends stay infinite; where no code stands for a value
    inside, both ends are the middle between two codes. None without one affine scale for all values
    that is positive and finite. Raises LoadError.
    """
    quantization = tensor.quantization
    if quantization is None or quantization.scheme != "per-tensor" or tensor.codec is not None:
        return None
    scales, points = quantization.scales(), quantization.zero_points()
    if not scales.size or not (0 < scales[0] < math.inf) or not np.isfinite(points).all():
        return None
    scale, point = float(scales[0]), float(points[0])
    ends = low / scale + point, high / scale + point
    if tensor.element.kind != "int":
        return ends
    decode = quantization.decoder(tensor.shape)
    first = _first_code(ends[0], lambda codes: decode(codes, 0).astype(np.float64) >= low)
    last = _first_code(ends[1], lambda codes: decode(codes, 0).astype(np.float64) > high) - 1
    between = (first + last) / 2
    return (first, last) if first <= last else (between, between)


def _first_code(near: float, passes: Callable[[NDArray[np.int64]], NDArray[np.bool_]]) -> float:
    """Return the first code that passes, which float32 can tell from ``near``, or an infinity."""
    if abs(near) > FARTHEST:
        return math.copysign(math.inf, near)
    apart = 2 + 2 * min(int(np.spacing(np.float32(abs(near)))), FURTHEST_STEP)
    codes = math.ceil(near) + np.arange(-apart, apart + 1)
    return float(codes[int(np.argmax(passes(codes)))])
