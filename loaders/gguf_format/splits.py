"""Models that are split over several files: ``name-00002-of-00005.gguf``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tensorpeek.loaders.clean import clean
from tensorpeek.loaders.errors import LoadError
from tensorpeek.loaders.gguf_format.header import MAGIC, MAX_TENSORS, Header, read_header
from tensorpeek.loaders.gguf_format.listing import Part
from tensorpeek.loaders.registry import WeightFile, look_at

MAX_PARTS = 1000
"""Parts of a model that are looked for."""

TOLD = 3
"""Missing parts that are named; of more, their number."""

_PART = re.compile(r"(.+-)(\d{5})-of-(\d{5})(\.gguf)", re.IGNORECASE | re.DOTALL)


@dataclass(eq=False, slots=True)
class FileSet:
    """The parts that were found, in order, and what is to be said about the others."""

    parts: list[Part] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def parts_beside(path: Path) -> tuple[Path, ...]:
    """Return the files beside the first part at ``path`` whose names say that they follow it."""
    name = _PART.fullmatch(path.name)
    if name is None or not 1 < int(name[3]) <= MAX_PARTS:
        return ()
    others = (
        f"{name[1]}{number:05}-of-{name[3]}{name[4]}" for number in range(2, int(name[3]) + 1)
    )
    return tuple(part for part in map(path.with_name, others) if part.is_file())


def find_parts(file: WeightFile, header: Header) -> FileSet:
    """Return ``file`` and the other parts of its set, which lie beside it.

    A file is part of a set when its metadata (``split.count``) and its name say so. Parts that
    are missing, or cannot be read, are told in the warnings. Raises LoadError for more tensors
    in all than one file may have.
    """
    count = header.metadata.integers.get("split.count", 0)
    if count <= 1:
        return FileSet([Part(file, header)])
    name = _PART.fullmatch(file.path.name)
    if name is None or int(name[3]) != count or not 1 <= int(name[2]) <= count <= MAX_PARTS:
        warning = f"is one of {count:,} parts, but its name does not tell where the others are"
        return FileSet([Part(file, header)], [warning])
    found, missing = FileSet(), []
    for number in range(1, count + 1):
        if number == int(name[2]):
            found.parts.append(Part(file, header))
            continue
        path = file.path.with_name(f"{name[1]}{number:05}-of-{name[3]}{name[4]}")
        if not path.exists():
            missing.append(path.name)
            continue
        try:
            found.parts.append(_open_part(path, number, count))
        except LoadError as error:
            found.warnings.append(f"part {clean(path.name)} cannot be read: {error.reason}")
        _check(found, file)
    found.warnings += list(_told(missing, count)) + list(_too_few(found))
    return found


def _open_part(path: Path, number: int, count: int) -> Part:
    file = look_at(path)
    if not file.head.startswith(MAGIC):
        raise LoadError(path, "not a GGUF file")
    header = read_header(file)
    integers = header.metadata.integers
    if integers.get("split.count") != count or integers.get("split.no") != number - 1:
        raise LoadError(path, f"does not say that it is part {number} of {count}")
    return Part(file, header)


def _check(found: FileSet, file: WeightFile) -> None:
    total = sum(len(part.header.tensors) for part in found.parts)
    if total > MAX_TENSORS:
        raise LoadError(file.path, f"its parts claim {total:,} tensors")


def _told(missing: list[str], count: int) -> Iterator[str]:
    if missing:
        names = ", ".join(clean(name) for name in missing[:TOLD])
        more = ", …" if len(missing) > TOLD else ""
        yield f"{len(missing):,} of {count:,} parts are missing: {names}{more}"


def _too_few(found: FileSet) -> Iterator[str]:
    """Compare the number of tensors with what the first part says."""
    claimed = found.parts[0].header.metadata.integers.get("split.tensors.count")
    total = sum(len(part.header.tensors) for part in found.parts)
    if claimed is not None and claimed != total:
        yield f"{total:,} of {claimed:,} tensors are listed in the parts that were found"
