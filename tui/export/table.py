"""Write one tensor as comma-separated values."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from io import TextIOWrapper
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from tensorpeek.analysis import Stop
from tensorpeek.tui.export.arrays import Advance
from tensorpeek.tui.export.item import Item


def write_csv(items: Sequence[Item], stream: BinaryIO, advance: Advance, stop: Stop) -> None:
    """Write a matrix as its rows; more axes as (first axis, all others); one axis as a column.

    Each number has the fewest digits that give the value back in its type (bfloat16 and float8:
    in float32); NaN and infinities are ``nan``, ``inf``, ``-inf``. Lines end with a line feed.
    """
    (item,) = items
    shape = item.tensor.shape
    columns = math.prod(shape[1:]) if len(shape) > 1 else 1
    text = TextIOWrapper(stream, encoding="ascii", newline="", write_through=False)
    column = 0
    for chunk in item.chunks(stop):
        for piece in _pieces(chunk, columns, column):
            words = ",".join(_words(piece, item.array_type))
            column = (column + piece.size) % columns
            text.write(words + ("," if column else "\n"))
        advance(chunk.size)
    text.flush()
    text.detach()


def _pieces(chunk: NDArray[Any], columns: int, column: int) -> Iterator[NDArray[Any]]:
    """Cut a chunk where rows end; the first element stands in ``column``."""
    start = 0
    while start < chunk.size:
        end = min(start + columns - column, chunk.size)
        yield chunk[start:end]
        start, column = end, 0


def _words(values: NDArray[Any], kind: np.dtype[Any]) -> list[str]:
    plain = values.astype(kind, copy=False)
    if plain.dtype.kind in "fc" and plain.dtype.itemsize not in (8, 16):
        return [str(value) for value in plain]  # digits of the value's own type
    if plain.dtype.kind == "b":
        return [str(int(value)) for value in plain]
    return [str(value) for value in plain.tolist()]
