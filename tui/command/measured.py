"""Measure a tensor for printing: its statistics, or the reason why there are none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tensorpeek.analysis import (
    Distribution,
    QuantizationFacts,
    Summary,
    measure,
    quantization_facts,
)
from tensorpeek.loaders import LoadError, Tensor, View

Progress = Callable[[float], None]


@dataclass(frozen=True, eq=False)
class MeasuredTensor:
    """The statistics of a tensor in one view.

    ``error`` says why measures are absent: the tensor is empty, holds no finite value, or
    (``unreadable``) could not be read.
    """

    tensor: Tensor
    view: View
    summary: Summary | None
    facts: QuantizationFacts | None
    error: str | None
    unreadable: bool = False


def measure_tensor(tensor: Tensor, view: View, progress: Progress | None = None) -> MeasuredTensor:
    """Read a tensor and measure it; its raw integers as well if it is quantized."""
    try:
        distribution = measure(tensor, view, quantiles=False, progress=progress)
        facts = _facts(tensor, view, distribution)
    except LoadError as error:
        reason = tensor.error or error.reason
        return MeasuredTensor(tensor, view, None, None, reason, unreadable=True)
    summary = distribution.summary
    return MeasuredTensor(tensor, view, summary, facts, absence(summary))


def absence(summary: Summary) -> str | None:
    """Return why a tensor has no minimum, maximum, mean and standard deviation, if so."""
    if summary.finite:
        return None
    return "empty: no values" if not summary.count else "no finite values"


def _facts(tensor: Tensor, view: View, distribution: Distribution) -> QuantizationFacts | None:
    if tensor.quantization is None:
        return None
    raw = distribution if view == "raw" else measure(tensor, "raw", quantiles=False)
    return quantization_facts(tensor, raw)
