"""What is to be said about the quantization of a tensor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tensorpeek.analysis.distribution import Distribution
from tensorpeek.analysis.patterns import pattern_values
from tensorpeek.loaders import Quantization, Tensor


@dataclass(frozen=True, kw_only=True)
class QuantizationFacts:
    """How a tensor is quantized, and how well its codes use their range.

    ``groups`` is the number of scales; their measures are float64, in the units of the
    dequantized values. Without a scale they are NaN and the extremes of the zero points 0; those
    are of the finite ones.
    ``raw_min`` and ``raw_max`` are the smallest and the largest code in use, None for an empty
    tensor; ``code_low`` and ``code_high`` are the limits of codes of ``bits`` bits, and
    ``at_low`` and ``at_high`` say how many of the ``count`` elements stand at these: saturated
    ones, as a rule.
    """

    scheme: str
    source: str
    bits: int
    axis: int | None
    block: int | None
    scale_mean: float
    scale_min: float
    scale_max: float
    zero_point_mean: float
    zero_point_min: int
    zero_point_max: int
    groups: int
    raw_min: int | None
    raw_max: int | None
    code_low: int
    code_high: int
    at_low: int
    at_high: int
    count: int


def quantization_facts(tensor: Tensor, raw: Distribution) -> QuantizationFacts:
    """Return the facts about a quantized tensor, whose raw view has the distribution ``raw``.

    Reads the scales and zero points. Raises ValueError when the tensor is not quantized,
    LoadError when something cannot be read.
    """
    quantization = tensor.quantization
    if quantization is None:
        raise ValueError(f"{tensor.name} is not quantized")
    scales, points = quantization.scales(), quantization.zero_points()
    some, finite = scales.size > 0, points[np.isfinite(points)]
    code_low, code_high = code_limits(tensor, quantization)
    minimum, maximum = raw.summary.minimum, raw.summary.maximum
    with np.errstate(all="ignore"):
        scale_mean = float(scales.mean()) if some else float("nan")
    return QuantizationFacts(
        scheme=quantization.scheme,
        source=quantization.source,
        bits=quantization.bits,
        axis=quantization.axis,
        block=quantization.block,
        scale_mean=scale_mean,
        scale_min=float(scales.min()) if some else float("nan"),
        scale_max=float(scales.max()) if some else float("nan"),
        zero_point_mean=float(points.mean()) if points.size else float("nan"),
        zero_point_min=int(finite.min()) if finite.size else 0,
        zero_point_max=int(finite.max()) if finite.size else 0,
        groups=scales.size,
        raw_min=None if minimum is None else int(minimum),
        raw_max=None if maximum is None else int(maximum),
        code_low=code_low,
        code_high=code_high,
        at_low=_count_at(raw, code_low),
        at_high=_count_at(raw, code_high),
        count=raw.summary.count,
    )


def code_limits(tensor: Tensor, quantization: Quantization) -> tuple[int, int]:
    """Return the smallest and the largest code of ``quantization.bits`` bits.

    Of codes that are small floats they are the largest finite ones; those of a codebook are
    levels, which may be any value of their type.
    """
    element = tensor.element
    if element.kind != "int":
        values = pattern_values(element.numpy)
        finite = values[np.isfinite(values)]
        return int(finite.min()), int(finite.max())
    if quantization.bits >= element.bits or quantization.scheme == "codebook":
        return element.limits()
    half = 1 << quantization.bits - 1
    return (-half, half - 1) if element.signed else (0, 2 * half - 1)


def _count_at(raw: Distribution, code: int) -> int:
    """Count the elements of one code, without reading when no element reaches it."""
    low, high = raw.summary.minimum, raw.summary.maximum
    if low is None or high is None or not low <= code <= high:
        return 0
    return raw.count_range(code, code).count
