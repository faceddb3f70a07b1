"""All singular values of a tensor, with what follows from them and what noise would have."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tensorpeek.analysis.diagnosis.blas_threads import one_blas_thread
from tensorpeek.analysis.diagnosis.marchenko_pastur import NoiseBulk, median_sigma, noise_bulk
from tensorpeek.analysis.diagnosis.singular_values import (
    LARGEST_SIDE,
    LARGEST_VALUES,
    SMALL,
    singular_values,
)
from tensorpeek.analysis.diagnosis.spectrum import Spectrum, spectrum_of
from tensorpeek.analysis.diagnosis.unmeasurable import UnmeasurableError
from tensorpeek.analysis.diagnosis.weight_matrix import channel_axis, weight_matrix
from tensorpeek.analysis.measure import measure
from tensorpeek.analysis.reading import Progress, idle
from tensorpeek.analysis.stopping import Stop, check, never
from tensorpeek.loaders import Tensor, View

PRODUCTS = 1.5e10
"""Multiplications of a Gram matrix in a second, on two slow cores."""

REDUCTIONS = 2e9
"""Cubed sides of a Gram matrix whose eigenvalues are found in a second, on the same cores."""


@dataclass(frozen=True, eq=False)
class FullSpectrum:
    """``values`` are all singular values, float64 and decreasing, in the tensor's units.

    ``spectrum`` is what follows from them, ``bulk`` what noise of the same shape and standard
    deviation would have; None where that is not finite. ``median_bulk`` is that of noise with
    the same median singular value, see :func:`median_sigma`.
    """

    values: NDArray[np.float64]
    spectrum: Spectrum
    bulk: NoiseBulk | None
    median_bulk: NoiseBulk | None

    @property
    def above_bulk(self) -> int | None:
        """How many singular values exceed those of noise; None without a bulk."""
        return None if self.bulk is None else self.bulk.above(self.values)


@dataclass(frozen=True)
class SpectrumCost:
    """What a spectrum takes: about so many ``seconds`` and ``nbytes`` of memory.

    ``is_large`` says that it is refused unless it is asked for as huge.
    """

    rows: int
    columns: int
    seconds: float
    nbytes: int
    is_large: bool


def spectrum_cost(tensor: Tensor, view: View = "dequantized") -> SpectrumCost | None:
    """Estimate what the spectrum of a tensor takes; None for one that is no matrix. Reads nothing.

    A Gram matrix takes rows * columns * side multiplications, its eigenvalues some side**3.
    """
    axis = channel_axis(tensor)
    if axis is None or not tensor.params:
        return None
    rows = tensor.shape[axis]
    columns = tensor.params // rows
    side = min(rows, columns)
    values = tensor.params * tensor.value_type(view).itemsize
    seconds = tensor.params * side / PRODUCTS + side**3 / REDUCTIONS
    return SpectrumCost(
        rows=rows,
        columns=columns,
        seconds=0.0 if tensor.params <= SMALL else float(seconds),
        nbytes=min(tensor.params, side * side) * 8 * 2 + values,
        is_large=side > LARGEST_SIDE or values > LARGEST_VALUES,
    )


def full_spectrum(
    tensor: Tensor,
    view: View = "dequantized",
    *,
    huge: bool = False,
    stop: Stop = never,
    progress: Progress | None = None,
) -> FullSpectrum:
    """Compute all singular values of a tensor in a view.

    ``progress`` is told the share of the values that was read; the algebra after that has none.
    Raises UnmeasurableError where there is no spectrum, with the reason (a vector, NaN, a size
    beyond a limit unless ``huge``), LoadError and CancelledError.
    """
    if len(tensor.shape) < 2:
        raise UnmeasurableError("needs a matrix")
    distribution = measure(tensor, view, stop=stop, progress=progress or idle, quantiles=False)
    matrix = weight_matrix(tensor, view, distribution.summary)
    with np.errstate(over="ignore", under="ignore"), one_blas_thread():
        values, method, resolved = singular_values(matrix, huge=huge, stop=stop)
        check(stop)
        found = spectrum_of(matrix, values, method, resolved=resolved)
        scaled = np.ldexp(values, matrix.exponent)
    by_median = median_sigma(matrix.channels, matrix.columns, scaled)
    return FullSpectrum(
        scaled,
        found,
        bulk=_bulk(found, distribution.summary.std),
        median_bulk=_bulk(found, by_median),
    )


def _bulk(found: Spectrum, sigma: float | None) -> NoiseBulk | None:
    if sigma is None or not np.isfinite(sigma):
        return None
    return noise_bulk(found.rows, found.columns, sigma)
