"""Singular values by way of the Gram matrix, or by SVD where that loses the small ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorpeek.analysis.diagnosis.unmeasurable import UnmeasurableError
from tensorpeek.analysis.diagnosis.weight_matrix import WeightMatrix
from tensorpeek.analysis.stopping import Stop, check
from tensorpeek.analysis.wide_scan import is_complex

Floats = NDArray[np.float64]

LARGEST_SIDE = 16_384
"""Smaller side beyond which a Gram matrix (2 GiB) is refused unless asked for."""

LARGEST_VALUES = 2 << 30
"""Bytes of values, in their own type, that are held at once unless asked for."""

LARGEST_SVD = 1 << 38
"""Multiplications of an SVD (rows * columns * smaller side) beyond which it is left out."""

SMALL = 1 << 14
"""Elements up to which the SVD comes at once."""

RESOLVED = 1e-6
"""Smallest to largest value below which a Gram matrix, which squares the ratio, misleads."""

BLOCK = 1 << 21
"""Elements of a block that is multiplied by its transpose: 16 MiB as float64."""


def singular_values(matrix: WeightMatrix, *, huge: bool, stop: Stop) -> tuple[Floats, str, bool]:
    """Return all singular values, decreasing, the method, and whether the smallest is resolved.

    ``gram``: square roots of the eigenvalues of the smaller Gram matrix, in float64 (largest to
    1e-15, smallest to 1e-2 or better at the ratio 1e-6). ``svd``: float64 SVD, for small
    matrices and when the ratio is below :data:`RESOLVED`, unless that would take minutes; then
    the smallest value is not resolved. Raises UnmeasurableError, LoadError, CancelledError.
    """
    _check(matrix, huge=huge)
    if matrix.tensor.params <= SMALL:
        return _svd(_whole(matrix), matrix.exponent), "svd", True
    try:
        gram, whole = _gram(matrix, huge=huge, stop=stop)
        values = np.sqrt(np.maximum(np.linalg.eigvalsh(gram)[::-1], 0.0))
        del gram
        if values[-1] > RESOLVED * values[0] or not values[0]:
            return values, "gram", True
        check(stop)
        if matrix.tensor.params * values.size > LARGEST_SVD and not huge:
            return values, "gram", False
        whole = _whole(matrix) if whole is None else whole
        return _svd(whole, matrix.exponent), "svd", True
    except MemoryError as error:
        raise UnmeasurableError("not enough memory for its spectrum") from error
    except np.linalg.LinAlgError as error:
        raise UnmeasurableError("its spectrum did not converge") from error


def _check(matrix: WeightMatrix, *, huge: bool) -> None:
    if len(matrix.tensor.shape) < 2:
        raise UnmeasurableError("needs a matrix")
    if not matrix.tensor.params:
        raise UnmeasurableError("is empty")
    if not matrix.all_finite:
        raise UnmeasurableError("has NaN or infinite values")
    if is_complex(matrix.tensor.value_type(matrix.view)):
        raise UnmeasurableError("has complex values")
    side = min(matrix.channels, matrix.columns)
    if side > LARGEST_SIDE and not huge:
        raise UnmeasurableError(f"its smaller side, {side:,}, is above {LARGEST_SIDE:,}")


def _gram(matrix: WeightMatrix, *, huge: bool, stop: Stop) -> tuple[Floats, NDArray[Any] | None]:
    """Return the smaller Gram matrix, and the whole matrix if it had to be read for it."""
    side = min(matrix.channels, matrix.columns)
    gram = np.zeros((side, side))
    if matrix.outer == 1 and matrix.columns <= matrix.channels:
        for slab in matrix.slabs(stop, size=max(BLOCK, matrix.columns)):
            gram += slab.values.T @ slab.values
        return gram, None
    whole = _whole(matrix, huge=huge)
    step = max(1, BLOCK // side)
    for start in range(0, max(whole.shape), step):
        check(stop)
        if matrix.columns <= matrix.channels:
            block = _divided(whole[start : start + step], matrix.exponent)
            gram += block.T @ block
        else:
            block = _divided(whole[:, start : start + step], matrix.exponent)
            gram += block @ block.T
    return gram, whole


def _whole(matrix: WeightMatrix, *, huge: bool = False) -> NDArray[Any]:
    """Read the matrix, in the type of its values."""
    size = matrix.tensor.params * matrix.tensor.value_type(matrix.view).itemsize
    if size > LARGEST_VALUES and not huge:
        raise UnmeasurableError("its values take more than 2 GiB")
    values = matrix.tensor.read(matrix.view)
    sides = values.reshape(matrix.outer, matrix.channels, matrix.inner)
    return np.moveaxis(sides, 1, 0).reshape(matrix.channels, matrix.columns)


def _svd(whole: NDArray[Any], exponent: int) -> Floats:
    scaled = _divided(whole, exponent)
    return np.asarray(np.linalg.svd(scaled, compute_uv=False), np.float64)


def _divided(values: NDArray[Any], exponent: int) -> Floats:
    """Return values as float64, divided by 2**exponent."""
    floats = np.ascontiguousarray(values, np.float64)
    return np.ldexp(floats, -exponent) if exponent else floats
