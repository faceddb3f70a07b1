"""What rounding to int8 costs a tensor, and how well-conditioned it is: one number each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tensorpeek.analysis.diagnosis import UnmeasurableError
from tensorpeek.analysis.diagnosis.blas_threads import one_blas_thread
from tensorpeek.analysis.diagnosis.grids import IntegerGrid
from tensorpeek.analysis.diagnosis.held import held
from tensorpeek.analysis.diagnosis.matrix_ranges import matrix_ranges
from tensorpeek.analysis.diagnosis.quantization_error import quantization_errors
from tensorpeek.analysis.diagnosis.spectrum import spectrum
from tensorpeek.analysis.diagnosis.trials import Trial
from tensorpeek.analysis.diagnosis.weight_matrix import channel_axis, weight_matrix
from tensorpeek.analysis.distribution import Distribution
from tensorpeek.analysis.measure import measure
from tensorpeek.analysis.stopping import Stop, never
from tensorpeek.analysis.wide_scan import is_complex
from tensorpeek.loaders import LoadError, Tensor, View

ROUNDED = IntegerGrid(8, symmetric=True)
"""The grid whose cost is told."""

EASY_SPECTRUM = 1 << 30
"""Multiplications of a spectrum (see :func:`spectrum_cost`) that take some tenths of a second."""


@dataclass(frozen=True)
class Weighed:
    """A measure, or None and the ``reason`` why there is none."""

    value: float | None
    reason: str = ""


def int8_sqnr(
    tensor: Tensor, view: View, *, known: Distribution | None = None, stop: Stop = never
) -> Weighed:
    """Return the SQNR in dB of rounding a tensor to symmetric int8, one scale for each channel.

    It is 10 log10(sum x**2 / sum e**2) over the finite values, infinite without an error; a tensor
    of one channel or one dimension has one scale. There is none for codes, complex values and
    values that are all zero. ``known`` as for :func:`tensor_figures`. Raises CancelledError.
    """
    reason = unfit_to_round(tensor, view)
    if reason is not None:
        return Weighed(None, reason)
    try:
        tensor = held(tensor, stop)
        distribution = known or measure(tensor, view, stop=stop, quantiles=False)
        matrix = weight_matrix(tensor, view, distribution.summary)
        single = matrix.channels < 2
        trial = Trial(ROUNDED, "tensor" if single else "channel")
        with np.errstate(over="ignore", under="ignore"):
            ranges = None if single else matrix_ranges(matrix, stop=stop)
            errors = quantization_errors(matrix, ranges, distribution, [trial], stop=stop)
    except (LoadError, UnmeasurableError) as error:
        return Weighed(None, error.reason)
    ratio = errors[0].sqnr_db
    return Weighed(ratio, "" if ratio is not None else "has no values other than zero")


def condition_number(
    tensor: Tensor, view: View, *, known: Distribution | None = None, stop: Stop = never
) -> Weighed:
    """Return the largest over the smallest singular value of a tensor as a matrix of channels.

    Infinite for a rank below the smaller side; see :func:`tensorpeek.analysis.diagnosis.spectrum`.
    There is none for a vector, a zero matrix, NaN or infinities. Raises CancelledError.
    """
    if tensor.error is not None or channel_axis(tensor) is None:
        return Weighed(None, tensor.error or "needs a matrix")
    try:
        tensor = held(tensor, stop)
        distribution = known or measure(tensor, view, stop=stop, quantiles=False)
        with np.errstate(over="ignore", under="ignore"), one_blas_thread():
            found = spectrum(weight_matrix(tensor, view, distribution.summary), stop=stop)
    except (LoadError, UnmeasurableError) as error:
        return Weighed(None, error.reason)
    if found.condition is None:
        return Weighed(None, "has a smallest singular value that is not resolved")
    return Weighed(found.condition)


def spectrum_cost(tensor: Tensor) -> int:
    """Return the multiplications of a spectrum, elements times the smaller side; 0 for a vector."""
    axis = channel_axis(tensor)
    if axis is None or not tensor.params:
        return 0
    channels = tensor.shape[axis]
    return tensor.params * min(channels, tensor.params // channels)


def unfit_to_round(tensor: Tensor, view: View) -> str | None:
    """Return why :func:`int8_sqnr` has no answer for a tensor, None where it may have one."""
    if tensor.error is not None:
        return tensor.error
    if tensor.quantization is not None:
        return "is quantized already"
    dtype = tensor.value_type(view)
    if is_complex(dtype):
        return "has complex values"
    return "holds whole numbers" if dtype.kind in "iub" else None
