"""Singular values by way of the Gram matrix, or by SVD where that loses the small ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tensorpeek.analysis.diagnosis.eigenvalues import symmetric_eigenvalues
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


class Solver(Protocol):
    """Finds the singular values of one matrix, float64 and decreasing, in either way."""

    def by_gram(self) -> Floats:
        """Return the square roots of the eigenvalues of the smaller Gram matrix."""

    def by_svd(self) -> Floats:
        """Return what an SVD of the matrix itself finds."""


SolverOf = Callable[[WeightMatrix, bool, Stop], Solver]
"""Makes the solver of a matrix, which may be huge."""


def singular_values(
    matrix: WeightMatrix, *, huge: bool, stop: Stop, solver_of: SolverOf | None = None
) -> tuple[Floats, str, bool]:
    """Return all singular values, decreasing, the method, and whether the smallest is resolved.

    ``gram``: square roots of the eigenvalues of the smaller Gram matrix, in float64 (largest to
    1e-15, smallest to 1e-2 or better at the ratio 1e-6). ``svd``: float64 SVD, for small
    matrices and when the ratio is below :data:`RESOLVED`, unless that would take minutes; then
    the smallest value is not resolved. LAPACK does both unless there is a ``solver_of``. Raises
    UnmeasurableError, LoadError, CancelledError, and what a solver raises.
    """
    _check(matrix, huge=huge)
    solver = (solver_of or HostSolver)(matrix, huge, stop)
    if matrix.tensor.params <= SMALL:
        return solver.by_svd(), "svd", True
    try:
        values = solver.by_gram()
        if values[-1] > RESOLVED * values[0] or not values[0]:
            return values, "gram", True
        check(stop)
        if matrix.tensor.params * values.size > LARGEST_SVD and not huge:
            return values, "gram", False
        return solver.by_svd(), "svd", True
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


def is_tall(matrix: WeightMatrix) -> bool:
    """Whether whole rows come in order and are the longer side: pieces of them add up."""
    return matrix.outer == 1 and matrix.columns <= matrix.channels


def require_held(matrix: WeightMatrix, *, huge: bool) -> None:
    """Raise UnmeasurableError for more values than are held at once."""
    size = matrix.tensor.params * matrix.tensor.value_type(matrix.view).itemsize
    if size > LARGEST_VALUES and not huge:
        raise UnmeasurableError("its values take more than 2 GiB")


@dataclass(eq=False)
class HostSolver:
    """A :class:`Solver` by NumPy and LAPACK, which keeps the matrix once it had to be read."""

    matrix: WeightMatrix
    huge: bool
    stop: Stop
    _held: NDArray[Any] | None = None

    def by_gram(self) -> Floats:
        """Return the square roots of the eigenvalues of the smaller Gram matrix."""
        squares = symmetric_eigenvalues(self._gram())[::-1]
        return np.asarray(np.sqrt(np.maximum(squares, 0.0)), np.float64)

    def by_svd(self) -> Floats:
        """Return what an SVD of the matrix itself finds."""
        scaled = _divided(self._whole(), self.matrix.exponent)
        return np.asarray(np.linalg.svd(scaled, compute_uv=False), np.float64)

    def _gram(self) -> Floats:
        matrix = self.matrix
        side = min(matrix.channels, matrix.columns)
        gram = np.zeros((side, side))
        if is_tall(matrix):
            for slab in matrix.slabs(self.stop, size=max(BLOCK, matrix.columns)):
                gram += slab.values.T @ slab.values
            return gram
        whole = self._whole()
        step = max(1, BLOCK // side)
        for start in range(0, max(whole.shape), step):
            check(self.stop)
            if matrix.columns <= matrix.channels:
                block = _divided(whole[start : start + step], matrix.exponent)
                gram += block.T @ block
            else:
                block = _divided(whole[:, start : start + step], matrix.exponent)
                gram += block @ block.T
        return gram

    def _whole(self) -> NDArray[Any]:
        """Read the matrix, in the type of its values."""
        if self._held is None:
            matrix = self.matrix
            require_held(matrix, huge=self.huge)
            values = matrix.tensor.read(matrix.view)
            sides = values.reshape(matrix.outer, matrix.channels, matrix.inner)
            self._held = np.moveaxis(sides, 1, 0).reshape(matrix.channels, matrix.columns)
        return self._held


def _divided(values: NDArray[Any], exponent: int) -> Floats:
    """Return values as float64, divided by 2**exponent."""
    floats = np.ascontiguousarray(values, np.float64)
    return np.ldexp(floats, -exponent) if exponent else floats
