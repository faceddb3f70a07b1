"""Blocks out of a stored matrix, whatever its packing and the order of its axes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tensorpeek.loaders.dtypes import DTYPES
from tensorpeek.loaders.hf_quantization.bit_stream import spread, spread_awq, spread_rows_of_four
from tensorpeek.loaders.hf_quantization.opened import Opened
from tensorpeek.loaders.storage import Storage

PERIOD = 32
"""Codes after which every packing begins a new word again."""


@dataclass(frozen=True, slots=True)
class Packing:
    """How codes of ``bits`` bits share the words along one axis of the stored matrix.

    ``along`` is that axis. If ``signed``, half their range was added to codes, or they are in two's
    ``complement``. If ``less_one``, 1
    was subtracted from them: within a word with a borrow from the next code, but from codes that
    go on over the ends of words from each by itself, modulo 2 ** bits. In ``planes`` (along axis 0,
    without sign) each stored row holds one bit field of several rows far apart, the first rows in
    the highest bits. Of ``fours`` each stored row holds four rows, 64 columns of each at a time.
    """

    bits: int
    along: Literal[0, 1] = 1
    order: Literal["low first", "high first", "awq", "planes", "fours"] = "low first"
    signed: bool = False
    less_one: bool = False
    complement: bool = False


@dataclass(frozen=True, slots=True)
class Matrix:
    """``rows`` by ``columns`` values, out of ``stored`` words from byte ``offset`` of a storage.

    The words are little-endian elements of type ``dtype`` in row-major order. If ``turned``, the
    rows of the matrix are the columns of what is stored. Words beyond the values are padding.
    """

    storage: Storage
    offset: int
    stored: tuple[int, int]
    dtype: str
    rows: int
    columns: int
    packing: Packing | None = None
    turned: bool = False

    @property
    def values(self) -> str:
        """The name of the type of the values; codes of other than 2, 4 or 8 bits take 8."""
        if self.packing is None:
            return self.dtype
        bits = self.packing.bits if self.packing.bits in {2, 4, 8} else 8
        return f"{'' if self.packing.signed else 'u'}int{bits}"

    def read(self, opened: Opened, rows: slice, columns: slice) -> NDArray[Any]:
        """Return the values at ``rows`` and ``columns``, in native byte order.

        Codes of less than a byte come as int8 or uint8. Raises LoadError.
        """
        first, second = (columns, rows) if self.turned else (rows, columns)
        packing = self.packing
        if packing is not None and packing.order == "planes":
            return self._planes(opened, rows, columns, packing.bits)
        if packing is not None and packing.order == "fours":
            return self._fours(opened, rows, columns)
        if packing is None:
            block = self._words(opened, first, second)
            return block.T if self.turned else block
        if packing.along == 1:
            words, inner = self._packed(second)
            codes = self._codes(self._words(opened, first, words), packing)[:, inner]
            return codes.T if self.turned else codes
        words, inner = self._packed(first)
        turned = np.ascontiguousarray(self._words(opened, words, second).T)
        codes = self._codes(turned, packing)[:, inner]
        return codes if self.turned else codes.T

    def _planes(self, opened: Opened, rows: slice, columns: slice, bits: int) -> NDArray[np.uint8]:
        """Read codes whose rows lie one stored matrix after the other in the bits of its words."""
        high, last = self.stored[0], DTYPES[self.dtype].bits // bits - 1
        codes = np.empty((rows.stop - rows.start, columns.stop - columns.start), np.uint8)
        row = rows.start
        while row < rows.stop:
            plane, first = divmod(row, high)
            stop = min(rows.stop, row - first + high)
            words = self._words(opened, slice(first, first + stop - row), columns)
            codes[row - rows.start : stop - rows.start] = (
                words >> (last - plane) * bits & (1 << bits) - 1
            )
            row = stop
        return codes

    def _fours(self, opened: Opened, rows: slice, columns: slice) -> NDArray[np.uint8]:
        """Read codes that lie in 16-bit words, as many in a row as there are columns."""
        first, left = rows.start // 4, columns.start // 64 * 64
        right = min(-(-columns.stop // 64) * 64, self.stored[1])
        words = self._words(opened, slice(first, -(-rows.stop // 4)), slice(left, right))
        stored = np.ascontiguousarray(words).view(np.uint8)
        codes = spread_rows_of_four(stored.reshape(len(words), -1))
        top, side = rows.start - first * 4, columns.start - left
        return codes[top : rows.stop - first * 4, side : columns.stop - left]

    def _packed(self, codes: slice) -> tuple[slice, slice]:
        """Return the words that hold codes, and where among the codes of those they lie."""
        packing, width = self.packing, DTYPES[self.dtype].bits
        bits = packing.bits if packing is not None else width
        limit = self.stored[packing.along if packing is not None else 1]
        first = codes.start // PERIOD
        words = slice(first * PERIOD * bits // width, min(-(-codes.stop * bits // width), limit))
        return words, slice(codes.start - first * PERIOD, codes.stop - first * PERIOD)

    def _codes(self, words: NDArray[Any], packing: Packing) -> NDArray[Any]:
        whole = np.iinfo(words.dtype).bits % packing.bits == 0
        if packing.less_one and whole:
            words = _plus_ones(words, packing.bits)
        stored = np.ascontiguousarray(words).view(np.uint8).reshape(words.shape[0], -1)
        if packing.order == "awq":
            codes = spread_awq(stored)
        else:
            codes = spread(stored, packing.bits, high_first=packing.order == "high first")
        if packing.less_one and not whole:
            codes = codes + np.uint8(1) & np.uint8((1 << packing.bits) - 1)
        if packing.signed:
            half = np.uint8(1 << packing.bits - 1)
            return ((codes ^ half if packing.complement else codes) - half).view(np.int8)
        return codes

    def _words(self, opened: Opened, first: slice, second: slice) -> NDArray[Any]:
        """Read a block of the stored matrix: at once where it has whole rows."""
        read, element = opened.read(self.storage), DTYPES[self.dtype].numpy
        width, size = self.stored[1], element.itemsize
        high, wide = first.stop - first.start, second.stop - second.start
        if wide == width or high == 1:
            begin = self.offset + (first.start * width + second.start) * size
            return np.frombuffer(read(begin, begin + high * wide * size), element).reshape(
                high, wide
            )
        block = np.empty((high, wide), element)
        for index in range(high):
            begin = self.offset + ((first.start + index) * width + second.start) * size
            block[index] = np.frombuffer(read(begin, begin + wide * size), element)
        return block


def _plus_ones(words: NDArray[Any], bits: int) -> NDArray[Any]:
    """Add 1 to every code of each word, taken as one number that wraps around."""
    width = np.iinfo(words.dtype).bits
    ones = sum(1 << place for place in range(0, width, bits))
    unsigned = np.ascontiguousarray(words).view(f"u{words.dtype.itemsize}")
    return np.asarray(unsigned + unsigned.dtype.type(ones))
