"""Which columns of a weight matrix are neighboring inputs at one position of a kernel."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorpeek.analysis.diagnosis.weight_matrix import (
    LARGEST_BLOCK,
    OUTPUTS_LAST,
    WeightMatrix,
    channel_axis,
)
from tensorpeek.loaders import Tensor

WIDEST = 8
"""Inputs of the widest group."""


@dataclass(frozen=True)
class InputGroups:
    """The columns of a weight matrix as (positions, ``inputs``, ``after``), in this order.

    The inputs at one position of a kernel are ``after`` columns apart. ``unit`` are the columns at
    whose multiples the matrix may be cut so that no group of up to eight neighbors is.
    """

    inputs: int
    after: int
    unit: int

    def neighbors(self, piece: NDArray[Any]) -> NDArray[Any]:
        """Return a piece (rows, columns) as rows of inputs at one position of the kernel."""
        is_whole = self.unit == self.inputs * self.after
        inputs = self.inputs if is_whole else piece.shape[1] // self.after
        if self.after == 1:
            return piece.reshape(-1, inputs)
        apart = piece.reshape(-1, inputs, self.after).swapaxes(1, 2)
        return np.ascontiguousarray(apart).reshape(-1, inputs)


def input_groups(matrix: WeightMatrix) -> InputGroups | None:
    """Return where the inputs of a matrix are; None where each channel has one input.

    And where no piece of the matrix that memory has room for holds whole groups.
    """
    tensor, axis = matrix.tensor, channel_axis(matrix.tensor)
    if axis is None:
        return InputGroups(matrix.columns, 1, WIDEST)
    place = _input_axis(tensor, axis)
    if place is None:
        return None
    sides = [length for at, length in enumerate(tensor.shape) if at != axis]
    place -= place > axis
    before, inputs, after = math.prod(sides[:place]), sides[place], math.prod(sides[place + 1 :])
    most = LARGEST_BLOCK // (matrix.channels if matrix.outer > 1 else 1)
    units = [inputs * after]
    if before == 1 or inputs % WIDEST == 0:
        units.append(WIDEST * after)
    unit = min(units)
    return InputGroups(inputs, after, unit) if unit <= most else None


def _input_axis(tensor: Tensor, outputs: int) -> int | None:
    """Return the axis of inputs of a tensor with an axis of ``outputs``; None for depthwise ones.

    That which the file tells; the last but one of the kernels of Keras and Flax (HWIO); else the
    second one, as in torch's (out, in, k, k), or the first where the second is that of outputs.
    """
    rank = len(tensor.shape)
    if tensor.axes:
        return tensor.axes.index("I") if "I" in tensor.axes else None
    if tensor.label == "depthwise_kernel":
        return None
    if tensor.label in OUTPUTS_LAST and outputs == rank - 1:
        return rank - 2
    return 1 if outputs != 1 else 0
