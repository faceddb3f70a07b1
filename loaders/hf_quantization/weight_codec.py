"""Read a weight whose codes, scales and zero points are parts of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tensorpeek.loaders.dtypes import DTYPES, DType
from tensorpeek.loaders.hf_quantization.matrix import PERIOD, Matrix
from tensorpeek.loaders.hf_quantization.opened import Opened
from tensorpeek.loaders.hf_quantization.scales import Scales
from tensorpeek.loaders.hf_quantization.spacing import Spacing, tile_of

BAND = 1 << 20
"""Codes that are read at once."""

TURNED_BAND = 1 << 24
"""Codes that are read at once of a turned matrix: every stored row costs a read of its own."""

Values = NDArray[Any]

Arithmetic = Literal["product", "quotient", "sum"]
"""(level - zero point) * scale, (level - zero point) / scale, or level * scale + zero point."""


@dataclass(frozen=True, slots=True)
class WeightCodec:
    """value = (level of the code - zero point) * scale [* ``factor``], in float32, then rounded.

    Or what else ``arithmetic`` says.
    ``raw`` is the type in which codes are handed out, ``result`` that of the floats. Codes stand
    for themselves, for the values of ``raw`` if that is a float type, or for ``levels``. If
    ``rounds_difference``, that is rounded to ``result`` by itself.
    """

    codes: Matrix
    raw: str
    result: str
    scales: Scales
    spacing: Spacing
    zero_points: Matrix | None = None
    levels: Matrix | None = None
    factor: float | None = None
    rounds_difference: bool = False
    arithmetic: Arithmetic = "product"

    def value_type(self, view: Literal["raw", "dequantized"]) -> DType:
        """See :meth:`tensorpeek.loaders.codec.Codec.value_type`."""
        return DTYPES[self.raw if view == "raw" else self.result]

    def chunks(self, view: Literal["raw", "dequantized"], size: int) -> Iterator[Values]:
        """See :meth:`tensorpeek.loaders.codec.Codec.chunks`."""
        with Opened() as opened:
            decode = self._decoder(opened) if view == "dequantized" else None
            for rows, columns in bands(self.codes):
                codes = np.ascontiguousarray(self.codes.read(opened, rows, columns))
                if decode is None:
                    yield from pieces(self._raw(codes), size)
                    continue
                for tile in decode(codes, rows, columns, size):
                    yield from pieces(tile, size)

    def _raw(self, codes: Values) -> Values:
        raw = DTYPES[self.raw]
        return codes if raw.kind == "int" else codes.view(raw.numpy)

    def _decoder(self, opened: Opened) -> Callable[[Values, slice, slice, int], Iterator[Values]]:
        """Return what turns a band of codes, at these rows and columns, into floats."""
        count = self.scales.columns
        groups = self.spacing.groups(opened, self.codes.columns, count)
        levels, result = self._levels(opened), DTYPES[self.result].numpy

        def decode(codes: Values, rows: slice, columns: slice, size: int) -> Iterator[Values]:
            tile = tile_of(self.spacing, groups, count, rows, columns)
            scales = self.scales.read(opened, tile.group_rows, tile.group_columns)
            points = None
            if self.zero_points is not None:
                found = self.zero_points.read(opened, tile.group_rows, tile.group_columns)
                points = found.astype(np.float32)
            step = max(1, size // codes.shape[1])
            for start in range(0, len(codes), step):
                part = slice(start, min(start + step, len(codes)))
                values = _floats(codes[part], levels)
                placed = None if points is None else tile.place(points, part)
                with np.errstate(all="ignore"):
                    self._scale(values, tile.place(scales, part), placed)
                    yield values.astype(result, copy=False)

        return decode

    def _scale(
        self, values: NDArray[np.float32], scales: Values, points: NDArray[np.float32] | None
    ) -> None:
        """Turn levels into values, in place."""
        if points is not None and self.arithmetic != "sum":
            values -= points
        if self.rounds_difference:
            values[:] = values.astype(DTYPES[self.result].numpy)
        if self.arithmetic == "quotient":
            values /= scales
        else:
            values *= scales
        if self.factor is not None:
            values *= np.float32(self.factor)
        if points is not None and self.arithmetic == "sum":
            values += points

    def _levels(self, opened: Opened) -> NDArray[np.float32] | None:
        """Return what the codes 0 to 255 stand for; None for integers."""
        if self.levels is not None:
            stored = self.levels.read(opened, slice(0, 1), slice(0, self.levels.columns))
            return np.resize(stored[0].astype(np.float32), 256)
        raw = DTYPES[self.raw]
        if raw.kind == "int":
            return None
        return np.arange(256, dtype=np.uint8).view(raw.numpy).astype(np.float32)


def _floats(codes: Values, levels: NDArray[np.float32] | None) -> NDArray[np.float32]:
    if levels is None:
        return codes.astype(np.float32)
    return np.take(levels, codes.view(np.uint8))


@dataclass(frozen=True, slots=True)
class MatrixCodec:
    """The values of a matrix as they are: zero points."""

    matrix: Matrix

    def value_type(self, view: Literal["raw", "dequantized"]) -> DType:  # noqa: ARG002
        """See :meth:`tensorpeek.loaders.codec.Codec.value_type`."""
        return DTYPES[self.matrix.values]

    def chunks(
        self,
        view: Literal["raw", "dequantized"],  # noqa: ARG002
        size: int,
    ) -> Iterator[Values]:
        """See :meth:`tensorpeek.loaders.codec.Codec.chunks`."""
        with Opened() as opened:
            for rows, columns in bands(self.matrix):
                yield from pieces(self.matrix.read(opened, rows, columns), size)


@dataclass(frozen=True, slots=True)
class ScalesCodec:
    """Scales in the units of the dequantized values, one for each group.

    ``inverted`` ones are what a weight is divided by.
    """

    scales: Scales
    result: str
    factor: float | None = None
    inverted: bool = False

    def value_type(self, view: Literal["raw", "dequantized"]) -> DType:  # noqa: ARG002
        """See :meth:`tensorpeek.loaders.codec.Codec.value_type`."""
        return DTYPES[self.result]

    def chunks(
        self,
        view: Literal["raw", "dequantized"],  # noqa: ARG002
        size: int,
    ) -> Iterator[Values]:
        """See :meth:`tensorpeek.loaders.codec.Codec.chunks`."""
        with Opened() as opened:
            for rows, columns in bands(self.scales.matrix):
                with np.errstate(all="ignore"):
                    scales = self.scales.read(opened, rows, columns)
                    if self.inverted:
                        scales = np.float32(1) / scales
                    if self.factor is not None:
                        scales = scales * np.float32(self.factor)
                    scales = scales.astype(DTYPES[self.result].numpy)
                yield from pieces(scales, size)


@dataclass(frozen=True, slots=True)
class OffsetsCodec:
    """Zero points of weights whose stored ``offsets`` are added: -offset / scale, in float32."""

    offsets: Matrix
    scales: Scales

    def value_type(self, view: Literal["raw", "dequantized"]) -> DType:  # noqa: ARG002
        """See :meth:`tensorpeek.loaders.codec.Codec.value_type`."""
        return DTYPES["float32"]

    def chunks(
        self,
        view: Literal["raw", "dequantized"],  # noqa: ARG002
        size: int,
    ) -> Iterator[Values]:
        """See :meth:`tensorpeek.loaders.codec.Codec.chunks`."""
        with Opened() as opened:
            for rows, columns in bands(self.scales.matrix):
                offsets = self.offsets.read(opened, rows, columns).astype(np.float32)
                with np.errstate(all="ignore"):
                    points = -offsets / self.scales.read(opened, rows, columns)
                yield from pieces(points, size)


def bands(matrix: Matrix) -> Iterator[tuple[slice, slice]]:
    """Yield rows and columns that together are the matrix, in row-major order.

    Each is whole rows, or a part of one row where rows are long, and begins where words do.
    """
    budget = TURNED_BAND if matrix.turned else BAND
    if not matrix.columns:
        return
    if matrix.columns * PERIOD <= budget:
        step = budget // matrix.columns // PERIOD * PERIOD
        for start in range(0, matrix.rows, step):
            yield slice(start, min(start + step, matrix.rows)), slice(0, matrix.columns)
        return
    for row in range(matrix.rows):
        for start in range(0, matrix.columns, budget):
            columns = slice(start, min(start + budget, matrix.columns))
            yield slice(row, row + 1), columns


def pieces(block: Values, size: int) -> Iterator[Values]:
    """Yield the elements of a block, flat, at most ``size`` in an array."""
    flat = np.ascontiguousarray(block).reshape(-1)
    for start in range(0, flat.size, size):
        yield flat[start : start + size]
