"""Tensors made of arrays, for tests."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tensorpeek.loaders import DTYPES, Quantization, Tensor
from tensorpeek.loaders.layout import Layout
from tensorpeek.loaders.quantization import Scheme
from tensorpeek.loaders.storage import Inline


def tensor_of(
    values: ArrayLike,
    dtype: str | None = None,
    *,
    layout: Layout | None = None,
    name: str = "layer.weight",
) -> Tensor:
    """Return a tensor that holds the values of an array, packed if its type is."""
    values = np.asarray(values)
    dtype = dtype or values.dtype.name
    stored = values.astype(DTYPES[dtype].numpy) if values.dtype.name != dtype else values
    return Tensor(
        name=name,
        layer="layer",
        label="weight",
        role="weight",
        shape=layout.shape if layout else values.shape,
        dtype=dtype,
        storage=Inline(packed(stored.reshape(-1), DTYPES[dtype].bits)),
        layout=layout or Layout.contiguous(values.shape),
    )


def packed(values: NDArray[Any], bits: int) -> bytes:
    """Return the bytes of flat values, of less than 8 bits several in a byte, lowest first."""
    if bits >= 8:
        return values.tobytes()
    per_byte = 8 // bits
    codes = values.view(np.uint8) & ((1 << bits) - 1)
    codes = np.concatenate((codes, np.zeros(-codes.size % per_byte, np.uint8)))
    shifted = codes.reshape(-1, per_byte) << (np.arange(per_byte, dtype=np.uint8) * bits)
    return np.bitwise_or.reduce(shifted, axis=1).astype(np.uint8).tobytes()


def quantized(
    codes: ArrayLike,
    dtype: str,
    *,
    scale: ArrayLike,
    zero_point: ArrayLike | None = None,
    scale_dtype: str = "float32",
    scheme: Scheme = "per-tensor",
    axis: int | None = None,
    block: int | None = None,
    bits: int | None = None,
) -> Tensor:
    """Return a quantized tensor; see Quantization."""
    plain = tensor_of(codes, dtype)
    points = None if zero_point is None else tensor_of(np.asarray(zero_point), "int32")
    code = Quantization(
        scheme=scheme,
        source="test",
        bits=bits or DTYPES[dtype].bits,
        scale=tensor_of(np.asarray(scale), scale_dtype),
        zero_point=points,
        axis=axis,
        block=block,
    )
    return dataclasses.replace(plain, quantization=code)
