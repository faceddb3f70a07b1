"""Spread codes of 1 to 8 bits that lie densely in bytes over one byte each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]

AWQ_ORDER = (0, 4, 1, 5, 2, 6, 3, 7)
"""Where in a word of 8 codes each one lies; AWQ packs them as 0, 2, 4, 6, 1, 3, 5, 7."""


def spread(packed: Bytes, bits: int, *, high_first: bool = False) -> Bytes:
    """Return the codes of rows of bytes, shape (rows, bytes) to (rows, bytes * 8 // bits).

    The first code has the lowest bits of the first byte (with ``high_first``, for 4 bits, the
    highest) and codes go on over the ends of bytes, as they do over the ends of little-endian
    words. Codes that a row does not hold in full are 0.
    """
    if bits == 8:
        return packed
    rows, width = packed.shape
    if 8 % bits == 0:
        per_byte = 8 // bits
        codes = np.empty((rows, width, per_byte), np.uint8)
        for index in range(per_byte):
            place = per_byte - 1 - index if high_first else index
            np.right_shift(packed, place * bits, out=codes[:, :, index])
        codes &= np.uint8((1 << bits) - 1)
        return codes.reshape(rows, width * per_byte)
    return _straddling(packed, bits)[:, : width * 8 // bits]


def _straddling(packed: Bytes, bits: int) -> Bytes:
    """Read 8 codes out of every ``bits`` bytes."""
    rows, width = packed.shape
    groups = -(-width // bits)
    padded = np.zeros((rows, groups * bits), np.uint8)
    padded[:, :width] = packed
    stream = np.zeros((rows, groups), np.uint64)
    for index in range(bits):
        stream |= padded[:, index::bits].astype(np.uint64) << np.uint64(8 * index)
    codes = np.empty((rows, groups, 8), np.uint8)
    mask = np.uint64((1 << bits) - 1)
    for index in range(8):
        codes[:, :, index] = stream >> np.uint64(bits * index) & mask
    return codes.reshape(rows, groups * 8)


def spread_awq(packed: Bytes) -> Bytes:
    """Return the 4-bit codes of rows of words, which AWQ interleaved, in their order."""
    rows, width = packed.shape
    codes = np.empty((rows, width // 4, 8), np.uint8)
    for index, place in enumerate(AWQ_ORDER):
        np.right_shift(packed[:, place // 2 :: 4], place % 2 * 4, out=codes[:, :, index])
    codes &= np.uint8(15)
    return codes.reshape(rows, width * 2)


def spread_rows_of_four(packed: Bytes) -> Bytes:
    """Return the 4-bit codes that AWQ's fast GEMV kernel wants: (rows, bytes) to (4 * rows, bytes).

    Each 128 bytes hold 64 columns of four rows, one row after the other. Within 32 columns pairs
    lie by the fourths they are in, and eight of those as 0, 2, 4, 6, 1, 3, 5, 7 (AutoAWQ,
    ``pack_intweight``).
    """
    rows, width = packed.shape
    codes = spread(packed, 4).reshape(rows, width // 128, 4, 2, 4, 2, 4)
    # From (row, block, row of 4, half, pair, odd, fourth) to (..., half, fourth, pair, odd).
    turned = codes.transpose(0, 2, 1, 3, 6, 4, 5)
    return np.ascontiguousarray(turned).reshape(rows * 4, width // 2)
