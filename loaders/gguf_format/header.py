"""The header of a GGUF file: version, byte order, metadata and the list of tensors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from tensorpeek.loaders.errors import LoadError
from tensorpeek.loaders.gguf_format.metadata import Metadata, read_metadata, read_text
from tensorpeek.loaders.gguf_format.window import Window
from tensorpeek.loaders.registry import WeightFile
from tensorpeek.loaders.storage import FileSpan, Read

MAGIC = b"GGUF"

MAX_TENSORS = 1 << 16
"""Tensors beyond which a header is taken for damaged."""

MAX_DIMENSIONS = 8
"""Dimensions of a tensor; ggml itself has 4."""

MAX_ELEMENTS = 1 << 48
"""Elements of a tensor, dimensions of 0 left out: more are no tensor, and overflow in NumPy."""

MAX_NAME_BYTES = 1 << 16
"""Bytes of a tensor's name beyond which a header is taken for damaged; ggml itself has 64."""

MAX_KEPT_NAME = 1024
"""Bytes of a tensor's name that are kept."""

DEFAULT_ALIGNMENT = 32

_ALIGNMENT = "general.alignment"


@dataclass(frozen=True, slots=True)
class TensorEntry:
    """One line of the list: ``shape`` is row-major, ``offset`` counts from the start of the data.

    ``kind`` is the number of the ggml type.
    """

    name: str
    shape: tuple[int, ...]
    kind: int
    offset: int


@dataclass(frozen=True, eq=False, slots=True)
class Header:
    """What a GGUF file says before its data, which begin at byte ``start``."""

    version: int
    byteorder: Literal["little", "big"]
    metadata: Metadata
    tensors: tuple[TensorEntry, ...]
    start: int


def read_header(file: WeightFile) -> Header:
    """Read the header of a file that begins with the magic bytes.

    The format is that of ggml's ``docs/gguf.md``, versions 1 to 3 in either byte order. Raises
    LoadError: truncated, damaged, an unknown version.
    """
    size = file.identity.size
    with FileSpan(str(file.path), 0, size, file.identity).open() as read:
        return _parse(str(file.path), read, size)


def _parse(path: str, read: Read, size: int) -> Header:
    if size < 8:
        raise LoadError(path, f"truncated: the file ends at byte {size} in its header")
    stored = bytes(read(4, 8))
    # No version reaches 65,536, so the other byte order shows in the lower half.
    byteorder: Literal["little", "big"] = "big" if stored[:2] == b"\0\0" else "little"
    version = int.from_bytes(stored, byteorder)
    if version not in (1, 2, 3):
        raise LoadError(path, f"GGUF version {version} is not known")
    window = Window(path, read, size, byteorder)
    window.skip(8)
    window.length = "I" if version == 1 else "Q"
    tensor_count, pair_count = window.count(0), window.count(0)
    if tensor_count > MAX_TENSORS:
        raise window.damaged(f"claims {tensor_count:,} tensors")
    metadata = read_metadata(window, pair_count)
    tensors = tuple(_entry(window) for _ in range(tensor_count))
    alignment = _alignment(path, metadata)
    start = -(-window.position // alignment) * alignment
    return Header(version, byteorder, metadata, tensors, start)


def _entry(window: Window) -> TensorEntry:
    name = read_text(window, MAX_NAME_BYTES, MAX_KEPT_NAME)
    dimensions = window.integer("I")
    if dimensions > MAX_DIMENSIONS:
        raise window.damaged(f"a tensor of {dimensions:,} dimensions")
    shape = tuple(int(length) for length in window.numbers(window.length, dimensions)[::-1])
    if math.prod(length or 1 for length in shape) > MAX_ELEMENTS:
        raise window.damaged(f"a tensor of shape {shape}")
    return TensorEntry(name, shape, window.integer("I"), window.integer("Q"))


def _alignment(path: str, metadata: Metadata) -> int:
    if _ALIGNMENT not in metadata.texts:
        return DEFAULT_ALIGNMENT
    alignment = metadata.integers.get(_ALIGNMENT, 0)
    if alignment < 1 or alignment & alignment - 1:
        told = metadata.texts[_ALIGNMENT]
        raise LoadError(path, f"damaged: an alignment of {told} is not a power of two")
    return alignment
