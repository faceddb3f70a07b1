"""Values that are not plain elements: blocks with scales among them, parts put together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from tensorpeek.loaders.dtypes import DType


class Codec(Protocol):
    """Reads the values of a tensor whose codes and scales do not lie in plain arrays.

    Implementations are picklable and hashable: they hold storages, not open files.
    """

    def value_type(self, view: Literal["raw", "dequantized"]) -> DType:
        """Return the type of the values in a view: that of the codes, or a float type."""

    def chunks(self, view: Literal["raw", "dequantized"], size: int) -> Iterator[NDArray[Any]]:
        """Yield all values, flat and in row-major order, at most ``size`` in an array.

        ``size`` is at least one block. Raises LoadError.
        """


class BlockScales(Protocol):
    """Reads scales that lie among the codes."""

    def scales(self) -> NDArray[np.float64]:
        """Return the size of the scale of each group of elements, flat, in the values' units.

        Raises LoadError.
        """
