"""Read a few of a tensor's values without reading all of them, where they lie in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from numpy.typing import NDArray

from tensorpeek.loaders.errors import LoadError
from tensorpeek.loaders.tensor import Tensor, View

ReadRange = Callable[[int, int], NDArray[Any]]
"""The values ``[start, stop)`` of a tensor in row-major order, as a flat array."""


def has_direct_ranges(tensor: Tensor) -> bool:
    """Whether a range of the tensor's values costs a read of itself and no more.

    So it is where plain elements lie in row-major order, as they mostly do; packed parts, blocks
    and other orders of axes have to be read from their beginning.
    """
    return tensor.codec is None and tensor.layout is not None and tensor.layout.is_contiguous


@contextmanager
def open_ranges(tensor: Tensor, view: View = "dequantized") -> Iterator[ReadRange]:
    """Open a tensor with direct ranges; the function given reads one range of its values.

    The values are those of :meth:`Tensor.chunks`, in the same types. Raises LoadError when the
    tensor has an ``error`` or cannot be read, ValueError when it has no direct ranges or a range
    lies outside.
    """
    if tensor.error is not None or (tensor.storage is None and tensor.codec is None):
        raise LoadError(tensor.source, f"{tensor.name}: {tensor.error or 'has no values'}")
    if not has_direct_ranges(tensor) or tensor.storage is None or tensor.layout is None:
        raise ValueError(f"{tensor.name} has no direct ranges")
    layout, quantization = tensor.layout, tensor.quantization
    is_stored = view == "raw" or quantization is None
    decode = None if is_stored or quantization is None else quantization.decoder(tensor.shape)
    with tensor.storage.open() as read:

        def values(start: int, stop: int) -> NDArray[Any]:
            stored = layout.read_range(read, tensor.element, start, stop)
            if decode is None or quantization is None or start == stop:
                return stored if decode is None else stored.astype(tensor.value_type(view))
            if quantization.scheme == "per-tensor":
                return decode(stored, 0)
            return decode(stored, quantization.group_index(tensor.shape, start, stop))

        yield values
