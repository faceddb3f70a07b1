"""The outermost message of an ONNX file: is it one, who wrote it, where is its graph."""

from __future__ import annotations

from dataclasses import dataclass, field

from tensorpeek.loaders.clean import clean
from tensorpeek.loaders.errors import LoadError
from tensorpeek.loaders.onnx_format.graph import (
    MAX_ENTRIES,
    GraphRecord,
    parse_entry,
    parse_function,
    parse_graph,
)
from tensorpeek.loaders.onnx_format.wire import BYTES, VARINT, Field, WireFile, signed

TOP_FIELDS = {1: VARINT, 5: VARINT} | dict.fromkeys((2, 3, 4, 6, 7, 8, 14, 20, 25, 26), BYTES)
"""Wire type of each field of ModelProto."""
GRAPH_FIELDS = frozenset({1, 2, 5, 10, 11, 12, 13, 14, 15, 16})
"""Fields of GraphProto; all are of wire type BYTES."""

_TEXTS = {2: "producer", 3: "producer version", 4: "domain", 6: "doc"}
_LONGEST_PRODUCER = 256
_LOOKS = 64


@dataclass(slots=True)
class Header:
    """What the outermost message says: the main graph, functions, facts about the file."""

    graph: GraphRecord = field(default_factory=GraphRecord)
    functions: list[GraphRecord] = field(default_factory=list)
    metadata: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def looks_like_onnx(wire: WireFile) -> bool:
    """Tell whether the file begins as a ModelProto does, also if its end is missing.

    A graph whose own fields are those of a GraphProto is enough (after a version of the format,
    its first one), or a version and a producer's name. One field that ModelProto lacks, before
    that, is one too many.
    """
    versioned = False
    try:
        for count, part in enumerate(wire.fields(0, wire.size, beyond=True)):
            if TOP_FIELDS.get(part.number) != part.wire or count >= _LOOKS:
                return False
            if part.number == 1:
                versioned = 0 < part.value < 1000
            elif _is_evidence(wire, part, versioned=versioned):
                return True
    except LoadError:
        return False
    return False


def _is_evidence(wire: WireFile, part: Field, *, versioned: bool) -> bool:
    if part.stop > wire.size and not versioned:
        return False
    if part.number == 7:
        return _looks_like_graph(wire, part, 1 if versioned else _LOOKS)
    return versioned and part.number == 2 and _is_producer(wire, part)


def _is_producer(wire: WireFile, part: Field) -> bool:
    length = part.stop - part.start
    if not 0 < length <= _LONGEST_PRODUCER or part.start >= wire.size:
        return False
    name = wire.read(part.start, min(part.stop, wire.size))
    return name.isascii() and name.decode("ascii").isprintable()


def _looks_like_graph(wire: WireFile, graph: Field, looks: int) -> bool:
    """Tell whether the first ``looks`` fields, or all there are, are those of a GraphProto."""
    stop = min(graph.stop, wire.size)
    try:
        for count, part in enumerate(wire.fields(graph.start, stop, beyond=True)):
            if part.number not in GRAPH_FIELDS or part.wire != BYTES or part.stop > graph.stop:
                return False
            if count + 1 >= looks:
                break
    except LoadError:
        return stop < graph.stop
    return graph.start < stop


def read_header(wire: WireFile) -> Header:
    """Read the whole message but for the values of tensors. Raises LoadError."""
    header = Header()
    opsets: list[str] = []
    graphs = 0
    for part in wire.fields(0, wire.size, beyond=True):
        if part.stop > wire.size:
            missing = part.stop - wire.size
            raise LoadError(wire.path, f"truncated: {missing:,} bytes are missing at its end")
        if TOP_FIELDS.get(part.number, part.wire) != part.wire:
            wire.damaged(part.start, f"field {part.number} has wire type {part.wire}")
        if part.number == 7:
            graphs += 1
            parse_graph(wire, part, header.graph)
        elif part.number == 25:
            header.functions.append(parse_function(wire, part))
        elif part.number == 8:
            opsets.append(_opset(wire, part))
        else:
            _note_fact(wire, part, header)
    if not graphs:
        raise LoadError(wire.path, "truncated or damaged: it holds no graph")
    if not opsets:
        header.warnings.append("names no operator set: its end may be missing")
    header.metadata |= _graph_facts(header.graph, opsets)
    return header


def _graph_facts(graph: GraphRecord, opsets: list[str]) -> dict[str, str]:
    facts = {"opset": ", ".join(opsets[:MAX_ENTRIES]), "graph": graph.name, "graph doc": graph.doc}
    return {key: clean(value) for key, value in facts.items() if value}


def _note_fact(wire: WireFile, part: Field, header: Header) -> None:
    if part.number in _TEXTS:
        text = clean(wire.text(part))
        if text:
            header.metadata[_TEXTS[part.number]] = text
    elif part.number == 1:
        header.metadata["ir_version"] = str(part.value)
    elif part.number == 5:
        header.metadata["model version"] = str(signed(part.value))
    elif part.number == 14 and len(header.metadata) < MAX_ENTRIES:
        key, value = parse_entry(wire, part)
        header.metadata.setdefault(clean(key), clean(value))
    elif part.number == 20 and part.stop > part.start:
        header.warnings.append("holds training information, which is not shown")


def _opset(wire: WireFile, part: Field) -> str:
    domain, version = "", 0
    for entry in wire.fields(part.start, part.stop):
        if entry.number == 1:
            domain = wire.text(entry)
        elif entry.number == 2:
            version = signed(wire.expect(entry, VARINT).value)
    return f"{domain or 'ai.onnx'} {version}"
