"""Check the values of one tensor in one pass."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorpeek.analysis.integrity.channels import MAX_CHANNELS, ChannelExtremes, channel_axis
from tensorpeek.analysis.integrity.code_extremes import code_extremes
from tensorpeek.analysis.integrity.findings import Finding, rule_of
from tensorpeek.analysis.reading import Progress, idle, watched
from tensorpeek.analysis.single_precision import single
from tensorpeek.analysis.stopping import Stop, never
from tensorpeek.loaders import LoadError, Tensor

SHOWN = 8
"""Channels that a message tells by number."""


@dataclass(frozen=True, slots=True)
class TensorCheck:
    """The findings in one tensor, and why (a part of) it was not checked, None if all was."""

    tensor: Tensor
    findings: tuple[Finding, ...] = ()
    unchecked: str | None = None


def check_tensor(tensor: Tensor, *, stop: Stop = never, progress: Progress = idle) -> TensorCheck:
    """Read a tensor once, dequantized if it is quantized, and say what is wrong with its values.

    NaN and infinities are looked for in all tensors; a complex value is NaN or infinite when one
    of its parts is. Zero and constant channels are looked for in weights whose channels have two
    values or more, along :func:`channel_axis`. Memory stays within a few chunks and two numbers
    a channel. An empty tensor has no findings. A tensor that cannot be read has the finding that
    says why, and is unchecked. Raises CancelledError when ``stop`` says so.
    """
    if tensor.error is not None:
        return _unreadable(tensor, tensor.error)
    pass_over = _Pass(tensor)
    try:
        if pass_over.look_at_codes(stop, progress):
            return TensorCheck(tensor, tuple(pass_over.findings()), pass_over.unchecked)
        chunks = tensor.chunks("dequantized", ordered=pass_over.extremes is not None)
        for chunk in watched(chunks, tensor.params, stop, progress):
            pass_over.add(chunk)
    except LoadError as error:
        return _unreadable(tensor, error.reason.removeprefix(f"{tensor.name}: "))
    return TensorCheck(tensor, tuple(pass_over.findings()), pass_over.unchecked)


def _unreadable(tensor: Tensor, reason: str) -> TensorCheck:
    return TensorCheck(tensor, (Finding(rule_of(reason), tensor.name, reason),), reason)


class _Pass:
    """What one pass over a tensor has seen so far."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor
        self.nan = self.infinite = 0
        self.low, self.high = math.inf, -math.inf
        self.unchecked: str | None = None
        self.extremes = self._channels()

    def _channels(self) -> ChannelExtremes | None:
        tensor, axis = self.tensor, channel_axis(self.tensor)
        if axis is None or tensor.role != "weight" or tensor.element.kind in {"complex", "bool"}:
            return None
        channels = tensor.shape[axis]
        if tensor.params < 2 * channels or not tensor.params:
            return None
        if channels > MAX_CHANNELS:
            self.unchecked = f"its {channels:,} channels were not told apart, they are too many"
            return None
        return ChannelExtremes(tensor.shape, axis)

    def look_at_codes(self, stop: Stop, progress: Progress) -> bool:
        """Take in a quantized tensor by its codes; say whether these tell all."""
        if self.extremes is None:
            return False
        found = code_extremes(self.tensor, self.extremes.axis, stop, progress)
        if found is None:
            return False
        self.extremes = found
        self.low, self.high = float(found.low.min()), float(found.high.max())
        return True

    def add(self, chunk: NDArray[Any]) -> None:
        """Take in the next chunk of values."""
        if _is_complex(chunk.dtype):
            self._count_complex(chunk)
            return
        values = _comparable(chunk)
        low, high = values.min(), values.max()
        if values.dtype.kind == "f" and not (np.isfinite(low) and np.isfinite(high)):
            self.nan += int(np.count_nonzero(np.isnan(values)))
            self.infinite += int(np.count_nonzero(np.isinf(values)))
        self.low, self.high = np.minimum(self.low, low), np.maximum(self.high, high)
        if self.extremes is not None:
            self.extremes.add(values)

    def _count_complex(self, chunk: NDArray[Any]) -> None:
        real, imaginary = (chunk.real, chunk.imag) if chunk.dtype.kind == "c" else _parts(chunk)
        nan = np.isnan(real) | np.isnan(imaginary)
        infinite = (np.isinf(real) | np.isinf(imaginary)) & ~nan
        self.nan += int(np.count_nonzero(nan))
        self.infinite += int(np.count_nonzero(infinite))

    def findings(self) -> Iterator[Finding]:
        """Yield what is wrong, the worst first."""
        count = self.tensor.params
        if self.nan:
            yield self._finding("nan", f"NaN in {self.nan:,} of {count:,} values")
        if self.infinite:
            yield self._finding("infinity", f"infinity in {self.infinite:,} of {count:,} values")
        if self.low == self.high == 0 and self.tensor.role == "weight":
            yield self._finding("dead-tensor", f"all {count:,} values are zero")
        elif self.extremes is not None and self.low == self.high and math.isfinite(self.low):
            yield self._finding("constant-tensor", f"all {count:,} values are {self.low:g}")
        elif self.extremes is not None:
            yield from self._channel_findings(self.extremes)
        if self.unchecked is not None:
            yield self._finding("not-checked", self.unchecked)

    def _channel_findings(self, extremes: ChannelExtremes) -> Iterator[Finding]:
        for rule, found, what in (
            ("dead-channel", extremes.dead(), "zero"),
            ("constant-channel", extremes.constant(), "constant"),
        ):
            if found.size:
                total, axis = self.tensor.shape[extremes.axis], extremes.axis
                verb = "is" if found.size == 1 else "are"
                counted = f"{found.size:,} of {total:,} channels {verb} {what} (axis {axis})"
                yield self._finding(rule, f"{counted}: {_numbers(found.tolist())}")

    def _finding(self, rule: str, message: str) -> Finding:
        return Finding(rule, self.tensor.name, message)


def _numbers(found: Sequence[int]) -> str:
    shown = ", ".join(map(str, found[:SHOWN]))
    return f"{shown}, …" if len(found) > SHOWN else shown


def _is_complex(dtype: np.dtype[Any]) -> bool:
    return dtype.kind == "c" or dtype.names is not None


def _parts(chunk: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    return chunk["real"], chunk["imag"]


def _comparable(chunk: NDArray[Any]) -> NDArray[Any]:
    """Return real values in a type that NumPy compares quickly, without loss."""
    if chunk.dtype.kind == "b":
        return chunk.view(np.uint8)
    if chunk.dtype.kind in "iu" or chunk.dtype in (np.float32, np.float64):
        return chunk
    return single(chunk)
