"""The parts of an ONNX model that matter here, as records read off the wire format."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field

from tensorpeek.loaders.errors import LoadError
from tensorpeek.loaders.onnx_format.wire import BYTES, FIXED32, VARINT, Field, WireFile, signed

MAX_DEPTH = 32
"""Subgraphs in subgraphs: protobuf itself stops at 100 nested messages, three for each."""
MAX_DIMENSIONS = 32
"""Dimensions of a tensor; NumPy stops at 64."""
MAX_WORD = 64
"""Bytes of an attribute's text that is kept: longer ones are no words of a specification."""
MAX_ENTRIES = 256
"""Entries of a key-value list (metadata) that are kept."""


@dataclass(slots=True)
class TypedSpan:
    """The first occurrence of a typed field (``float_data``) and the size of all of them."""

    start: int
    stop: int
    nbytes: int = 0
    parts: int = 0


@dataclass(slots=True)
class TensorRecord:
    """A TensorProto at bytes ``[start, stop)``; ``problem`` says why it has no values.

    A SparseTensorProto has its values and indices in ``sparse``, and the shape of the whole.
    """

    start: int
    stop: int
    name: str = ""
    dims: tuple[int, ...] = ()
    data_type: int = 0
    raw: tuple[int, int] | None = None
    typed: dict[int, TypedSpan] = field(default_factory=dict)
    external: dict[str, str] | None = None
    problem: str | None = None
    sparse: tuple[TensorRecord, TensorRecord] | None = None


@dataclass(slots=True)
class AttributeRecord:
    """An AttributeProto at bytes ``[start, stop)``."""

    start: int
    stop: int
    name: str = ""
    integer: int = 0
    number: float = 0.0
    text: str = ""
    tensor: TensorRecord | None = None
    typed: dict[int, TypedSpan] = field(default_factory=dict)
    graphs: list[GraphRecord] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class NodeRecord:
    """A NodeProto. An input or output that is left out has the name ``""``."""

    name: str = ""
    op_type: str = ""
    domain: str = ""
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    attributes: dict[str, AttributeRecord] = field(default_factory=dict)

    def integer(self, attribute: str, default: int) -> int:
        """Return an integer attribute, or ``default`` if the node does not have it."""
        record = self.attributes.get(attribute)
        return default if record is None else record.integer

    def text(self, attribute: str, default: str) -> str:
        """Return a short text attribute, or ``default`` if the node does not have it."""
        record = self.attributes.get(attribute)
        return default if record is None else record.text

    def input(self, index: int) -> str:
        """Return the name of an input, ``""`` if it is left out."""
        return self.inputs[index] if 0 <= index < len(self.inputs) else ""


@dataclass(slots=True)
class GraphRecord:
    """A GraphProto, or the body of a FunctionProto."""

    name: str = ""
    doc: str = ""
    nodes: list[NodeRecord] = field(default_factory=list)
    initializers: list[TensorRecord] = field(default_factory=list)


TYPED_FIELDS = (4, 5, 7, 10, 11)
"""TensorProto's float_data, int32_data, int64_data, double_data, uint64_data."""


def parse_tensor(wire: WireFile, start: int, stop: int) -> TensorRecord:
    """Read a TensorProto without its values."""
    record = TensorRecord(start, stop)
    dims: list[int] = []
    for part in wire.fields(start, stop):
        if part.number == 1:
            dims += wire.integers(part, MAX_DIMENSIONS + 1)
        elif part.number == 2:
            record.data_type = wire.expect(part, VARINT).value
        elif part.number == 8:
            record.name = wire.text(part)
        elif part.number == 9:
            record.raw = wire.expect(part, BYTES)[-2:]
        elif part.number in TYPED_FIELDS:
            _note_typed(record.typed, part)
        else:
            _note_place(wire, record, part)
        del dims[MAX_DIMENSIONS + 1 :]
    record.dims = tuple(dims)
    return record


def _note_place(wire: WireFile, record: TensorRecord, part: Field) -> None:
    if part.number == 13:
        record.external = record.external or {}
        if len(record.external) < MAX_ENTRIES:
            key, value = parse_entry(wire, part)
            record.external.setdefault(key, value)
    elif part.number == 14 and part.value == 1:
        record.external = record.external or {}
    elif part.number == 3:
        record.problem = "is stored in segments"


def _note_typed(typed: dict[int, TypedSpan], part: Field) -> None:
    span = typed.setdefault(part.number, TypedSpan(part.start, part.stop))
    span.nbytes += part.stop - part.start
    span.parts += 1


