"""Weights of two dimensions with a scale, and a zero point, for each group of columns."""

from __future__ import annotations

from dataclasses import dataclass

from tensorpeek.loaders.hf_quantization.matrix import Matrix
from tensorpeek.loaders.hf_quantization.parts import (
    Layer,
    MisfitError,
    Weight,
    derived,
    result_type,
)
from tensorpeek.loaders.hf_quantization.scales import Scales, StoredScales
from tensorpeek.loaders.hf_quantization.spacing import Spacing
from tensorpeek.loaders.hf_quantization.weight_codec import (
    Arithmetic,
    MatrixCodec,
    OffsetsCodec,
    ScalesCodec,
    WeightCodec,
)
from tensorpeek.loaders.quantization import Quantization, Scheme
from tensorpeek.loaders.tensor import Tensor

MAX_INDEX = 1 << 24
"""Columns beyond which a group for each one is refused: they are held in memory."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Grouped:
    """What a weight of ``shape`` is made of.

    ``blocks`` is the axis and the size of its groups where those are no runs of a row, and
    ``channels`` the last axis of those whose indices have a scale each.
    """

    source: str
    bits: int
    shape: tuple[int, ...]
    codes: Matrix
    raw: str
    scale: Tensor
    scales: Scales
    spacing: Spacing
    zero_point: Tensor | None = None
    zero_points: Matrix | None = None
    levels: Matrix | None = None
    result: str | None = None
    factor: float | None = None
    rounds_difference: bool = False
    blocks: tuple[int, int] | None = None
    channels: int | None = None
    arithmetic: Arithmetic = "product"

    @property
    def scheme(self) -> tuple[Scheme, int | None, int | None]:
        """The scheme with its axis and its block."""
        last = len(self.shape) - 1
        if self.levels is not None:
            return "codebook", last, self.spacing.columns
        count = self.scales.rows * self.scales.columns
        if self.channels is not None and self.shape[self.channels] == count:
            return "per-channel", self.channels, None
        if self.scales.columns == 1 and self.scales.rows == self.shape[0]:
            return "per-channel", 0, None
        if self.scales.columns == self.scales.rows == 1:
            return "per-tensor", None, None
        return "blockwise", *(self.blocks or (last, self.spacing.columns))


def grouped(layer: Layer, made: Grouped, *, label: str = "weight") -> Weight:
    """Return the weight: codes, scales and zero points of a layer put together.

    Raises MisfitError when there are no elements or no groups.
    """
    sizes = (*made.shape, made.scales.rows, made.scales.columns)
    if min(*sizes, made.spacing.rows, made.spacing.columns) < 1:
        raise MisfitError("it is empty")
    if made.spacing.index is not None and made.codes.columns > MAX_INDEX:
        raise MisfitError(f"it has {made.codes.columns:,} input features in groups")
    result = made.result or result_type(made.scale.dtype)
    codec = WeightCodec(
        made.codes,
        made.raw,
        result,
        made.scales,
        made.spacing,
        made.zero_points,
        made.levels,
        made.factor,
        made.rounds_difference,
        made.arithmetic,
    )
    scheme, axis, block = made.scheme
    quantization = Quantization(
        scheme=scheme,
        source=made.source,
        bits=made.bits,
        scale=_scale(made),
        zero_point=_zero_point(made),
        axis=axis,
        block=block,
    )
    name, parts = layer.base + label, tuple(layer.used)
    return Weight(name, made.shape, made.raw, parts, quantization, codec)


def _scale(made: Grouped) -> Tensor:
    """Return the scales as a tensor: of their own type where they are stored as they are."""
    plain = isinstance(made.scales, StoredScales) and made.factor is None
    dtype = result_type(made.scale.dtype) if plain else "float32"
    codec = ScalesCodec(made.scales, dtype, made.factor, made.arithmetic == "quotient")
    return derived(made.scale, (made.scales.rows, made.scales.columns), dtype, codec)


def _zero_point(made: Grouped) -> Tensor | None:
    if made.zero_point is None or made.zero_points is None:
        return None
    points = made.zero_points
    shape = (points.rows, points.columns)
    if made.arithmetic == "sum":
        return derived(made.zero_point, shape, "float32", OffsetsCodec(points, made.scales))
    return derived(made.zero_point, shape, points.values, MatrixCodec(points))
