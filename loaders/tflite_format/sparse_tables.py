"""Read how a sparse TFLite tensor is stored, level by level."""

from __future__ import annotations

import math

from tensorpeek.loaders.dtypes import DTYPES
from tensorpeek.loaders.quantization import Quantization
from tensorpeek.loaders.tflite_format.flatbuffer import Table
from tensorpeek.loaders.tflite_format.graph import MAX_DIMENSIONS
from tensorpeek.loaders.tflite_format.schema import INDEX_TYPES, DimensionField, SparsityField
from tensorpeek.loaders.tflite_format.sparsity import Level, Numbers, SparseCodec
from tensorpeek.loaders.tflite_format.values import Buffers, Stored


def sparse_codec(
    table: Table, stored: Stored, quantization: Quantization | None, buffers: Buffers
) -> SparseCodec | str:
    """Return what reads the values of a sparse tensor, or why it cannot.

    Raises LoadError where its tables are damaged.
    """
    if stored.span is None:
        return stored.error or "has no values"
    levels = _levels(table, stored.shape, buffers)
    if isinstance(levels, str):
        return levels
    paths = 1
    for level in levels:
        paths = level.indices.count if level.indices is not None else paths * level.size
    span, element = stored.span, stored.element
    codec = SparseCodec(span, element, stored.shape, paths, levels, quantization)
    return codec.problem() or codec


def _levels(table: Table, shape: tuple[int, ...], buffers: Buffers) -> tuple[Level, ...] | str:
    order = table.integers(SparsityField.TRAVERSAL_ORDER)
    blocks = table.integers(SparsityField.BLOCK_MAP)
    rank = len(shape)
    whole = list(range(rank + len(blocks)))
    if (
        len(whole) > 2 * MAX_DIMENSIONS
        or sorted(order) != whole
        or sorted(order[:rank]) != whole[:rank]
    ):
        return f"its traversal order {list(order[:MAX_DIMENSIONS])} is no order of its dimensions"
    if not all(0 <= dimension < rank for dimension in blocks):
        return f"its block map {list(blocks)} names dimensions that it has not"
    vector = table.vector(SparsityField.DIMENSIONS, 4)
    if vector is None or vector.count != len(whole):
        return f"describes {vector.count if vector else 0:,} dimensions of {len(whole)}"
    tables = [table.element(vector, index) for index in range(vector.count)]
    axes = [each if each < rank else blocks[each - rank] for each in order]
    sizes = _sizes(tables, axes, shape)
    if isinstance(sizes, str):
        return sizes
    return _steps(tables, axes, shape, sizes, buffers)


def _sizes(tables: list[Table], axes: list[int], shape: tuple[int, ...]) -> list[int] | str:
    """Return how many entries each level has: blocks say so, the others follow from the shape."""
    rank = len(shape)
    inner = [1] * rank
    blocks = [each.integer(DimensionField.DENSE_SIZE, "i") for each in tables[rank:]]
    for axis, size in zip(axes[rank:], blocks, strict=True):
        if size < 1:
            return f"has a block of {size}"
        inner[axis] *= size
    if any(length % width for length, width in zip(shape, inner, strict=True)):
        return f"its blocks of {inner} do not divide its shape {list(shape)}"
    return [shape[axis] // inner[axis] for axis in axes[:rank]] + blocks


def _steps(
    tables: list[Table], axes: list[int], shape: tuple[int, ...], sizes: list[int], buffers: Buffers
) -> tuple[Level, ...] | str:
    """Return the levels; an inner level of an axis takes shorter steps along it."""
    steps = [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]
    levels: list[Level] = []
    for table, axis, size in reversed(list(zip(tables, axes, sizes, strict=True))):
        level = _level(table, size, steps[axis], buffers)
        if isinstance(level, str):
            return level
        levels.append(level)
        steps[axis] *= size
    return tuple(reversed(levels))


def _level(table: Table, size: int, step: int, buffers: Buffers) -> Level | str:
    kind = table.integer(DimensionField.FORMAT, "b")
    if kind == 0:
        claimed = table.integer(DimensionField.DENSE_SIZE, "i")
        if claimed != size:
            return f"a dense dimension has {claimed:,} entries, its shape {size:,}"
        return Level(size, step)
    if kind != 1:
        return f"dimension format {kind} is unknown"
    segments = _numbers(table, DimensionField.SEGMENTS_TYPE, DimensionField.SEGMENTS, buffers)
    indices = _numbers(table, DimensionField.INDICES_TYPE, DimensionField.INDICES, buffers)
    if segments is None or indices is None:
        return "a sparse dimension lacks its index"
    return Level(size, step, segments, indices)


def _numbers(
    table: Table, kind: DimensionField, values: DimensionField, buffers: Buffers
) -> Numbers | None:
    dtype = INDEX_TYPES.get(table.integer(kind, "B"))
    holder = table.table(values)
    if dtype is None or holder is None:
        return None
    vector = holder.vector(0, DTYPES[dtype].bits // 8)
    return None if vector is None else Numbers(buffers.inside(vector), dtype)
