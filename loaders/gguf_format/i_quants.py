"""The i-quants: blocks of 256 elements whose codes are indices of grids of points.

Layouts and arithmetic are those of ggml (``ggml-common.h`` and ``ggml-quants.c``); see
:mod:`tensorpeek.loaders.gguf_format.small_blocks` for what the functions return. Codes are the
coordinates of the points, with their signs. Those of the 1-bit types count eighths: ggml moves
the points -1, 0 and 1 by an eighth up or down.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tensorpeek.loaders.gguf_format.bit_fields import Bytes, fields, half, words
from tensorpeek.loaders.gguf_format.grids import grid, sign_patterns
from tensorpeek.loaders.gguf_format.small_blocks import IQ4, Codes, Scales

_SEVENS = np.arange(0, 28, 7, dtype=np.uint32)
_THREES = np.arange(0, 12, 3, dtype=np.uint16)


def iq2_xxs(blocks: Bytes) -> Codes:
    """Return coordinates 8, 25 and 43 with signs: 4 bytes of indices, then 28 bits of signs."""
    runs = blocks[:, 2:66].reshape(-1, 8, 8)
    points = grid("IQ2_XXS")[runs[:, :, :4]].reshape(len(blocks), 256)
    return points * _seven_bit_signs(words(blocks, 2, 66, 32)[:, 1::2])


def iq2_xxs_scales(blocks: Bytes) -> Scales:
    """Return 8 scales, from 4 bits each."""
    packed = words(blocks, 2, 66, 32)[:, 1::2] >> np.uint32(28)
    return _odd_eighths(half(blocks, 0), packed, 0.25), None


def iq2_xs(blocks: Bytes) -> Codes:
    """Return coordinates 8, 25 and 43 with signs: 9 bits of index, 7 of signs."""
    packed = words(blocks, 2, 66, 16)
    points = grid("IQ2_XS")[packed & np.uint16(511)]
    signs = sign_patterns()[packed >> np.uint16(9)]
    codes: Codes = (points * signs).reshape(-1, 256)
    return codes


def iq2_xs_scales(blocks: Bytes) -> Scales:
    """Return 16 scales, from 4 bits each."""
    return _odd_eighths(half(blocks, 0), fields(blocks[:, 66:74], 4), 0.25), None


def iq2_s(blocks: Bytes) -> Codes:
    """Return coordinates 8, 25 and 43 with signs."""
    upper = fields(blocks[:, 66:74], 2).astype(np.uint16)
    points = grid("IQ2_S")[blocks[:, 2:34] | upper << np.uint16(8)]
    return points.reshape(-1, 256) * _eight_bit_signs(blocks[:, 34:66])


def iq2_s_scales(blocks: Bytes) -> Scales:
    """Return 16 scales, from 4 bits each."""
    return _odd_eighths(half(blocks, 0), fields(blocks[:, 74:82], 4), 0.25), None


def iq3_xxs(blocks: Bytes) -> Codes:
    """Return coordinates from 4 to 62 with signs."""
    points = grid("IQ3_XXS")[blocks[:, 2:66]].reshape(-1, 256)
    return points * _seven_bit_signs(words(blocks, 66, 98, 32))


def iq3_xxs_scales(blocks: Bytes) -> Scales:
    """Return 8 scales, from 4 bits each."""
    packed = words(blocks, 66, 98, 32) >> np.uint32(28)
    return _odd_eighths(half(blocks, 0), packed, 0.5), None


def iq3_s(blocks: Bytes) -> Codes:
    """Return odd coordinates from 1 to 15 with signs."""
    ninth = fields(blocks[:, 66:74], 1).astype(np.uint16)
    points = grid("IQ3_S")[blocks[:, 2:66] | ninth << np.uint16(8)]
    return points.reshape(-1, 256) * _eight_bit_signs(blocks[:, 74:106])


def iq3_s_scales(blocks: Bytes) -> Scales:
    """Return 8 scales: odd multiples, from 4 bits each."""
    return half(blocks, 0) * (1 + 2 * fields(blocks[:, 106:110], 4)), None


def iq1_s(blocks: Bytes) -> Codes:
    """Return -9, -7, -1, 1, 7 and 9: eighths, moved one up or down in groups of 32."""
    upper = words(blocks, 34, 50, 16)
    index = (upper[:, :, None] >> _THREES & np.uint16(7)).reshape(-1, 32) << np.uint16(8)
    points = grid("IQ1_S")[blocks[:, 2:34] | index].reshape(-1, 8, 32)
    moved = np.where(upper & np.uint16(0x8000), np.int8(-1), np.int8(1))
    return (points * np.int8(8) + moved[:, :, None]).reshape(-1, 256)


def iq1_s_scales(blocks: Bytes) -> Scales:
    """Return 8 scales: odd multiples, from 3 bits each, of an eighth."""
    odd = 2 * (words(blocks, 34, 50, 16) >> np.uint16(12) & np.uint16(7)) + 1
    return half(blocks, 0) * odd * np.float32(0.125), None


def iq1_m(blocks: Bytes) -> Codes:
    """Return -9, -7, -1, 1, 7 and 9: eighths, moved one up or down in groups of 8."""
    upper = fields(blocks[:, 32:48], 4)
    index = blocks[:, :32] | (upper & 7).astype(np.uint16) << np.uint16(8)
    points = grid("IQ1_S")[index]
    moved = np.where(upper & 8, np.int8(-1), np.int8(1))
    return (points * np.int8(8) + moved[:, :, None]).reshape(-1, 256)


def iq1_m_scales(blocks: Bytes) -> Scales:
    """Return 16 scales: odd multiples, from 3 bits each, of an eighth.

    The float they multiply lies in the upper 4 bits of the four 16-bit words.
    """
    packed = words(blocks, 48, 56, 16).astype(np.uint16)
    nibbles = packed >> np.uint16(12) << np.arange(0, 16, 4, dtype=np.uint16)
    whole = np.bitwise_or.reduce(nibbles, axis=1, keepdims=True)
    odd = 2 * (packed[:, :, None] >> _THREES & np.uint16(7)).reshape(-1, 16) + 1
    return whole.view(np.float16).astype(np.float32) * odd * np.float32(0.125), None


def iq4_xs(blocks: Bytes) -> Codes:
    """Return levels of :data:`tensorpeek.loaders.gguf_format.small_blocks.IQ4`."""
    return IQ4[fields(blocks[:, 8:136], 4, 16)]


def iq4_xs_scales(blocks: Bytes) -> Scales:
    """Return 8 scales, from 6 bits each."""
    low, high = fields(blocks[:, 4:8], 4), fields(blocks[:, 2:4], 2)
    scales = (low | high << np.uint8(4)).view(np.int8) - np.int8(32)
    return half(blocks, 0) * scales, None


def _odd_eighths(
    scale: NDArray[np.float32], packed: NDArray[np.unsignedinteger], factor: float
) -> NDArray[np.float32]:
    """Return scale * (1/2 + packed) * factor, rounded as ggml does."""
    steps = np.float32(0.5) + packed.astype(np.float32)
    scales: NDArray[np.float32] = scale * steps * np.float32(factor)
    return scales


def _seven_bit_signs(packed: NDArray[np.unsignedinteger]) -> NDArray[np.int8]:
    """Return the signs of 32 elements from each word: four times 7 bits, the eighth is parity."""
    index = packed[:, :, None] >> _SEVENS & np.uint32(127)
    signs: NDArray[np.int8] = sign_patterns()[index].reshape(len(packed), -1)
    return signs


def _eight_bit_signs(packed: Bytes) -> NDArray[np.int8]:
    return np.int8(1) - np.int8(2) * fields(packed, 1).view(np.int8)
