"""The error of one way to quantize one tensor."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tensorpeek.analysis.diagnosis.error_sums import GridError
from tensorpeek.analysis.diagnosis.matrix_ranges import matrix_ranges
from tensorpeek.analysis.diagnosis.quantization_error import quantization_errors
from tensorpeek.analysis.diagnosis.trials import Trial
from tensorpeek.analysis.diagnosis.unmeasurable import UnmeasurableError
from tensorpeek.analysis.diagnosis.weight_matrix import WeightMatrix, weight_matrix
from tensorpeek.analysis.distribution import Distribution
from tensorpeek.analysis.risk.schemes import Scheme
from tensorpeek.analysis.stopping import Stop, never
from tensorpeek.analysis.table import CountTable
from tensorpeek.analysis.wide_scan import is_complex
from tensorpeek.loaders import Tensor, View


def is_instant(distribution: Distribution, scheme: Scheme) -> bool:
    """Whether the error of a scheme follows from a table of counts, without reading values."""
    return scheme.unit == "tensor" and isinstance(distribution, CountTable)


def trial_error(
    tensor: Tensor,
    distribution: Distribution,
    scheme: Scheme,
    *,
    view: View = "dequantized",
    stop: Stop = never,
) -> GridError:
    """Simulate a scheme on a tensor whose ``distribution`` in the view is known.

    The numbers are those of a diagnosis. One channel alone has one scale for all its values. Raises
    UnmeasurableError for complex values and where channels cannot be told apart, LoadError and
    CancelledError.
    """
    if is_complex(tensor.value_type(view)):
        raise UnmeasurableError("has complex values")
    matrix = weight_matrix(tensor, view, distribution.summary)
    trial = scheme.trial
    with np.errstate(over="ignore", under="ignore"):
        if trial.granularity == "channel" and matrix.channels > 1:
            return _per_channel(matrix, distribution, trial, stop)
        single = replace(trial, granularity="tensor") if trial.granularity == "channel" else trial
        (error,) = quantization_errors(matrix, None, distribution, [single], stop=stop)
        return replace(error, granularity=trial.label)


def _per_channel(
    matrix: WeightMatrix, distribution: Distribution, trial: Trial, stop: Stop
) -> GridError:
    ranges = matrix_ranges(matrix, stop=stop)
    (error,) = quantization_errors(matrix, ranges, distribution, [trial], stop=stop)
    return error
