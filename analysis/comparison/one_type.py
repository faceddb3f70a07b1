"""Two blocks of values of any types in one type that holds both exactly."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorpeek.analysis.single_precision import fits_float32, single


def in_one_type(
    first: NDArray[Any], second: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any]] | None:
    """Return both blocks as float32 where no value changes by that, else as float64.

    None for complex values, and for integers of 64 bits of one type: float64 does not tell large
    ones apart.
    """
    types = (first.dtype, second.dtype)
    if any(_is_complex(one) for one in types):
        return None
    if types[0] == types[1] and types[0].kind in "iu" and types[0].itemsize == 8:
        return None
    if all(fits_float32(one) for one in types):
        return single(first), single(second)
    return first.astype(np.float64, copy=False), second.astype(np.float64, copy=False)


def _is_complex(dtype: np.dtype[Any]) -> bool:
    return dtype.kind == "c" or dtype.names is not None
