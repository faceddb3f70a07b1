"""What a TFLite file says about itself: description, versions, layouts of its weights."""

from __future__ import annotations

from collections.abc import Sequence

from tensorpeek.loaders.clean import clean
from tensorpeek.loaders.errors import LoadError
from tensorpeek.loaders.storage import FileSpan
from tensorpeek.loaders.tflite_format.flatbuffer import Table
from tensorpeek.loaders.tflite_format.graph import Subgraph
from tensorpeek.loaders.tflite_format.roles import LAYOUTS
from tensorpeek.loaders.tflite_format.schema import MetadataField, ModelField, Op
from tensorpeek.loaders.tflite_format.values import Buffers

MAX_ENTRIES = 64
"""Entries of the file's metadata that are kept."""
MAX_GRAPHS = 16
"""Graphs that are named."""
_SHORT = 256
"""Bytes of an entry up to which it is shown as text."""


def facts_of(model: Table, subgraphs: Sequence[Subgraph], buffers: Buffers) -> dict[str, str]:
    """Return facts about the file, safe to show; a damaged entry is left out."""
    facts = {
        "schema version": str(model.integer(ModelField.VERSION, "I")),
        "graphs": _graphs(subgraphs),
        "weight layouts": _layouts(subgraphs),
    }
    try:
        facts["description"] = model.text(ModelField.DESCRIPTION)
        vector = model.vector(ModelField.METADATA, 4)
        for index in range(min(vector.count, MAX_ENTRIES) if vector is not None else 0):
            entry = model.element(vector, index)
            name = entry.text(MetadataField.NAME)
            span = buffers.numbered(entry.integer(MetadataField.BUFFER, "I"))
            facts.setdefault(name, _shown(span))
    except LoadError as error:
        facts["damage"] = error.reason
    return {key: value for key, value in facts.items() if key and value}


def _graphs(subgraphs: Sequence[Subgraph]) -> str:
    names = [subgraph.name or "unnamed" for subgraph in subgraphs[:MAX_GRAPHS]]
    more = len(subgraphs) - len(names)
    return clean(", ".join(names) + (f" and {more:,} more" if more else ""))


def _layouts(subgraphs: Sequence[Subgraph]) -> str:
    codes = {operator.code for subgraph in subgraphs for operator in subgraph.operators}
    return ", ".join(f"{Op(code).name}: {axes}" for code, axes in LAYOUTS.items() if code in codes)


def _shown(span: FileSpan | str | None) -> str:
    if not isinstance(span, FileSpan):
        return ""
    if span.nbytes > _SHORT:
        return f"{span.nbytes:,} bytes"
    with span.open() as read:
        text = bytes(read(0, span.nbytes)).rstrip(b"\0")
    return (
        text.decode()
        if text.isascii() and text.decode().isprintable()
        else f"{span.nbytes:,} bytes"
    )
