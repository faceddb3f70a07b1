"""Singular values on a device: the same steps as LAPACK's, in float64, through torch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorpeek.analysis.devices.device import Device
from tensorpeek.analysis.devices.sending import Sender
from tensorpeek.analysis.diagnosis.singular_values import (
    BLOCK,
    SolverOf,
    is_tall,
    require_held,
)
from tensorpeek.analysis.diagnosis.weight_matrix import WeightMatrix
from tensorpeek.analysis.stopping import Stop, check

Floats = NDArray[np.float64]

WORKSPACES = 3
"""What eigenvalues and an SVD take beside a matrix, in matrices of its size: an upper estimate."""


def solver_on(device: Device) -> SolverOf:
    """Return what makes solvers that work on ``device``; they raise DeviceError, too."""
    return partial(_DeviceSolver, device)


@dataclass(eq=False)
class _DeviceSolver:
    """A :class:`tensorpeek.analysis.diagnosis.singular_values.Solver` on a device."""

    device: Device
    matrix: WeightMatrix
    huge: bool
    stop: Stop
    _held: Any = None

    def by_gram(self) -> Floats:
        """Return the square roots of the eigenvalues of the smaller Gram matrix."""
        matrix = self.matrix
        side = min(matrix.channels, matrix.columns)
        streams = is_tall(matrix)
        nbytes = 8 * side * side * (1 + WORKSPACES) + 8 * (2 * BLOCK if streams else 0)
        self.device.require(nbytes + (0 if streams else 8 * matrix.tensor.params))
        gram = self._streamed_gram() if streams else self._whole_gram()
        check(self.stop)
        with self._solving():
            values = self.device.torch.linalg.eigvalsh(gram).flip(0).clamp_min(0.0).sqrt()
            return _fetched(values)

    def by_svd(self) -> Floats:
        """Return what an SVD of the matrix itself finds."""
        held = 0 if self._held is None else 1
        self.device.require(8 * self.matrix.tensor.params * (1 + WORKSPACES - held))
        whole = self._whole()
        check(self.stop)
        with self._solving():
            torch = self.device.torch
            # As LAPACK's: CUDA's default, gesvdj, iterates until the values are near enough.
            driver = "gesvd" if self.device.is_gpu and torch.version.cuda else None
            return _fetched(torch.linalg.svdvals(whole, driver=driver))

    def _streamed_gram(self) -> Any:  # noqa: ANN401 (a tensor of torch)
        torch, matrix = self.device.torch, self.matrix
        sender, side = Sender(self.device), matrix.columns
        with self.device.watched():
            gram = torch.zeros((side, side), dtype=torch.float64, device=self.device.place)
        for slab in matrix.slabs(self.stop, size=max(BLOCK, side)):
            block = sender.send(slab.values, torch.float64)
            with self.device.watched():
                gram.addmm_(block.T, block)
        return gram

    def _whole_gram(self) -> Any:  # noqa: ANN401 (a tensor of torch)
        whole = self._whole()
        with self.device.watched():
            return whole @ whole.T if whole.shape[0] <= whole.shape[1] else whole.T @ whole

    def _whole(self) -> Any:  # noqa: ANN401 (a tensor of torch)
        """Send the matrix, as float64, piece by piece."""
        if self._held is None:
            torch, matrix = self.device.torch, self.matrix
            require_held(matrix, huge=self.huge)
            sides = (matrix.channels, matrix.columns)
            with self.device.watched():
                whole = torch.empty(sides, dtype=torch.float64, device=self.device.place)
            sender = Sender(self.device)
            for slab in matrix.slabs(self.stop, size=BLOCK):
                rows, columns = slab.values.shape
                piece = sender.send(slab.values, torch.float64)
                with self.device.watched():
                    whole[slab.row : slab.row + rows, slab.column : slab.column + columns] = piece
            self._held = whole
        return self._held

    @contextmanager
    def _solving(self) -> Iterator[None]:
        """Let what does not converge be told as NumPy tells it."""
        try:
            with self.device.watched():
                yield
        except self.device.torch.linalg.LinAlgError as error:
            raise np.linalg.LinAlgError(str(error)) from error


def _fetched(values: Any) -> Floats:  # noqa: ANN401 (a tensor of torch)
    return np.asarray(values.cpu().numpy(), np.float64)
