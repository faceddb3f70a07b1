"""One small file of one format and scheme, and the values that another program finds in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import torch
from numpy.typing import NDArray

from tensorpeek.loaders import View

Array = NDArray[Any]

SHAPE = (6, 64)

MOST = 1 << 60
"""The largest integer that is written."""


@dataclass(frozen=True, eq=False)
class Sample:
    """A file to open at ``path``; ``truths`` are the values of its tensor ``tensor`` by view.

    ``scheme`` says how the values are stored, ``by`` who found the true ones.
    """

    scheme: str
    path: Path
    tensor: str
    truths: Mapping[View, Array]
    by: str


Samples = Iterator[Sample]


def place(folder: Path, scheme: str, name: str) -> Path:
    """Return where a file called ``name`` goes: a folder of its own."""
    own = folder / "".join(each if each.isalnum() else "_" for each in scheme)
    own.mkdir(parents=True, exist_ok=True)
    return own / name


def weights(*shape: int, seed: int = 0, special: bool = True) -> Array:
    """Return float32 values of a normal distribution; 0, -0 and NaN come first if ``special``."""
    values = np.random.default_rng(seed).normal(size=shape or SHAPE).astype(np.float32)
    if special:
        values.reshape(-1)[:3] = 0, -0.0, np.nan
    return values


def codes(low: int, high: int, shape: tuple[int, ...] = SHAPE, seed: int = 1) -> Array:
    """Return int64 values from ``low`` to ``high``, both among them."""
    drawn = np.random.default_rng(seed).integers(low, high, shape, endpoint=True)
    drawn.reshape(-1)[:2] = low, high
    return drawn


def scales(*shape: int, seed: int = 2) -> Array:
    """Return float32 scales from 0.001 to 0.1."""
    return np.random.default_rng(seed).uniform(0.001, 0.1, shape).astype(np.float32)


def torch_values(dtype: torch.dtype) -> torch.Tensor:
    """Return values of a type of torch; those of 64 bits stay where float64 can sum them."""
    if dtype.is_floating_point or dtype.is_complex:
        values = weights()
        if dtype == torch.float8_e8m0fnu:  # which has neither a sign nor a zero
            values = np.abs(np.nan_to_num(values)) + 0.25
        return torch.from_numpy(values).to(dtype)
    limits = None if dtype == torch.bool else torch.iinfo(dtype)
    low, high = (0, 1) if limits is None else (max(limits.min, -MOST), min(limits.max, MOST))
    return torch.from_numpy(codes(low, high)).to(dtype)


def array_of(tensor: torch.Tensor) -> Array:
    """Return the same bits as an array; NumPy has them from ml_dtypes where it lacks the type."""
    name = str(tensor.dtype).removeprefix("torch.")
    kind = np.dtype(getattr(ml_dtypes, name, name))
    flat = tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy()
    return flat.view(kind).reshape(tensor.shape)


def pack_bits(values: Array, bits: int) -> Array:
    """Pack the last axis as one stream of bits, the first value in the lowest, in whole bytes."""
    spread = np.unpackbits(values.astype(np.uint8)[..., None], axis=-1, bitorder="little")
    stream = spread[..., :bits].reshape(*values.shape[:-1], -1)
    return np.packbits(stream, -1, bitorder="little")
