"""How stored integers stand for floats: scheme, scale, zero point."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from tensorpeek.loaders.tensor import Tensor

Scheme = Literal["per-tensor", "per-channel", "blockwise"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Quantization:
    """An affine code: value = scale * (code - zero point).

    ``scale`` and ``zero_point`` are tensors of their own (a missing zero point is 0): one element
    for scheme ``per-tensor``; one for each index along ``axis`` for ``per-channel``; for
    ``blockwise`` the weight's shape with ``axis`` divided by ``block``, rounded up. ``bits`` is
    the width of a code, ``source`` says who quantized (``torch qint8``, ``ONNX QLinearConv``).
    """

    scheme: Scheme
    source: str
    bits: int
    scale: Tensor
    zero_point: Tensor | None = None
    axis: int | None = None
    block: int | None = None

    def scales(self) -> NDArray[np.float64]:
        """Read the scales: float64, flat, in the units of the dequantized values."""
        return self.scale.read().astype(np.float64).reshape(-1)

    def zero_points(self) -> NDArray[np.int64]:
        """Read the zero points: int64, flat, one for each scale."""
        if self.zero_point is None:
            return np.zeros(self.scale.params, np.int64)
        points = self.zero_point.read()
        if points.dtype.kind not in "iu":
            points = np.rint(points.astype(np.float64))
        return np.broadcast_to(points.astype(np.int64).reshape(-1), (self.scale.params,))

    def group_index(self, shape: tuple[int, ...], start: int, stop: int) -> NDArray[np.intp]:
        """Return which scale belongs to each element ``[start, stop)`` in row-major order."""
        if self.scheme == "per-tensor" or self.axis is None:
            return np.zeros(stop - start, np.intp)
        inner = math.prod(shape[self.axis + 1 :])
        first, last = start // inner, (stop - 1) // inner
        rows = np.arange(first, last + 1, dtype=np.intp)
        begins, ends = np.maximum(rows * inner, start), np.minimum((rows + 1) * inner, stop)
        outer, position = np.divmod(rows, shape[self.axis])
        if self.block is None:
            return np.repeat(position, ends - begins)
        blocks = -(-shape[self.axis] // self.block)
        groups = np.repeat((outer * blocks + position // self.block) * inner, ends - begins)
        within: NDArray[np.intp] = np.arange(start, stop, dtype=np.intp) % inner
        return groups + within

    def dequantize(
        self, codes: Iterator[NDArray[Any]], shape: tuple[int, ...]
    ) -> Iterator[NDArray[Any]]:
        """Turn chunks of codes, in row-major order of ``shape``, into floats.

        The arithmetic is that of ONNX DequantizeLinear and of torch's ``dequantize``: the integer
        difference is exact, the product is taken in float32 and rounded to the scale's type
        (float32 where the file holds a float64 scale, as torch does).
        """
        scale_type = np.dtype(np.float32) if self.scale.dtype == "float64" else None
        result = scale_type or self.scale.element.numpy
        scales, points = self.scales().astype(np.float32), self.zero_points()
        start = 0
        for chunk in codes:
            difference = chunk.astype(np.int64)
            if self.scheme == "per-tensor":
                yield ((difference - points[0]).astype(np.float32) * scales[0]).astype(result)
                continue
            group = self.group_index(shape, start, start + chunk.size)
            start += chunk.size
            difference -= points[group]
            yield (difference.astype(np.float32) * scales[group]).astype(result)
