"""What is exported: a tensor in a view, and the values as they are written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorpeek.analysis import Stop
from tensorpeek.loaders import CancelledError, Tensor, View


@dataclass(frozen=True)
class Item:
    """One tensor in one view."""

    tensor: Tensor
    view: View

    @property
    def stored_type(self) -> np.dtype[Any]:
        """The type of the values."""
        return self.tensor.value_type(self.view)

    @property
    def array_type(self) -> np.dtype[Any]:
        """The type of the values in a NumPy file: float32, exactly, for what NumPy lacks."""
        return np.dtype(np.float32) if is_foreign(self.stored_type) else self.stored_type

    @property
    def nbytes(self) -> int:
        """Bytes of all values as a NumPy file holds them."""
        return self.tensor.params * self.array_type.itemsize

    def chunks(self, stop: Stop) -> Iterator[NDArray[Any]]:
        """Yield the values in row-major order. Raises LoadError, and CancelledError on ``stop``."""
        for chunk in self.tensor.chunks(self.view, ordered=True):
            if stop():
                raise CancelledError
            yield chunk


def is_foreign(kind: np.dtype[Any]) -> bool:
    """Return whether NumPy itself lacks a type: bfloat16 and floats of fewer than 16 bits."""
    return kind.isbuiltin == 2  # a type that another package has registered


def little_endian(values: NDArray[Any]) -> bytes:
    """Return the bytes of values, the lowest byte first."""
    return values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes()
