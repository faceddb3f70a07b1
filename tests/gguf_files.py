"""Write GGUF files byte by byte, right and wrong ones, by the format's specification."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from tensorpeek.loaders import Model, Tensor, open_model

UINT8, INT8, UINT16, INT16, UINT32, INT32, FLOAT32, BOOL = range(8)
STRING, ARRAY, UINT64, INT64, FLOAT64 = range(8, 13)
F32, F16, Q4_0, Q8_0, BF16, Q2_0 = 0, 1, 2, 8, 30, 42


class Entry(NamedTuple):
    """A tensor: ``dims`` fastest first, ``offset`` from the start of the data."""

    name: str
    dims: Sequence[int]
    kind: int
    offset: int


class Format(NamedTuple):
    """A version of the format in one byte order."""

    version: int = 3
    byteorder: Literal["little", "big"] = "little"

    def pack(self, code: str, *values: float) -> bytes:
        return struct.pack(("<" if self.byteorder == "little" else ">") + code, *values)

    def length(self, value: int) -> bytes:
        return self.pack("I" if self.version == 1 else "Q", value)

    def text(self, text: str | bytes) -> bytes:
        content = text if isinstance(text, bytes) else text.encode()
        return self.length(len(content)) + content

    def pair(self, key: str, kind: int, value: bytes) -> bytes:
        return self.text(key) + self.pack("I", kind) + value

    def array(self, kind: int, count: int, content: bytes) -> bytes:
        return self.pack("I", kind) + self.length(count) + content

    def entry(self, entry: Entry) -> bytes:
        dims = b"".join(self.length(dim) for dim in entry.dims)
        ends = self.pack("I", entry.kind) + self.pack("Q", entry.offset)
        return self.text(entry.name) + self.pack("I", len(entry.dims)) + dims + ends

    def header(self, pairs: Sequence[bytes], entries: Sequence[Entry]) -> bytes:
        counts = self.length(len(entries)) + self.length(len(pairs))
        listed = b"".join(self.entry(entry) for entry in entries)
        return b"GGUF" + self.pack("I", self.version) + counts + b"".join(pairs) + listed

    def file(
        self,
        pairs: Sequence[bytes] = (),
        entries: Sequence[Entry] = (),
        content: bytes = b"",
        alignment: int = 32,
    ) -> bytes:
        header = self.header(pairs, entries)
        return header + bytes(-len(header) % alignment) + content


V3 = Format()


def open_bytes(folder: Path, content: bytes) -> Model:
    path = folder / "model.gguf"
    path.write_bytes(content)
    return open_model(path)


def block_tensor(folder: Path, kind: int, blocks: bytes, size: int) -> Tensor:
    """Open a file with one tensor of ``kind`` whose only row has ``size`` elements."""
    model = open_bytes(folder, V3.file((), [Entry("w", [size], kind, 0)], blocks))
    return model.tensors[0]
