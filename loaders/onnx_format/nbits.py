"""Weights of onnxruntime's MatMulNBits: blockwise codes, packed row by row."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tensorpeek.loaders.codec import Codec
from tensorpeek.loaders.onnx_format.affine import Grid, affine, part
from tensorpeek.loaders.onnx_format.graph import NodeRecord
from tensorpeek.loaders.onnx_format.reordered import PackedGrid, reordered
from tensorpeek.loaders.onnx_format.typed import MAX_BYTES
from tensorpeek.loaders.onnx_format.values import Stored
from tensorpeek.loaders.quantization import Quantization
from tensorpeek.loaders.storage import Inline, Read, Storage
from tensorpeek.loaders.tensor import Tensor

_BITS_AT_ONCE = 1 << 22
_MAX_ROW = 1 << 20
PACKED_TYPES = {2: "uint2", 4: "uint4", 8: "uint8"}


@dataclass(frozen=True, slots=True)
class PackedRows:
    """``rows`` rows of ``codes`` packed codes, each padded to ``row_bytes`` bytes in ``padded``.

    It reads as the codes without the padding, packed. Opening it repacks all of them.
    """

    padded: Storage
    rows: int
    row_bytes: int
    codes: int
    bits: int

    @property
    def nbytes(self) -> int:
        """See :attr:`tensorpeek.loaders.storage.Storage.nbytes`."""
        return -(-self.rows * self.codes * self.bits // 8)

    @contextmanager
    def open(self) -> Iterator[Read]:
        """See :meth:`tensorpeek.loaders.storage.Storage.open`."""
        with self.padded.open() as read:
            padded = np.frombuffer(read(0, self.rows * self.row_bytes), np.uint8)
        content = self._repack(padded.reshape(self.rows, self.row_bytes)).tobytes()
        yield lambda start, stop: content[start:stop]

    def _repack(self, padded: NDArray[np.uint8]) -> NDArray[np.uint8]:
        used = self.codes * self.bits
        step = 8 * max(1, _BITS_AT_ONCE // (8 * used))  # 8 rows end on a whole byte
        slabs = (
            np.unpackbits(padded[start : start + step], axis=1, count=used, bitorder="little")
            for start in range(0, self.rows, step)
        )
        return np.concatenate([np.packbits(slab, bitorder="little") for slab in slabs])


class Coded(NamedTuple):
    """The codes (N, K) of a weight, what they stand for, and what reads them if they do not."""

    stored: Stored
    quantization: Quantization
    codec: Codec | None = None


def matmul_nbits(
    node: NodeRecord, weight: Stored, scale: Tensor, points: Stored | None, order: Stored | None
) -> Coded | str:
    """Return the codes (N, K) of a MatMulNBits weight and their quantization, or why not.

    com.microsoft.MatMulNBits keeps the weight as uint8 (N, blocks, bytes of a block), the codes
    of a block along K packed from the lowest bits on, and multiplies (code - zero point) * scale;
    a zero point that is left out is half the range. Zero points are floats, or packed like codes.
    ``order`` (g_idx) is the group of each column, where they do not go by blocks.
    """
    rows, codes = node.integer("N", 0), node.integer("K", 0)
    bits, block = node.integer("bits", 4), node.integer("block_size", 0)
    dtype = PACKED_TYPES.get(bits)
    if dtype is None or rows < 1 or codes < 1 or block < 1 or block * bits % 8:
        return f"has {bits} bits in blocks of {block}"
    blocks = -(-codes // block)
    row_bytes = blocks * block * bits // 8
    if weight.storage is None or weight.dtype != "uint8" or weight.count != rows * row_bytes:
        return "does not have the size its operator states"
    if scale.params != rows * blocks:
        return f"has {scale.params:,} scales for {rows * blocks:,} blocks"
    zero_points = _zero_points(points, rows, blocks, bits)
    packed = packed_rows(weight.storage, rows, row_bytes, codes, bits)
    if isinstance(zero_points, str) or isinstance(packed, str):
        return zero_points if isinstance(zero_points, str) else str(packed)
    stored = Stored(dtype, (rows, codes), packed)
    shape = (rows, blocks)
    scales = part(scale.name, Stored(scale.dtype, shape, scale.storage, scale.error), scale.source)
    zero_point = part("zero point", zero_points, scale.source)
    coded = affine(stored, scales, zero_point, Grid(1, block, "ONNX MatMulNBits"))
    if order is None or isinstance(coded, str):
        return coded if isinstance(coded, str) else Coded(stored, coded)
    grid = PackedGrid(rows, codes, bits, block)
    codec = reordered(grid, weight, scales, points, order)
    return codec if isinstance(codec, str) else Coded(Stored(dtype, grid.shape), coded, codec)


def _zero_points(points: Stored | None, rows: int, blocks: int, bits: int) -> Stored | str:
    if points is None:
        return Stored("uint8", (), Inline(bytes([1 << bits - 1])))
    row_bytes = -(-blocks * bits // 8)
    if points.element.kind == "float" and points.count == rows * blocks:
        return Stored(points.dtype, (rows, blocks), points.storage, points.error)
    if points.dtype != "uint8":
        return f"its zero points have the type {points.dtype}"
    if points.storage is None or points.count != rows * row_bytes:
        return "its zero points do not have the size its operator needs"
    packed = packed_rows(points.storage, rows, row_bytes, blocks, bits)
    return packed if isinstance(packed, str) else Stored(PACKED_TYPES[bits], (rows, blocks), packed)


def packed_rows(
    storage: Storage, rows: int, row_bytes: int, codes: int, bits: int
) -> Storage | str:
    """Return ``rows`` rows of ``codes`` codes without their padding, or why they cannot be read."""
    if codes * bits == row_bytes * 8:
        return storage
    if row_bytes > _MAX_ROW or rows * row_bytes > MAX_BYTES:
        return "has padded rows that are too large to repack"
    return PackedRows(storage, rows, row_bytes, codes, bits)