def parse_entry(wire: WireFile, part: Field) -> tuple[str, str]:
    """Read a StringStringEntryProto."""
    texts = {1: "", 2: ""}
    wire.expect(part, BYTES)
    for entry in wire.fields(part.start, part.stop):
        if entry.number in texts:
            texts[entry.number] = wire.text(entry)
    return texts[1], texts[2]


def parse_sparse(wire: WireFile, start: int, stop: int) -> TensorRecord:
    """Read a SparseTensorProto: the name and type of its values, and its own shape."""
    values, indices = TensorRecord(start, stop), TensorRecord(start, stop)
    dims: list[int] = []
    for part in wire.fields(start, stop):
        if part.number == 1:
            values = parse_tensor(wire, wire.expect(part, BYTES).start, part.stop)
        elif part.number == 2:
            indices = parse_tensor(wire, wire.expect(part, BYTES).start, part.stop)
        elif part.number == 3:
            dims += wire.integers(part, MAX_DIMENSIONS + 1)
        del dims[MAX_DIMENSIONS + 1 :]
    record = TensorRecord(start, stop, values.name, tuple(dims), values.data_type)
    record.sparse = values, indices
    return record


def parse_attribute(wire: WireFile, start: int, stop: int, depth: int) -> AttributeRecord:
    """Read an AttributeProto: integers, a float, a tensor, subgraphs, where lists lie."""
    record = AttributeRecord(start, stop)
    for part in wire.fields(start, stop):
        if part.number == 1:
            record.name = wire.text(part)
        elif part.number in (5, 22):
            read = parse_tensor if part.number == 5 else parse_sparse
            record.tensor = read(wire, wire.expect(part, BYTES).start, part.stop)
        elif part.number in (6, 11):
            record.graphs.append(GraphRecord())
            parse_graph(wire, wire.expect(part, BYTES), record.graphs[-1], depth + 1)
        elif part.number in (2, 3, 4, 7, 8, 9):
            _note_typed(record.typed, part)
            _note_number(wire, record, part)
    return record


def _note_number(wire: WireFile, record: AttributeRecord, part: Field) -> None:
    if part.number == 3:
        record.integer = signed(wire.expect(part, VARINT).value)
    elif part.number == 4 and part.stop - part.start <= MAX_WORD:
        wire.expect(part, BYTES)
        record.text = wire.text(part)
    elif part.number == 2:
        wire.expect(part, FIXED32)
        (record.number,) = struct.unpack("<f", wire.read(part.start, part.stop))


def parse_node(wire: WireFile, start: int, stop: int, depth: int) -> NodeRecord:
    """Read a NodeProto with its attributes and their subgraphs."""
    node = NodeRecord()
    for part in wire.fields(start, stop):
        if part.number == 1:
            node.inputs.append(wire.text(part))
        elif part.number == 2:
            node.outputs.append(wire.text(part))
        elif part.number == 3:
            node.name = wire.text(part)
        elif part.number == 4:
            node.op_type = wire.text(part)
        elif part.number == 7:
            node.domain = wire.text(part)
        elif part.number == 5:
            wire.expect(part, BYTES)
            attribute = parse_attribute(wire, part.start, part.stop, depth)
            node.attributes[attribute.name] = attribute
    return node


def parse_graph(wire: WireFile, whole: Field, graph: GraphRecord, depth: int = 0) -> None:
    """Read a GraphProto into ``graph``: two occurrences of one field are one message."""
    if depth > MAX_DEPTH:
        raise LoadError(wire.path, f"has subgraphs nested deeper than {MAX_DEPTH}")
    readers: dict[int, Callable[[WireFile, int, int], TensorRecord]] = {
        5: parse_tensor,
        15: parse_sparse,
    }
    for part in wire.fields(whole.start, whole.stop):
        if part.number == 1:
            wire.expect(part, BYTES)
            graph.nodes.append(parse_node(wire, part.start, part.stop, depth))
        elif part.number in readers:
            wire.expect(part, BYTES)
            graph.initializers.append(readers[part.number](wire, part.start, part.stop))
        elif part.number == 2:
            graph.name = wire.text(part)
        elif part.number == 10:
            graph.doc = wire.text(part)


def parse_function(wire: WireFile, whole: Field) -> GraphRecord:
    """Read the name and the nodes of a FunctionProto."""
    graph = GraphRecord()
    for part in wire.fields(whole.start, whole.stop):
        if part.number == 1:
            graph.name = wire.text(part)
        elif part.number == 7:
            wire.expect(part, BYTES)
            graph.nodes.append(parse_node(wire, part.start, part.stop, 0))
    return graph
