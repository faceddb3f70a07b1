"""What a pickle says of one tensor, checked, before the tensor gets its name."""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Literal, TypeGuard

from tensorpeek.loaders.clean import clean
from tensorpeek.loaders.inert_pickle.values import Global, Record
from tensorpeek.loaders.layout import Layout
from tensorpeek.loaders.storage import Storage

MAX_DIMENSIONS = 64
MAX_SIZE = 1 << 63


@dataclass(frozen=True, slots=True)
class Quantizer:
    """An affine code: see :class:`tensorpeek.loaders.quantization.Quantization`."""

    scheme: Literal["per-tensor", "per-channel"]
    source: str
    scale: Facts
    zero_point: Facts
    axis: int | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """A tensor without a name. Two with equal ``key`` are the same values in the same place."""

    dtype: str
    shape: tuple[int, ...]
    storage: Storage | None = field(default=None, compare=False)
    layout: Layout | None = field(default=None, compare=False)
    quantizer: Quantizer | None = field(default=None, compare=False)
    error: str | None = None
    key: Hashable = field(default_factory=object)


def failed(reason: str, dtype: str | None = None, shape: tuple[int, ...] = ()) -> Facts:
    """Return a tensor that is listed with the reason why it has no values."""
    if math.prod(shape) >= MAX_SIZE:
        shape = ()
    return Facts(dtype or "uint8", shape, error=clean(reason))


def whole_numbers(value: object) -> tuple[int, ...] | None:
    """Return sizes or strides as a tuple; None if ``value`` cannot be any.

    They come as a tuple or list, or as the record of a ``torch.Size``.
    """
    if isinstance(value, Record) and value.callee == Global("torch", "Size"):
        value = value.arguments
        if isinstance(value, tuple) and len(value) == 1:
            value = value[0]
    if not isinstance(value, tuple | list) or len(value) > MAX_DIMENSIONS:
        return None
    return tuple(value) if all(map(is_whole, value)) else None


def is_whole(value: object) -> TypeGuard[int]:
    """Whether ``value`` is an integer in the range of a 64-bit one."""
    return type(value) is int and -MAX_SIZE <= value < MAX_SIZE
