"""Small TFLite models that tests write with the generated builders of the ``tflite`` package."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import flatbuffers
import numpy as np
import tflite
from numpy.typing import ArrayLike

from tensorpeek.loaders import LoadError, Model, Tensor
from tensorpeek.loaders.registry import look_at
from tensorpeek.loaders.tflite_format import reader as tflite_file

Builder = flatbuffers.Builder


@dataclass
class Grid:
    """Quantization parameters; ``details`` are a kind, scales, zero points, a block, a list."""

    scale: Sequence[float] = ()
    zero_point: Sequence[int] | None = ()
    axis: int = 0
    details: tuple[int, int, int | None, int, Sequence[int]] | None = None


@dataclass
class Sparse:
    """Sparsity: levels are dense sizes, or pairs of segments and indices of a NumPy type."""

    order: Sequence[int]
    blocks: Sequence[int]
    levels: Sequence[int | tuple[np.ndarray, np.ndarray]]


@dataclass
class Made:
    """One tensor to write. ``content`` None: an activation; an int: another tensor's buffer."""

    name: str
    shape: Sequence[int] | None
    type: int
    content: bytes | int | None = None
    grid: Grid | None = None
    sparse: Sparse | None = None
    external: int = 0
    appended: bool = False


TYPES = {
    "float32": 0, "float16": 1, "int32": 2, "uint8": 3, "int64": 4, "bool": 6, "int16": 7,
    "complex64": 8, "int8": 9, "float64": 10, "complex128": 11, "uint64": 12, "uint32": 15,
    "uint16": 16, "bfloat16": 18, "float8_e4m3fn": 21, "float8_e5m2": 22,
}  # fmt: skip


def constant(
    name: str, values: ArrayLike, grid: Grid | None = None, *, appended: bool = False
) -> Made:
    """A tensor with the values of a NumPy array."""
    array = np.asarray(values)
    return Made(
        name, array.shape, TYPES[array.dtype.name], array.tobytes(), grid, appended=appended
    )


def activation(name: str, shape: Sequence[int] = (1, 4)) -> Made:
    """A tensor that is computed."""
    return Made(name, shape, 0)


def _vector(builder: Builder, values: ArrayLike, code: str) -> int:
    return builder.CreateNumpyVector(np.asarray(values, code).reshape(-1))


def _offsets(builder: Builder, places: Sequence[int]) -> int:
    builder.StartVector(4, len(places), 4)
    for place in reversed(places):
        builder.PrependUOffsetTRelative(place)
    return builder.EndVector()


def _grid(builder: Builder, grid: Grid) -> int:
    details = 0
    if grid.details is not None:
        _, scales, points, block, third = grid.details
        list_ = _vector(builder, third, "<i4") if len(third) else 0
        builder.StartObject(4)
        builder.PrependInt32Slot(0, scales, 0)
        builder.PrependInt32Slot(1, points or 0, 0)
        builder.PrependInt32Slot(2, block, 0)
        if list_:
            builder.PrependUOffsetTRelativeSlot(3, list_, 0)
        details = builder.EndObject()
    scale = _vector(builder, grid.scale, "<f4")
    points = None if grid.zero_point is None else _vector(builder, grid.zero_point, "<i8")
    tflite.QuantizationParametersStart(builder)
    tflite.QuantizationParametersAddScale(builder, scale)
    if points is not None:
        tflite.QuantizationParametersAddZeroPoint(builder, points)
    tflite.QuantizationParametersAddQuantizedDimension(builder, grid.axis)
    if grid.details is not None:
        tflite.QuantizationParametersAddDetailsType(builder, grid.details[0])
        tflite.QuantizationParametersAddDetails(builder, details)
    return tflite.QuantizationParametersEnd(builder)


_INDEX = {"int32": (1, "<i4"), "uint16": (2, "<u2"), "uint8": (3, "<u1")}


