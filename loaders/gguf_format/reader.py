"""Open GGUF files, alone or as a set of parts."""

from __future__ import annotations

from pathlib import Path

from tensorpeek.loaders.gguf_format.header import MAGIC, read_header
from tensorpeek.loaders.gguf_format.listing import list_tensors
from tensorpeek.loaders.gguf_format.splits import find_parts, parts_beside
from tensorpeek.loaders.model import Model
from tensorpeek.loaders.registry import WeightFile


def recognizes(file: WeightFile) -> bool:
    """Whether ``file`` begins with GGUF's magic bytes."""
    return file.head.startswith(MAGIC)


def parts(path: Path) -> tuple[Path, ...]:
    """Return the files that belong to the first part at ``path``, by their names."""
    return parts_beside(path)


def load(file: WeightFile) -> Model:
    """List the tensors of a GGUF file, or of the whole set that it is a part of.

    The metadata are those of the first part that was found, and what others add. Raises LoadError:
    truncated, damaged, an unknown version.
    """
    header = read_header(file)
    found = find_parts(file, header)
    tensors, remarks = list_tensors(found.parts)
    texts: dict[str, str] = {}
    for part in reversed(found.parts):
        texts = {**texts, **part.header.metadata.texts}
    repeated = [text for part in found.parts for text in part.header.metadata.warnings]
    order = ", big-endian" if header.byteorder == "big" else ""
    return Model(
        path=file.path,
        format=f"GGUF v{header.version}{order}",
        tensors=tensors,
        metadata=texts,
        warnings=(*repeated, *found.warnings, *remarks),
    )
