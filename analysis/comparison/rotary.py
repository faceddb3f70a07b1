"""The order in which GGUF stores the rows of query and key projections of llama-like models.

Converting from Hugging Face, llama.cpp puts the two halves of each head's rows side by side
(``LlamaModel.permute`` in its convert_hf_to_gguf.py).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

HEAD_ROWS = (32, 48, 64, 80, 96, 112, 128, 160, 192, 256, 8, 16, 4)
"""Rows of a head that are tried, common ones first."""


def reordered(values: NDArray[Any], head_rows: int) -> NDArray[Any]:
    """Return rows in the order of Hugging Face in that of GGUF, for heads of ``head_rows`` rows.

    Row ``i`` and row ``i + head_rows / 2`` of a head come to stand beside each other. For a
    negative ``head_rows`` from GGUF's order to the other one.
    """
    half = abs(head_rows) // 2
    parts = (2, half) if head_rows > 0 else (half, 2)
    heads = values.reshape(len(values) // abs(head_rows), *parts, *values.shape[1:])
    return np.swapaxes(heads, 1, 2).reshape(values.shape)


def possible_head_rows(rows: int) -> list[int]:
    """Return how many rows a head may have where there are ``rows`` in all."""
    return [count for count in HEAD_ROWS if rows % count == 0]