def _level(builder: Builder, level: int | tuple[np.ndarray, np.ndarray]) -> int:
    if isinstance(level, int):
        tflite.DimensionMetadataStart(builder)
        tflite.DimensionMetadataAddDenseSize(builder, level)
        return tflite.DimensionMetadataEnd(builder)
    holders = []
    for array in level:
        place = _vector(builder, array, _INDEX[array.dtype.name][1])
        tflite.Int32VectorStart(builder)
        tflite.Int32VectorAddValues(builder, place)
        holders.append(tflite.Int32VectorEnd(builder))
    tflite.DimensionMetadataStart(builder)
    tflite.DimensionMetadataAddFormat(builder, tflite.DimensionType.SPARSE_CSR)
    tflite.DimensionMetadataAddArraySegmentsType(builder, _INDEX[level[0].dtype.name][0])
    tflite.DimensionMetadataAddArraySegments(builder, holders[0])
    tflite.DimensionMetadataAddArrayIndicesType(builder, _INDEX[level[1].dtype.name][0])
    tflite.DimensionMetadataAddArrayIndices(builder, holders[1])
    return tflite.DimensionMetadataEnd(builder)


def _sparse(builder: Builder, sparse: Sparse) -> int:
    levels = _offsets(builder, [_level(builder, each) for each in sparse.levels])
    order, blocks = (_vector(builder, each, "<i4") for each in (sparse.order, sparse.blocks))
    tflite.SparsityParametersStart(builder)
    tflite.SparsityParametersAddTraversalOrder(builder, order)
    tflite.SparsityParametersAddBlockMap(builder, blocks)
    tflite.SparsityParametersAddDimMetadata(builder, levels)
    return tflite.SparsityParametersEnd(builder)


def _tensor(builder: Builder, made: Made, buffer: int) -> int:
    name = builder.CreateString(made.name)
    shape = None if made.shape is None else _vector(builder, made.shape, "<i4")
    grid = 0 if made.grid is None else _grid(builder, made.grid)
    sparse = 0 if made.sparse is None else _sparse(builder, made.sparse)
    builder.StartObject(11)
    if shape is not None:
        tflite.TensorAddShape(builder, shape)
    tflite.TensorAddType(builder, made.type)
    tflite.TensorAddBuffer(builder, 0 if made.external else buffer)
    tflite.TensorAddName(builder, name)
    if grid:
        tflite.TensorAddQuantization(builder, grid)
    if sparse:
        tflite.TensorAddSparsity(builder, sparse)
    builder.PrependUint32Slot(10, made.external, 0)
    return builder.EndObject()


def _buffer(builder: Builder, content: bytes, place: int) -> int:
    if place:
        builder.StartObject(3)
        builder.PrependUint64Slot(1, place, 0)
        builder.PrependUint64Slot(2, len(content), 0)
        return builder.EndObject()
    vector = _vector(builder, np.frombuffer(content, np.uint8), "<u1") if content else 0
    tflite.BufferStart(builder)
    if vector:
        tflite.BufferAddData(builder, vector)
    return tflite.BufferEnd(builder)


def _operator(builder: Builder, code: int, inputs: Sequence[int], outputs: Sequence[int]) -> int:
    ins, outs = (_vector(builder, each, "<i4") for each in (inputs, outputs))
    tflite.OperatorStart(builder)
    tflite.OperatorAddOpcodeIndex(builder, code)
    tflite.OperatorAddInputs(builder, ins)
    tflite.OperatorAddOutputs(builder, outs)
    return tflite.OperatorEnd(builder)


Node = tuple[int, Sequence[int], Sequence[int]]
Graph = tuple[Sequence[Made], Sequence[Node]]
External = tuple[int, int, int, int, str]


