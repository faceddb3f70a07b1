"""The scale of each group of a weight: stored as it is, of two levels, or quantized itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tensorpeek.loaders.dtypes import DTYPES
from tensorpeek.loaders.errors import LoadError
from tensorpeek.loaders.hf_quantization.matrix import Matrix
from tensorpeek.loaders.hf_quantization.opened import Opened

Floats = NDArray[np.float32]

TILE_ROWS, TILE_COLUMNS = 128, 4
"""Rows and columns of a tile of swizzled scales."""


class Scales(Protocol):
    """A matrix of scales, one for each group. Picklable and hashable."""

    @property
    def matrix(self) -> Matrix:
        """What is stored for each group."""

    @property
    def rows(self) -> int:
        """Number of rows of groups."""

    @property
    def columns(self) -> int:
        """Number of groups in a row."""

    def read(self, opened: Opened, rows: slice, columns: slice) -> Floats:
        """Return the scales at ``rows`` and ``columns``. Raises LoadError."""


@dataclass(frozen=True, slots=True)
class StoredScales:
    """Scales that are the values of a matrix; of type ``uint8`` they are exponents (E8M0)."""

    matrix: Matrix

    @property
    def rows(self) -> int:
        """See :attr:`Scales.rows`."""
        return self.matrix.rows

    @property
    def columns(self) -> int:
        """See :attr:`Scales.columns`."""
        return self.matrix.columns

    def read(self, opened: Opened, rows: slice, columns: slice) -> Floats:
        """See :meth:`Scales.read`. The exponent 255 is NaN (OCP Microscaling Formats 1.0)."""
        values = self.matrix.read(opened, rows, columns)
        if values.dtype == np.uint8:
            values = values.view(DTYPES["float8_e8m0fnu"].numpy)
        with np.errstate(over="ignore", invalid="ignore"):
            return np.asarray(values, np.float32)


@dataclass(frozen=True, slots=True)
class SwizzledScales:
    """Scales in the order of cuBLAS: tiles of 128 rows by 4 columns, 512 bytes each.

    ``tiles`` has one row for each row of tiles. Within a tile the scale of row 32 * a + b and
    column c is byte 16 * b + 4 * a + c (cuBLAS, "1D block scaling factors layout"; torchao,
    ``to_blocked``).
    """

    tiles: Matrix
    rows: int
    columns: int

    @property
    def matrix(self) -> Matrix:
        """See :attr:`Scales.matrix`; only its size counts."""
        return replace(self.tiles, rows=self.rows, columns=self.columns)

    def read(self, opened: Opened, rows: slice, columns: slice) -> Floats:
        """See :meth:`Scales.read`."""
        top, left = rows.start // TILE_ROWS, columns.start // TILE_COLUMNS
        high, wide = -(-rows.stop // TILE_ROWS) - top, -(-columns.stop // TILE_COLUMNS) - left
        size = TILE_ROWS * TILE_COLUMNS
        stored = StoredScales(self.tiles).read(
            opened, slice(top, top + high), slice(left * size, (left + wide) * size)
        )
        turned = stored.reshape(high, wide, 32, 4, TILE_COLUMNS).transpose(0, 3, 2, 1, 4)
        plain = turned.reshape(high * TILE_ROWS, wide * TILE_COLUMNS)
        across = slice(columns.start - left * TILE_COLUMNS, columns.stop - left * TILE_COLUMNS)
        return plain[rows.start - top * TILE_ROWS : rows.stop - top * TILE_ROWS, across]


@dataclass(frozen=True, slots=True)
class TwoLevelScales:
    """Scales within a tensor times that of the whole, or ``divided`` by it.

    ``whole`` has one column, and each of its rows serves as many rows of groups.
    """

    within: StoredScales | SwizzledScales
    whole: StoredScales
    divided: bool

    @property
    def matrix(self) -> Matrix:
        """See :attr:`Scales.matrix`."""
        return self.within.matrix

    @property
    def rows(self) -> int:
        """See :attr:`Scales.rows`."""
        return self.within.rows

    @property
    def columns(self) -> int:
        """See :attr:`Scales.columns`."""
        return self.within.columns

    def read(self, opened: Opened, rows: slice, columns: slice) -> Floats:
        """See :meth:`Scales.read`."""
        each = self.rows // self.whole.rows
        places = np.arange(rows.start, rows.stop) // each
        first = int(places[0])
        wanted = slice(first, int(places[-1]) + 1)
        whole = self.whole.read(opened, wanted, slice(0, 1))[places - first]
        within = self.within.read(opened, rows, columns)
        with np.errstate(all="ignore"):
            scales = within / whole if self.divided else within * whole
        return np.asarray(scales, np.float32)


@dataclass(frozen=True, slots=True)
class NestedScales:
    """Scales of bitsandbytes' double quantization: level[code] * scale of its block + offset.

    ``codes`` is a matrix of one row, ``levels`` one of 256 values, and ``within`` has the scale of
    each ``block`` codes.
    """

    codes: Matrix
    levels: Matrix
    within: Matrix
    block: int
    offset: float
    source: str

    @property
    def matrix(self) -> Matrix:
        """See :attr:`Scales.matrix`."""
        return self.codes

    @property
    def rows(self) -> int:
        """See :attr:`Scales.rows`."""
        return 1

    @property
    def columns(self) -> int:
        """See :attr:`Scales.columns`."""
        return self.codes.columns

    def read(self, opened: Opened, rows: slice, columns: slice) -> Floats:
        """See :meth:`Scales.read`; float32 as bitsandbytes' ``dequantize_blockwise``."""
        codes = self.codes.read(opened, rows, columns)
        places = np.arange(columns.start, columns.stop) // self.block
        first = int(places[0])
        within = self.within.read(opened, slice(0, 1), slice(first, int(places[-1]) + 1))
        levels = self.levels.read(opened, slice(0, 1), slice(0, self.levels.columns))[0]
        if codes.max() >= levels.size:
            raise LoadError(self.source, f"a scale has a code beyond its {levels.size:,} levels")
        with np.errstate(all="ignore"):
            scales = levels[codes] * within[:, places - first] + np.float32(self.offset)
        return np.asarray(scales, np.float32)
