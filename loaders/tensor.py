"""A tensor of a model: its facts are free, its values cost a read."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from tensorpeek.loaders.codec import Codec
from tensorpeek.loaders.dtypes import DTYPES, DType
from tensorpeek.loaders.errors import LoadError
from tensorpeek.loaders.layout import Layout
from tensorpeek.loaders.quantization import Quantization
from tensorpeek.loaders.storage import Storage

View = Literal["raw", "dequantized"]
"""What to show of a quantized tensor: its stored integers, or the floats they stand for."""

CHUNK = 1 << 18
"""Elements in one chunk of values: small enough for a second-level cache."""

Values = NDArray[Any]


@dataclass(frozen=True, eq=False, kw_only=True)
class Tensor:
    """One named tensor of a model. Picklable: it holds a place, not an open file.

    ``name`` is unique in its model, ``layer`` groups tensors, ``label`` tells them apart within
    the layer (``weight``). ``role`` is what the tensor is for: one of :data:`ROLES`. ``aliases``
    are other names under which the file lists the same values. A tensor that cannot be read
    carries the reason in ``error`` and has no values. Values lie in ``storage`` as ``layout`` says,
    or a ``codec`` reads them; then ``stored_nbytes`` is what they take in the file. ``parts`` are
    the stored tensors that one quantized weight was put together from. ``axes`` has a letter for
    each dimension where the file tells what it is: O and I for outputs and inputs, C for the
    channels of a depthwise kernel, D, H and W for places in space.
    """

    name: str
    layer: str
    label: str
    role: str
    shape: tuple[int, ...]
    dtype: str
    storage: Storage | None = None
    layout: Layout | None = None
    codec: Codec | None = None
    stored_nbytes: int | None = None
    quantization: Quantization | None = None
    aliases: tuple[str, ...] = ()
    error: str | None = None
    source: str = ""
    parts: tuple[Tensor, ...] = ()
    axes: str = ""

    @property
    def params(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes the elements take in the file, packed types rounded up to a whole byte."""
        if self.stored_nbytes is not None:
            return self.stored_nbytes
        return self.element.nbytes(self.params)

    @property
    def element(self) -> DType:
        """The type of a stored element."""
        return DTYPES[self.dtype]

    def value_type(self, view: View) -> np.dtype[Any]:
        """Return the NumPy type of the values in a view.

        It is the stored type but for a dequantized view, which has the type of its scale (float32
        for a float64 scale). Integers of less than a byte come as int8 or uint8. Raises ValueError
        for another view.
        """
        _check_view(view)
        if self.codec is not None:
            return self.codec.value_type(view).unpacked
        if self.quantization is None or view == "raw":
            return self.element.unpacked
        return self.quantization.value_type

    @property
    def views(self) -> tuple[View, ...]:
        """The views there are: two for quantized tensors, else one."""
        return ("dequantized", "raw") if self.quantization else ("dequantized",)

    def chunks(
        self, view: View = "dequantized", *, ordered: bool = False, size: int = CHUNK
    ) -> Iterator[Values]:
        """Yield all values as one-dimensional arrays of at most ``size`` elements.

        With ``ordered`` they come in row-major (C) order of ``shape``, else possibly in the order
        in which they are stored. The raw view has the stored type; the dequantized view of a
        quantized tensor has the type of its scale, of others the stored type. Arrays may be
        read-only. Raises LoadError when the tensor has an ``error`` or cannot be read, ValueError
        for another view and a ``size`` below 1, with the first array.
        """
        _check_view(view)
        if size < 1:
            raise ValueError("an array has one element or more")
        if self.codec is not None and self.error is None:
            yield from self.codec.chunks(view, size)
            return
        if self.storage is None or self.layout is None or self.error is not None:
            raise LoadError(self.source, f"{self.name}: {self.error or 'has no values'}")
        quantization = self.quantization if view == "dequantized" else None
        if quantization is None:
            yield from self.layout.read(self.storage, self.element, ordered=ordered, size=size)
            return
        by_position = quantization.scheme != "per-tensor"
        codes = self.layout.read(
            self.storage, self.element, ordered=ordered or by_position, size=size
        )
        yield from quantization.dequantize(codes, self.shape)

    def read(self, view: View = "dequantized") -> Values:
        """Return all values as one array of ``shape``: one tensor's memory.

        Raises LoadError and ValueError as :meth:`chunks` does.
        """
        parts = list(self.chunks(view, ordered=True))
        flat = np.concatenate(parts) if parts else np.empty(0, self.value_type(view))
        return flat.reshape(self.shape)


def _check_view(view: str) -> None:
    if view not in get_args(View):
        raise ValueError(f"{view!r} is no view: raw or dequantized")


ROLES = (
    "weight",
    "bias",
    "running mean",
    "running variance",
    "buffer",
    "constant",
    "optimizer state",
    "output scale",
    "output zero point",
    "input scale",
    "input zero point",
    "other",
)
"""Every role, in the order in which a layer shows its tensors."""