@dataclass
class _Model:
    """A model to write, all graphs over one list of buffers."""

    graphs: Sequence[Graph]
    groups: Sequence[str]
    externals: Sequence[External]

    def __post_init__(self) -> None:
        made = [each for tensors, _ in self.graphs for each in tensors]
        self.contents: list[tuple[bytes, bool]] = [(b"", False)]
        self.numbers: dict[int, int] = {}
        for index, each in enumerate(made):
            if isinstance(each.content, int):
                self.numbers[index] = self.numbers[each.content]
            elif each.content is None:
                self.numbers[index] = 0
            else:
                self.numbers[index] = len(self.contents)
                self.contents.append((each.content, each.appended))

    def build(self, end: int) -> bytes:
        """Serialize; appended contents follow from byte ``end`` on."""
        builder = Builder(1024)
        places, at = [], end
        for content, appended in self.contents:
            places.append(at if appended else 0)
            at += len(content) if appended else 0
        buffers = [
            _buffer(builder, content, place)
            for (content, _), place in zip(self.contents, places, strict=True)
        ]
        root = self._root(builder, buffers)
        builder.Finish(root, file_identifier=b"TFL3")
        return bytes(builder.Output())

    def _root(self, builder: Builder, buffers: list[int]) -> int:
        codes = sorted({node[0] for _, nodes in self.graphs for node in nodes})
        graphs, index = [], 0
        for tensors, nodes in self.graphs:
            places = []
            for each in tensors:
                places.append(_tensor(builder, each, self.numbers[index]))
                index += 1
            operators = [_operator(builder, codes.index(each[0]), *each[1:]) for each in nodes]
            vectors = _offsets(builder, places), _offsets(builder, operators)
            name = builder.CreateString(f"graph{len(graphs)}")
            tflite.SubGraphStart(builder)
            tflite.SubGraphAddTensors(builder, vectors[0])
            tflite.SubGraphAddOperators(builder, vectors[1])
            tflite.SubGraphAddName(builder, name)
            graphs.append(tflite.SubGraphEnd(builder))
        vectors = [_offsets(builder, [_code(builder, each) for each in codes])]
        vectors += [_offsets(builder, graphs), _offsets(builder, buffers), *self._beside(builder)]
        description = builder.CreateString("made by a test")
        builder.StartObject(10)
        builder.PrependUint32Slot(0, 3, 0)
        for slot, place in zip((1, 2, 4, 8, 9), vectors, strict=True):
            builder.PrependUOffsetTRelativeSlot(slot, place, 0)
        tflite.ModelAddDescription(builder, description)
        return builder.EndObject()

    def _beside(self, builder: Builder) -> list[int]:
        groups = []
        for name in self.groups:
            place = builder.CreateString(name)
            builder.StartObject(1)
            builder.PrependUOffsetTRelativeSlot(0, place, 0)
            groups.append(builder.EndObject())
        externals = []
        for number, group, offset, length, packing in self.externals:
            place = builder.CreateString(packing)
            builder.StartObject(5)
            builder.PrependUint32Slot(0, number, 0)
            builder.PrependUint32Slot(1, group, 0)
            builder.PrependUint64Slot(2, offset, 0)
            builder.PrependUint64Slot(3, length, 0)
            builder.PrependUOffsetTRelativeSlot(4, place, 0)
            externals.append(builder.EndObject())
        return [_offsets(builder, groups), _offsets(builder, externals)]


def _code(builder: Builder, code: int) -> int:
    tflite.OperatorCodeStart(builder)
    tflite.OperatorCodeAddDeprecatedBuiltinCode(builder, min(code, 127))
    tflite.OperatorCodeAddBuiltinCode(builder, code)
    return tflite.OperatorCodeEnd(builder)


def model_of(
    *graphs: Graph, groups: Sequence[str] = (), externals: Sequence[External] = ()
) -> bytes:
    """A TFLite file of graphs, each a list of tensors and a list of operators."""
    model = _Model(graphs, groups, externals)
    end = -(-len(model.build(1 << 20)) // 16) * 16
    content = model.build(end)
    tail = b"".join(each for each, appended in model.contents if appended)
    return content.ljust(end, b"\0") + tail if tail else content


def open_tflite(path: Path) -> Model:
    """Open a file with the TFLite loader, which must recognize it."""
    file = look_at(path)
    if not tflite_file.recognizes(file):
        raise LoadError(path, "not recognized")
    return tflite_file.load(file)


def opened(
    folder: Path,
    *graphs: Graph,
    groups: Sequence[str] = (),
    externals: Sequence[External] = (),
) -> Model:
    """The model that a file of ``graphs`` opens as."""
    path = folder / "model.tflite"
    path.write_bytes(model_of(*graphs, groups=groups, externals=externals))
    return open_tflite(path)


def named(model: Model, name: str) -> Tensor:
    """The one tensor that goes by ``name``, or has it as another name."""
    (found,) = [each for each in model.tensors if name in (each.name, *each.aliases)]
    return found
