"""What an HDF5 file holds, as one process tells it to another: datasets, attributes, places."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from tensorpeek.loaders.dtypes import DTYPES

Byteorder = Literal["little", "big"]
Filter = Literal["shuffle", "deflate", "fletcher32"]

FILTERS: tuple[Filter, ...] = ("shuffle", "deflate", "fletcher32")
"""The filters of chunks that are undone here."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """One stored chunk: its number in the grid (row-major), offset and size in bytes.

    Bit i of ``mask`` says that filter i was left out for it.
    """

    number: int
    offset: int
    nbytes: int
    mask: int


@dataclass(frozen=True, slots=True)
class ChunkMap:
    """The chunks of a dataset, of ``shape`` elements each; where one is missing, ``fill`` stands.

    ``fill`` is the base64 of one stored element, empty for zero.
    """

    shape: tuple[int, ...]
    filters: tuple[Filter, ...]
    chunks: tuple[Chunk, ...]
    fill: str = ""


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset at ``path`` (the names of its links): facts, and where the values lie.

    Values lie ``offset`` bytes into the file, or in ``chunks``, or are ``content`` (base64).
    ``stored`` counts the bytes they take. With an ``error`` there are none that could be shown.
    """

    path: tuple[str, ...]
    shape: tuple[int, ...] = ()
    dtype: str = "uint8"
    byteorder: Byteorder = "little"
    stored: int = 0
    offset: int | None = None
    content: str | None = None
    chunks: ChunkMap | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Outline:
    """The datasets of a file; the attributes of its groups, by the path joined with ``/``."""

    datasets: tuple[Dataset, ...]
    attributes: Mapping[str, Mapping[str, str | list[str]]] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def text(self, group: str, name: str) -> str | None:
        """Return an attribute that is one text, or None."""
        value = self.attributes.get(group, {}).get(name)
        return value if isinstance(value, str) else None

    def texts(self, group: str, name: str) -> list[str]:
        """Return an attribute that is a list of texts, also one that Keras split into parts."""
        held = self.attributes.get(group, {})
        whole = held.get(name)
        parts: list[list[str]] = []
        if isinstance(whole, list):
            return whole
        while isinstance(part := held.get(f"{name}{len(parts)}"), list):
            parts.append(part)
        return [text for part in parts for text in part]


def to_json(outline: Outline) -> str:
    """Write an outline as JSON; lone surrogates in names become escapes."""
    return json.dumps(asdict(outline))


def failure(reason: str) -> str:
    """Write as JSON why there is no outline."""
    return json.dumps({"error": reason})


def from_json(text: bytes) -> Outline | str:
    """Read an outline, or the reason why there is none.

    Raises ValueError, TypeError or KeyError when it is neither.
    """
    value = json.loads(text)
    if value.keys() == {"error"}:
        return str(value["error"])
    attributes = value["attributes"]
    if not isinstance(attributes, dict):
        raise TypeError("attributes are not an object")
    datasets = tuple(_dataset(one) for one in value["datasets"])
    return Outline(datasets, attributes, tuple(map(str, value["warnings"])))


def decode(content: str) -> bytes:
    """Return the bytes that base64 text stands for."""
    return base64.b64decode(content)


def encode(content: bytes) -> str:
    """Return bytes as base64 text."""
    return base64.b64encode(content).decode()


def _dataset(value: dict[str, Any]) -> Dataset:
    chunks = value["chunks"]
    DTYPES[value["dtype"]]
    return Dataset(
        path=tuple(map(str, value["path"])),
        shape=tuple(map(int, value["shape"])),
        dtype=value["dtype"],
        byteorder="big" if value["byteorder"] == "big" else "little",
        stored=int(value["stored"]),
        offset=None if value["offset"] is None else int(value["offset"]),
        content=value["content"],
        chunks=None if chunks is None else _chunk_map(chunks),
        error=value["error"],
    )


def _chunk_map(value: dict[str, Any]) -> ChunkMap:
    return ChunkMap(
        tuple(map(int, value["shape"])),
        tuple(FILTERS[FILTERS.index(name)] for name in value["filters"]),
        tuple(Chunk(**chunk) for chunk in value["chunks"]),
        value["fill"],
    )
