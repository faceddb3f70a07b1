"""The element types of ggml: plain ones, and blocks of codes with scales among them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorpeek.loaders.dtypes import DTYPES, DType
from tensorpeek.loaders.gguf_format import i_quants, k_quants, small_blocks
from tensorpeek.loaders.gguf_format.bit_fields import Bytes
from tensorpeek.loaders.quantization import Scheme

PLAIN = {
    0: "float32",
    1: "float16",
    24: "int8",
    25: "int16",
    26: "int32",
    27: "int64",
    28: "float64",
    30: "bfloat16",
}
"""The types whose elements stand in a row, by ggml's number, under our names."""


@dataclass(frozen=True, eq=False, slots=True)
class BlockType:
    """A type that stores ``size`` elements in ``nbytes`` bytes.

    ``codes`` takes blocks of shape (blocks, nbytes) to the stored integers, or small floats, of
    the type ``dtype`` that have ``bits`` significant bits; ``scales`` gives the scale and the
    offset of each ``group`` elements: value = scale * code + offset. ``levels`` is what the codes
    stand for where they are bit patterns. ``halves`` are the bytes at which 16-bit floats lie, the
    only part of a block that differs in a big-endian file; None where that is not so.
    """

    name: str
    size: int
    nbytes: int
    group: int
    dtype: str
    bits: int
    codes: Callable[[Bytes], small_blocks.Codes]
    scales: Callable[[Bytes], small_blocks.Scales]
    halves: tuple[int, ...] | None = None
    scheme: Scheme = "blockwise"
    levels: NDArray[np.float32] | None = None

    @property
    def element(self) -> DType:
        """The type of the codes."""
        return DTYPES[self.dtype]

    def raw(self, blocks: Bytes) -> NDArray[Any]:
        """Return the codes, flat."""
        codes = self.codes(blocks).reshape(-1)
        return codes if self.levels is None else codes.view(self.element.numpy)

    def dequantized(self, blocks: Bytes) -> NDArray[np.float32]:
        """Return the values, flat. Scales that are not finite give infinities and NaN."""
        codes = self.codes(blocks)
        numbers = codes if self.levels is None else self.levels[codes]
        with np.errstate(over="ignore", invalid="ignore"):
            scales, offsets = self.scales(blocks)
            values = numbers.reshape(*scales.shape, -1) * scales[:, :, None]
            if offsets is not None:
                values += offsets[:, :, None]
            return values.astype(np.float32, copy=False).reshape(-1)

    def to_little(self, blocks: Bytes) -> Bytes:
        """Return blocks of a big-endian file in little-endian order."""
        swapped = blocks.copy()
        for at in self.halves or ():
            swapped[:, at : at + 2] = blocks[:, at : at + 2][:, ::-1]
        return swapped


def _small_types() -> dict[int, BlockType]:
    of = small_blocks
    first, both, last = of.leading_half, of.leading_halves, of.trailing_half
    floats = {
        39: ("MXFP4", 32, 17, 32, "float4_e2m1fn", 4, of.mxfp4, of.mxfp4_scales),
        40: ("NVFP4", 64, 36, 16, "float4_e2m1fn", 4, of.nvfp4, of.nvfp4_scales),
    }
    return {
        2: BlockType("Q4_0", 32, 18, 32, "int4", 4, of.q4_0, first, (0,)),
        3: BlockType("Q4_1", 32, 20, 32, "uint4", 4, of.q4_1, both, (0, 2)),
        6: BlockType("Q5_0", 32, 22, 32, "int8", 5, of.q5_0, first),
        7: BlockType("Q5_1", 32, 24, 32, "uint8", 5, of.q5_1, both),
        8: BlockType("Q8_0", 32, 34, 32, "int8", 8, of.q8_0, first, (0,)),
        9: BlockType("Q8_1", 32, 36, 32, "int8", 8, of.q8_1, first, (0, 2)),
        34: BlockType("TQ1_0", 256, 54, 256, "int8", 2, of.tq1_0, last, (52,)),
        35: BlockType("TQ2_0", 256, 66, 256, "int8", 2, of.tq2_0, last, (64,)),
        41: BlockType("Q1_0", 128, 18, 128, "uint8", 1, of.q1_0, of.q1_0_scales, (0,)),
        42: BlockType("Q2_0", 64, 18, 64, "int8", 2, of.q2_0, first, (0,)),
        **{number: BlockType(*facts, (), levels=of.E2M1) for number, facts in floats.items()},
    }


def _k_types() -> dict[int, BlockType]:
    of = k_quants
    float_scale = small_blocks.leading_float
    return {
        10: BlockType("Q2_K", 256, 84, 16, "uint2", 2, of.q2_k, of.q2_k_scales, (80, 82)),
        11: BlockType("Q3_K", 256, 110, 16, "int8", 3, of.q3_k, of.q3_k_scales, (108,)),
        12: BlockType("Q4_K", 256, 144, 32, "uint4", 4, of.q4_k, of.q4_k_scales, (0, 2)),
        13: BlockType("Q5_K", 256, 176, 32, "uint8", 5, of.q5_k, of.q4_k_scales, (0, 2)),
        14: BlockType("Q6_K", 256, 210, 16, "int8", 6, of.q6_k, of.q6_k_scales, (208,)),
        15: BlockType("Q8_K", 256, 292, 256, "int8", 8, small_blocks.q8_k, float_scale),
    }


def _grid_types() -> dict[int, BlockType]:
    of, small = i_quants, small_blocks
    facts = {
        16: ("IQ2_XXS", 256, 66, 32, "int8", 2, of.iq2_xxs, of.iq2_xxs_scales, None),
        17: ("IQ2_XS", 256, 74, 16, "int8", 2, of.iq2_xs, of.iq2_xs_scales, None),
        18: ("IQ3_XXS", 256, 98, 32, "int8", 3, of.iq3_xxs, of.iq3_xxs_scales, None),
        19: ("IQ1_S", 256, 50, 32, "int8", 1, of.iq1_s, of.iq1_s_scales, None),
        20: ("IQ4_NL", 32, 18, 32, "int8", 4, small.iq4_nl, small.leading_half, (0,)),
        21: ("IQ3_S", 256, 110, 32, "int8", 3, of.iq3_s, of.iq3_s_scales, None),
        22: ("IQ2_S", 256, 82, 16, "int8", 2, of.iq2_s, of.iq2_s_scales, None),
        23: ("IQ4_XS", 256, 136, 32, "int8", 4, of.iq4_xs, of.iq4_xs_scales, None),
        29: ("IQ1_M", 256, 56, 16, "int8", 1, of.iq1_m, of.iq1_m_scales, None),
    }
    codebook: Scheme = "codebook"
    return {number: BlockType(*row, codebook) for number, row in facts.items()}


BLOCK_TYPES = {**_small_types(), **_k_types(), **_grid_types()}
"""The block types by ggml's number."""
