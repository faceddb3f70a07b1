"""Open a set of safetensors files as one model, with what is missing from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tensorpeek.loaders.clean import clean
from tensorpeek.loaders.errors import LoadError
from tensorpeek.loaders.inside_folder import path_inside
from tensorpeek.loaders.registry import WeightFile, look_at
from tensorpeek.loaders.safetensors_format.header import Header, read_header
from tensorpeek.loaders.safetensors_format.listing import Listed, of_header, without_values

MAX_WARNINGS = 20
"""Warnings that are listed; the rest are counted."""

_LONGEST_NAME = 120


@dataclass
class ShardSet:
    """The files of one set, opened one after the other."""

    folder: Path
    metadata: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def open_shard(self, shard: str, names: tuple[str, ...]) -> Iterator[Listed]:
        """Yield the tensors of one file, then those of ``names`` that it should hold but does not.

        A file that is missing, damaged or outside the folder gives each its error.
        """
        known = clean(shard, _LONGEST_NAME)
        header = self._header(shard)
        if isinstance(header, str):
            reason = f"shard {known} {header}"
            self.warnings.append(f"{reason}; it should hold {_count(len(names))}")
            for name in names:
                yield without_values(name, str(self.folder / shard), reason)
            return
        self.warnings += [f"shard {known}: {warning}" for warning in header.warnings]
        for key, text in header.metadata.items():
            self.metadata.setdefault(key, text)
        yield from of_header(header)
        held = {entry.name for entry in header.entries}
        absent = [name for name in names if name not in held]
        self._note(known, held - set(names), absent)
        for name in absent:
            yield without_values(name, str(header.file.path), f"shard {known} does not hold it")

    def some_warnings(self) -> tuple[str, ...]:
        """Return the warnings, those beyond 20 as a count."""
        listed = self.warnings[:MAX_WARNINGS]
        more = len(self.warnings) - len(listed)
        return (*listed, *([f"and {more:,} more like this"] if more else []))

    def _header(self, shard: str) -> Header | str:
        """Return the header of a file, or as a clause why it cannot be had."""
        path = path_inside(self.folder, shard)
        if path is None:
            return "leaves the folder of the index"
        try:
            return read_header(look_at(path))
        except LoadError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                return "is missing"
            return f"cannot be read: {error.reason}"

    def _note(self, shard: str, strays: set[str], absent: list[str]) -> None:
        if strays:
            self.warnings.append(
                f"shard {shard} holds {_count(len(strays))} that the index does not place there, "
                f"such as {clean(min(strays), _LONGEST_NAME)}"
            )
        if absent:
            self.warnings.append(
                f"shard {shard} does not hold {_count(len(absent))} that the index places there, "
                f"such as {clean(absent[0], _LONGEST_NAME)}"
            )


def shard_files(index: WeightFile, shards: dict[str, tuple[str, ...]]) -> tuple[Path, ...]:
    """Return the safetensors files in the folder that an index names, there or not."""
    paths = (path_inside(index.path.parent, shard) for shard in shards)
    return tuple(path for path in paths if path is not None and path.suffix == ".safetensors")


def _count(number: int) -> str:
    return f"{number:,} tensor{'' if number == 1 else 's'}"
