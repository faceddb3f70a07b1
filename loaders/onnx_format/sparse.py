"""Sparse initializers as the dense tensors that they stand for."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tensorpeek.loaders.dtypes import DTYPES, DType
from tensorpeek.loaders.errors import LoadError
from tensorpeek.loaders.layout import MAX_EXPANSION, Layout
from tensorpeek.loaders.storage import Storage

MAX_STORED = 1 << 27
"""Stored elements that are sorted in memory."""


@dataclass(frozen=True, slots=True)
class SparseCodec:
    """A tensor of ``shape`` that is 0 but for ``count`` values.

    After onnx.SparseTensorProto (COO): ``indices`` are int64, (count) of the flat tensor or
    (count, rank), ascending in row-major order, each of them once.
    """

    values: Storage
    indices: Storage
    dtype: str
    count: int
    shape: tuple[int, ...]
    is_flat: bool
    source: str

    @property
    def stored_nbytes(self) -> int:
        """Bytes of values and indices in the file."""
        return self.values.nbytes + self.indices.nbytes

    def value_type(self, view: Literal["raw", "dequantized"]) -> DType:  # noqa: ARG002
        """See :meth:`tensorpeek.loaders.codec.Codec.value_type`."""
        return DTYPES[self.dtype]

    def chunks(
        self,
        view: Literal["raw", "dequantized"],  # noqa: ARG002
        size: int,
    ) -> Iterator[NDArray[Any]]:
        """See :meth:`tensorpeek.loaders.codec.Codec.chunks`: chunks of zeros, and values in them.

        Raises LoadError for indices that lie outside or do not ascend.
        """
        values, places = self._all(self.values, self.dtype, self.count), self._places()
        total = math.prod(self.shape)
        for start in range(0, total, size):
            stop = min(start + size, total)
            chunk = np.zeros(stop - start, self.value_type("raw").unpacked)
            first, last = np.searchsorted(places, (start, stop))
            chunk[places[first:last] - start] = values[first:last]
            yield chunk

    def _places(self) -> NDArray[np.int64]:
        rank = len(self.shape)
        width = 1 if self.is_flat else rank
        indices = self._all(self.indices, "int64", self.count * width).reshape(self.count, width)
        limits = np.array([math.prod(self.shape)] if self.is_flat else self.shape, np.int64)
        if ((indices < 0) | (indices >= limits)).any():
            raise LoadError(self.source, "a sparse tensor has an index outside of its shape")
        steps = [1] if self.is_flat else [math.prod(self.shape[axis + 1 :]) for axis in range(rank)]
        places = indices @ np.array(steps, np.int64)
        if (np.diff(places) <= 0).any():
            raise LoadError(self.source, "the indices of a sparse tensor do not ascend")
        return np.asarray(places, np.int64)

    def _all(self, storage: Storage, dtype: str, count: int) -> NDArray[Any]:
        element = DTYPES[dtype]
        parts = list(Layout.contiguous((count,)).read(storage, element, ordered=True, size=1 << 20))
        return np.concatenate(parts) if parts else np.empty(0, element.unpacked)


def sparse_problem(
    shape: tuple[int, ...], values: tuple[int, ...], indices: tuple[int, ...], dtype: str
) -> str | None:
    """Return why a sparse tensor, by the shapes of its parts, cannot be shown; None if it can."""
    if len(values) != 1 or dtype != "int64":
        return "sparse tensor: its values are no list, or its indices are not int64"
    count = values[0]
    if indices not in {(count,), (count, len(shape))}:
        return f"sparse tensor: has indices of shape {list(indices)} for {count:,} values"
    total = math.prod(shape)
    if total > MAX_EXPANSION or not count <= min(total, MAX_STORED):
        return f"sparse tensor: {count:,} values in {total:,} elements are not shown"
    return None
