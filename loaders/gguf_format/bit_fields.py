"""Take blocks of packed bytes apart: numbers of 1, 2 or 4 bits, 16-bit floats."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
"""Blocks: one row for each block, of as many bytes as a block takes."""


def fields(packed: Bytes, bits: int, width: int = 1) -> Bytes:
    """Spread fields of 1, 2 or 4 bits over one byte each, row by row.

    Each run of ``width`` bytes gives first the lowest field of all its bytes, then the next ones.
    Shape (blocks, bytes) becomes (blocks, bytes * 8 / bits).
    """
    rows = packed.shape[0]
    if bits == 1 and width == 1:
        return np.unpackbits(packed, axis=1, bitorder="little")
    shifts = np.arange(0, 8, bits, dtype=np.uint8)[:, None]
    runs = packed.reshape(rows, packed.shape[1] // width, 1, width)
    spread: Bytes = (runs >> shifts & np.uint8((1 << bits) - 1)).reshape(rows, -1)
    return spread


def half(blocks: Bytes, at: int) -> NDArray[np.float32]:
    """Return the 16-bit floats at byte ``at`` of the blocks, shape (blocks, 1)."""
    return blocks[:, at : at + 2].view("<f2").astype(np.float32)


def words(blocks: Bytes, start: int, stop: int, bits: int) -> NDArray[np.unsignedinteger]:
    """Return the bytes ``[start, stop)`` of the blocks as unsigned integers of ``bits`` bits."""
    found: NDArray[np.unsignedinteger] = blocks[:, start:stop].view(f"<u{bits // 8}")
    return found
