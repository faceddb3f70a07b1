"""The k-quants: blocks of 256 elements whose groups of 16 or 32 have small integer scales.

Layouts and arithmetic are those of ggml (``ggml-common.h`` and ``ggml-quants.c``); see
:mod:`tensorpeek.loaders.gguf_format.small_blocks` for what the functions return.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tensorpeek.loaders.gguf_format.bit_fields import Bytes, fields, half
from tensorpeek.loaders.gguf_format.small_blocks import Codes, Scales


def q2_k(blocks: Bytes) -> Codes:
    """Return codes from 0 to 3."""
    return fields(blocks[:, 16:80], 2, 32)


def q2_k_scales(blocks: Bytes) -> Scales:
    """Return 16 scales and offsets, from 4 bits each."""
    packed = blocks[:, :16]
    return half(blocks, 80) * (packed & 15), -(half(blocks, 82) * (packed >> 4))


def q3_k(blocks: Bytes) -> Codes:
    """Return codes from -4 to 3; where the third bit is not set, 4 is taken off."""
    third = fields(blocks[:, :32], 1, 32)
    joined = fields(blocks[:, 32:96], 2, 32) | third << np.uint8(2)
    return joined.view(np.int8) - np.int8(4)


def q3_k_scales(blocks: Bytes) -> Scales:
    """Return 16 scales, from 6 bits each, of which 8 bytes hold the lower four."""
    packed = blocks[:, 96:108]
    low, high = fields(packed[:, :8], 4, 8), fields(packed[:, 8:], 2, 4)
    scales = (low | high << np.uint8(4)).view(np.int8) - np.int8(32)
    return half(blocks, 108) * scales, None


def q4_k(blocks: Bytes) -> Codes:
    """Return codes from 0 to 15."""
    return fields(blocks[:, 16:144], 4, 32)


def q4_k_scales(blocks: Bytes) -> Scales:
    """Return 8 scales and offsets, from 6 bits each."""
    scales, least = _six_bits(blocks[:, 4:16])
    return half(blocks, 0) * scales, -(half(blocks, 2) * least)


def q5_k(blocks: Bytes) -> Codes:
    """Return codes from 0 to 31."""
    fifth = fields(blocks[:, 16:48], 1, 32)
    return fields(blocks[:, 48:176], 4, 32) | fifth << np.uint8(4)


def q6_k(blocks: Bytes) -> Codes:
    """Return codes from -32 to 31."""
    low, high = fields(blocks[:, :128], 4, 64), fields(blocks[:, 128:192], 2, 32)
    return (low | high << np.uint8(4)).view(np.int8) - np.int8(32)


def q6_k_scales(blocks: Bytes) -> Scales:
    """Return 16 scales, from 8 bits each."""
    return half(blocks, 208) * blocks[:, 192:208].view(np.int8), None


def _six_bits(packed: Bytes) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return 8 scales and 8 minima from 12 bytes.

    The first four of each lie in the lower 6 bits of 4 bytes; of the others, the lower 4 bits in
    the last 4 bytes and the upper 2 bits in those that the first four leave free.
    """
    first, second, third = packed[:, :4], packed[:, 4:8], packed[:, 8:]
    scales = np.concatenate([first & 63, third & 15 | first >> 2 & 48], axis=1)
    least = np.concatenate([second & 63, third >> 4 | second >> 2 & 48], axis=1)
    return scales, least
