"""Blocks of 32 to 128 elements with one scale, and the ternary and 4-bit float blocks.

Layouts and arithmetic are those of ggml (``ggml-common.h`` and ``ggml-quants.c``). Functions take
blocks of shape (blocks, bytes) and return codes of shape (blocks, elements), or the scales and
offsets of each group, shape (blocks, groups), with value = scale * code + offset.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tensorpeek.loaders.gguf_format.bit_fields import Bytes, fields, half

Codes = NDArray[np.int8] | NDArray[np.uint8]
Scales = tuple[NDArray[np.float32] | NDArray[np.float64], NDArray[np.float32] | None]

E2M1 = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6, 0, -0.5, -1, -1.5, -2, -3, -4, -6], np.float32)
"""What the 16 codes of a 4-bit float stand for; ggml has no negative zero."""

IQ4 = np.array([-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113], np.int8)
"""The levels of IQ4_NL and IQ4_XS: ggml's ``kvalues_iq4nl``."""


def leading_half(blocks: Bytes) -> Scales:
    """Return the scale that a block begins with."""
    return half(blocks, 0), None


def trailing_half(blocks: Bytes) -> Scales:
    """Return the scale that a block ends with."""
    return half(blocks, blocks.shape[1] - 2), None


def leading_halves(blocks: Bytes) -> Scales:
    """Return the scale and the smallest value that a block begins with."""
    return half(blocks, 0), half(blocks, 2)


def leading_float(blocks: Bytes) -> Scales:
    """Return the 32-bit scale that a block begins with."""
    return blocks[:, :4].view("<f4"), None


def q1_0(blocks: Bytes) -> Codes:
    """Return the bits: 0 or 1."""
    return fields(blocks[:, 2:], 1)


def q1_0_scales(blocks: Bytes) -> Scales:
    """Return the step between the two values -d and d, and -d."""
    size = half(blocks, 0)
    return size + size, -size


def q2_0(blocks: Bytes) -> Codes:
    """Return codes from -1 to 2."""
    return _centered(fields(blocks[:, 2:], 2), 1)


def q4_0(blocks: Bytes) -> Codes:
    """Return codes from -8 to 7."""
    return _centered(fields(blocks[:, 2:], 4, 16), 8)


def q4_1(blocks: Bytes) -> Codes:
    """Return codes from 0 to 15."""
    return fields(blocks[:, 4:], 4, 16)


def q5_0(blocks: Bytes) -> Codes:
    """Return codes from -16 to 15."""
    return _centered(_five_bits(blocks[:, 2:]), 16)


def q5_1(blocks: Bytes) -> Codes:
    """Return codes from 0 to 31."""
    return _five_bits(blocks[:, 4:])


def q8_0(blocks: Bytes) -> Codes:
    """Return codes from -128 to 127."""
    return blocks[:, 2:].view(np.int8)


def q8_1(blocks: Bytes) -> Codes:
    """Return codes from -128 to 127; the sum that a block holds too is left out."""
    return blocks[:, 4:].view(np.int8)


def q8_k(blocks: Bytes) -> Codes:
    """Return codes from -128 to 127; the sums that a block holds too are left out."""
    return blocks[:, 4:260].view(np.int8)


def tq1_0(blocks: Bytes) -> Codes:
    """Return the ternary digits -1, 0 and 1, of which a byte holds five (the last four bytes: 4).

    A byte is the fraction 0.xxxxx in base 3, scaled by 256 and rounded up: multiplied by a power
    of 3, modulo 256, the next digit is the integer part of three times that.
    """
    powers = np.array([1, 3, 9, 27, 81], np.uint8)[:, None]
    rows = blocks.shape[0]
    runs = (blocks[:, :32], powers), (blocks[:, 32:48], powers), (blocks[:, 48:52], powers[:4])
    digits = np.concatenate([(run[:, None] * by).reshape(rows, -1) for run, by in runs], axis=1)
    return _centered((digits.astype(np.uint16) * 3 >> 8).astype(np.uint8), 1)


def tq2_0(blocks: Bytes) -> Codes:
    """Return the digits -1, 0 and 1 (2 is possible, but never written)."""
    return _centered(fields(blocks[:, :64], 2, 32), 1)


def mxfp4(blocks: Bytes) -> Codes:
    """Return the bit patterns of 4-bit floats (E2M1)."""
    return fields(blocks[:, 1:], 4, 16)


def mxfp4_scales(blocks: Bytes) -> Scales:
    """Return the powers of two (E8M0) as float64, which none of them overflows."""
    return np.ldexp(1.0, blocks[:, :1].astype(np.int32) - 127), None


def nvfp4(blocks: Bytes) -> Codes:
    """Return the bit patterns of 4-bit floats (E2M1)."""
    return fields(blocks[:, 4:], 4, 8)


def nvfp4_scales(blocks: Bytes) -> Scales:
    """Return the four scales: E4M3 without its sign, where the pattern of a NaN stands for 0."""
    patterns = blocks[:, :4]
    exponent, fraction = (patterns >> 3 & 15).astype(np.int32), (patterns & 7).astype(np.float64)
    normal = np.ldexp(1 + fraction / 8, exponent - 7)
    scales = np.where(exponent == 0, np.ldexp(fraction, -9), normal)
    return np.where(patterns == 0x7F, 0.0, scales), None


def iq4_nl(blocks: Bytes) -> Codes:
    """Return levels of :data:`IQ4`."""
    return IQ4[fields(blocks[:, 2:], 4, 16)]


def _five_bits(packed: Bytes) -> Bytes:
    """Join the fifth bits, 4 bytes, and the lower four of 32 codes."""
    fifth = fields(packed[:, :4], 1)
    return fields(packed[:, 4:], 4, 16) | fifth << np.uint8(4)


def _centered(codes: Bytes, middle: int) -> NDArray[np.int8]:
    return codes.view(np.int8) - np.int8(middle)
