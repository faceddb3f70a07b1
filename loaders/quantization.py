"""How stored integers stand for floats: scheme, scale, zero point."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from tensorpeek.loaders.dtypes import DTYPES
from tensorpeek.loaders.errors import LoadError

if TYPE_CHECKING:
    from tensorpeek.loaders.codec import BlockScales
    from tensorpeek.loaders.tensor import Tensor

Scheme = Literal["per-tensor", "per-channel", "blockwise", "codebook"]

SMALL = 1 << 22
"""Zero points below which float32 holds the difference to a code of 16 bits exactly."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Quantization:
    """An affine code: value = scale * (code - zero point).

    ``scale`` and ``zero_point`` are tensors of their own (a missing zero point is 0): one element
    for scheme ``per-tensor``; one for each index along ``axis`` for ``per-channel``; for
    ``blockwise`` the weight's shape with ``axis`` divided by ``block``, rounded up. ``bits`` is
    the width of a code, ``source`` says who quantized (``torch qint8``, ``ONNX QLinearConv``).
    The codes of a ``codebook`` are indices: the raw view has the levels they stand for, or the
    indices where levels are floats.

    ``result`` names the type of the dequantized values where it is not that of the scale.

    ``scale`` is None where scales lie among the codes; then ``within`` reads them, if it can, and
    the tensor has a codec.
    """

    scheme: Scheme
    source: str
    bits: int
    scale: Tensor | None
    zero_point: Tensor | None = None
    axis: int | None = None
    block: int | None = None
    within: BlockScales | None = None
    result: str | None = None

    def scales(self) -> NDArray[np.float64]:
        """Read the scales: float64, flat, in the units of the dequantized values.

        Empty where scales lie among the codes and cannot be told.
        """
        if self.scale is None:
            return self.within.scales() if self.within is not None else np.empty(0)
        with np.errstate(invalid="ignore"):  # a signaling NaN becomes a quiet one
            return self.scale.read().astype(np.float64).reshape(-1)

    @property
    def value_type(self) -> np.dtype[Any]:
        """The NumPy type of the dequantized values: ``result``, or the scale's.

        It is float32 where the file holds a float64 scale.
        """
        if self.result is not None:
            return DTYPES[self.result].numpy
        if self.scale is None:
            return np.dtype(np.float32)
        element = self.scale.element
        return np.dtype(np.float32) if element.name == "float64" else element.numpy

    def zero_points(self) -> NDArray[Any]:
        """Read the zero points: flat, one for each scale; float64 where int64 cannot hold them.

        torch's ``per_channel_affine_float_qparams`` has zero points such as 7.5. There are none
        where scales lie among the codes.
        """
        if self.scale is None:
            return np.empty(0, np.int64)
        if self.zero_point is None:
            return np.zeros(self.scale.params, np.int64)
        points = self.zero_point.read()
        if points.dtype.kind not in "iu":
            with np.errstate(invalid="ignore"):
                points = points.astype(np.float64)
            is_whole = (np.abs(points) < 1 << 63) & (points == np.rint(points))
            if not is_whole.all():
                return np.broadcast_to(points.reshape(-1), (self.scale.params,))
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

        See :meth:`decoder` for the arithmetic.
        """
        decode = self.decoder(shape)
        start = 0
        for chunk in codes:
            if self.scheme == "per-tensor":
                yield decode(chunk, 0)
                continue
            yield decode(chunk, self.group_index(shape, start, start + chunk.size))
            start += chunk.size

    def groups(self, shape: tuple[int, ...]) -> int:
        """Return how many scales a tensor of ``shape`` needs."""
        if self.scheme == "per-tensor" or self.axis is None:
            return 1
        if self.block is None:
            return shape[self.axis]
        return math.prod(shape[: self.axis] + shape[self.axis + 1 :]) * (
            -(-shape[self.axis] // self.block)
        )

    def decoder(
        self, shape: tuple[int, ...]
    ) -> Callable[[NDArray[Any], NDArray[np.intp] | int], NDArray[Any]]:
        """Read the scales; return what turns codes, and the index of each one's scale, into floats.

        The arithmetic is that of ONNX DequantizeLinear and of torch's ``dequantize``: the integer
        difference is exact, the product is taken in float32 and rounded to the scale's type
        (float32 where the file holds a float64 scale, as torch does). With float64 scales of
        channels torch takes the product in float64 (ATen's dequantize_tensor_per_channel_affine).
        Raises LoadError when there are not as many scales as a tensor of ``shape`` needs, and
        ValueError when they lie among the codes.
        """
        if self.scale is None:
            raise ValueError("the scales lie among the codes")
        self._check_counts(self.scale, shape)
        result = self.value_type
        scales, points = self.scales(), self.zero_points()
        if self.scheme != "per-channel" or self.scale.dtype != "float64":
            with np.errstate(over="ignore"):
                scales = scales.astype(np.float32)

        small = points.dtype.kind == "i" and bool(np.all((points < SMALL) & (points > -SMALL)))
        shifted = bool(np.any(points))

        def decode(codes: NDArray[Any], group: NDArray[np.intp] | int) -> NDArray[Any]:
            is_integer = codes.dtype.kind in "iu"  # float8 codes have zero points of 0
            exact = points.dtype if is_integer else np.dtype(np.float64)
            if is_integer and small and codes.itemsize <= 2:
                exact = np.dtype(np.float32)
            difference = codes.astype(exact)
            if shifted:
                difference -= points[group].astype(exact)
            with np.errstate(over="ignore", invalid="ignore"):
                product = difference.astype(scales.dtype, copy=False) * scales[group]
                return product.astype(result, copy=False)

        return decode

    def _check_counts(self, scale: Tensor, shape: tuple[int, ...]) -> None:
        need = self.groups(shape)
        points = 1 if self.zero_point is None else self.zero_point.params
        if scale.params != need or points not in {1, need}:
            reason = f"has {scale.params:,} scales and {points:,} zero points"
            raise LoadError(scale.source, f"{reason} where its shape needs {need:,}")
