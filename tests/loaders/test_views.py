"""Asking a tensor for a view that there is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from made_tensors import quantized, tensor_of

from tensorpeek.analysis import measure
from tensorpeek.loaders import Tensor

CODES = np.array([[-4, 0], [2, 3]], np.int8)
TENSORS = [
    pytest.param(tensor_of(CODES.astype(np.float32)), id="floats"),
    pytest.param(quantized(CODES, "int8", scale=0.5), id="codes"),
]


@pytest.mark.parametrize("tensor", TENSORS)
@pytest.mark.parametrize("view", ["dequantised", "RAW", "", None])
def test_no_other_view_is_read_as_codes_or_as_floats(tensor: Tensor, view: Any) -> None:  # noqa: ANN401
    with pytest.raises(ValueError, match="no view: raw or dequantized"):
        tensor.read(view)
    with pytest.raises(ValueError, match="no view: raw or dequantized"):
        next(tensor.chunks(view))
    with pytest.raises(ValueError, match="no view: raw or dequantized"):
        tensor.value_type(view)
    with pytest.raises(ValueError, match="no view: raw or dequantized"):
        measure(tensor, view)


@pytest.mark.parametrize("tensor", TENSORS)
@pytest.mark.parametrize("size", [0, -1])
def test_no_values_are_not_the_answer_to_no_size(tensor: Tensor, size: int) -> None:
    with pytest.raises(ValueError, match="one element or more"):
        next(tensor.chunks(size=size))
