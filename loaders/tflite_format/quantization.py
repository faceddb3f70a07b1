"""How the integers of a TFLite tensor stand for floats: per tensor, per axis, in blocks."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from tensorpeek.loaders.layout import Layout
from tensorpeek.loaders.quantization import Quantization
from tensorpeek.loaders.storage import FileSpan
from tensorpeek.loaders.tensor import Tensor
from tensorpeek.loaders.tflite_format.flatbuffer import Table
from tensorpeek.loaders.tflite_format.graph import TensorRecord
from tensorpeek.loaders.tflite_format.schema import (
    Details,
    DetailsField,
    QuantizationField,
    TensorField,
)
from tensorpeek.loaders.tflite_format.values import Buffers, Stored


@dataclass(slots=True)
class Codings:
    """The quantizations of one model: what was noted, and what takes part in them.

    ``parts`` are the tensors that hold scales or zero points of others. Schemes that cannot be
    shown are named in ``warnings``; their tensors are then shown raw.
    """

    buffers: Buffers
    parts: set[TensorRecord] = field(default_factory=set)
    warnings: list[str] = field(default_factory=list)

    def of(self, record: TensorRecord, stored: Stored) -> Quantization | str | None:
        """Return the quantization of a tensor, what is wrong with it, or None without one.

        Raises LoadError where its tables are damaged.
        """
        element = stored.element
        if element.kind != "int" and not (element.kind == "float" and element.bits <= 8):
            return None
        table = record.table.table(TensorField.QUANTIZATION)
        if table is None:
            return None
        kind = table.integer(QuantizationField.DETAILS_TYPE, "B")
        details = table.table(QuantizationField.DETAILS) if kind != Details.NONE else None
        if details is None:
            return self._affine(table, record, stored)
        if kind in (Details.BLOCKWISE, Details.MULTI_AXIS):
            found = self._grouped(details, record, stored, Details(kind))
        else:
            found = "has a custom quantization" if kind == Details.CUSTOM else f"type {kind}"
        if isinstance(found, str):
            self.warnings.append(f"{record.name}: quantization not understood ({found})")
            return None
        return found

    def _affine(
        self, table: Table, record: TensorRecord, stored: Stored
    ) -> Quantization | str | None:
        scales = table.vector(QuantizationField.SCALE, 4)
        points = table.vector(QuantizationField.ZERO_POINT, 8)
        if scales is None or scales.count == 0:
            return None
        axis = table.integer(QuantizationField.DIMENSION, "i")
        problem = _axis_problem(stored.shape, scales.count, axis)
        if problem is not None:
            return problem
        if points is not None and points.count not in (0, 1, scales.count):
            return f"has {points.count:,} zero points for {scales.count:,} scales"
        zero_point = None
        if points is not None and points.count:
            span = self.buffers.inside(points)
            zero_point = _part(record, "zero point", Stored("int64", (points.count,), span))
        span = self.buffers.inside(scales)
        per_axis = scales.count > 1
        return Quantization(
            scheme="per-channel" if per_axis else "per-tensor",
            source="TFLite",
            bits=stored.element.bits,
            scale=_part(record, "scale", Stored("float32", (scales.count,), span)),
            zero_point=zero_point,
            axis=axis if per_axis else None,
        )

    def _grouped(
        self, details: Table, record: TensorRecord, stored: Stored, kind: Details
    ) -> Quantization | str:
        """Read scales and zero points that are tensors of the same graph."""
        grid = _grid(details, stored.shape, kind)
        if isinstance(grid, str):
            return grid
        holder = record.subgraph.tensor(details.integer(DetailsField.SCALES, "i"))
        scale = self._tensor(holder)
        if scale is None or scale.error is not None or scale.element.kind != "float":
            return "its scales cannot be read"
        if scale.params != grid.count:
            return f"has {scale.params:,} scales, its shape needs {grid.count:,}"
        number = details.integer(DetailsField.ZERO_POINTS, "i")
        other = record.subgraph.tensor(number)
        zero_point = self._tensor(other)
        fits = zero_point is not None and _is_zero_point(zero_point, grid.count)
        if number > 0 and not fits:
            return "its zero points cannot be read or are too few"
        if not fits:  # 0 is also the default of a field that is left out
            other = zero_point = None
        self.parts.update(
            each for each in (holder, other) if each is not None and each is not record
        )
        return Quantization(
            scheme="per-channel" if grid.block is None else "blockwise",
            source="TFLite",
            bits=stored.element.bits,
            scale=scale,
            zero_point=zero_point,
            axis=grid.axis,
            block=grid.block,
        )

    def _tensor(self, record: TensorRecord | None) -> Tensor | None:
        stored = None if record is None else self.buffers.dense(record)
        return None if record is None or stored is None else _part(record, "", stored)


@dataclass(frozen=True, slots=True)
class Grid:
    """Along which axis ``count`` scales differ, and in what blocks."""

    axis: int
    block: int | None
    count: int


def _axis_problem(shape: tuple[int, ...], scales: int, axis: int) -> str | None:
    if scales == 1:
        return None
    if not 0 <= axis < len(shape):
        return f"its quantized dimension {axis} is none of its {len(shape)}"
    if shape[axis] != scales:
        return f"has {scales:,} scales, its dimension {axis} has {shape[axis]:,} entries"
    return None


def _grid(details: Table, shape: tuple[int, ...], kind: Details) -> Grid | str:
    """Return how scales are spread over ``shape``: in blocks along one axis, or along one axis.

    A blockwise tensor has its blocks along the last axis. Scales that differ along all axes but
    one are blocks that span that one.
    """
    block = details.integer(DetailsField.BLOCK_SIZE, "i")
    third = details.integers(DetailsField.SHAPE_OR_DIMENSIONS)
    if kind == Details.MULTI_AXIS:
        return _several_axes(shape, third, block)
    if not shape or (third and third != (1,) * (len(shape) - 1) + (block,)):
        return f"blocks of shape {list(third)}"
    return _blocks(shape, len(shape) - 1, block)


def _several_axes(shape: tuple[int, ...], axes: tuple[int, ...], block: int) -> Grid | str:
    left = [axis for axis in range(len(shape)) if axis not in axes]
    if block or len(left) + len(axes) != len(shape):
        return f"along dimensions {list(axes)} in blocks of {block}"
    if len(axes) == 1:
        return Grid(axes[0], None, shape[axes[0]])
    if len(left) != 1:
        return f"along dimensions {list(axes)}"
    return _blocks(shape, left[0], shape[left[0]])


def _blocks(shape: tuple[int, ...], axis: int, block: int) -> Grid | str:
    if block <= 0:
        return f"blocks of {block}"
    others = math.prod(shape[:axis] + shape[axis + 1 :])
    return Grid(axis, block, others * -(-shape[axis] // block))


def _is_zero_point(tensor: Tensor, count: int) -> bool:
    return tensor.error is None and tensor.element.kind == "int" and tensor.params in (1, count)


def _part(record: TensorRecord, what: str, stored: Stored) -> Tensor:
    """Return a scale or a zero point as a tensor that is not listed itself."""
    name = f"{record.name} {what}".strip()
    span: FileSpan | None = stored.span
    return Tensor(
        name=name,
        layer=name,
        label=what or name,
        role="other",
        shape=stored.shape,
        dtype=stored.dtype,
        storage=span,
        layout=Layout.contiguous(stored.shape),
        error=stored.error,
        source=record.table.file.path,
    )
