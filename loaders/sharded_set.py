"""Open a set of files as one model, with what is missing from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from tensorpeek.loaders.clean import clean
from tensorpeek.loaders.errors import LoadError
from tensorpeek.loaders.inside_folder import path_inside
from tensorpeek.loaders.registry import WeightFile, look_at

MAX_WARNINGS = 20
"""Warnings that are listed; the rest are counted."""

_LONGEST_NAME = 120


One = TypeVar("One")
"""What a format lists of one tensor."""


@dataclass(frozen=True)
class Shard(Generic[One]):
    """One file of a set: what it lists, and all names under which it holds tensors."""

    listed: Sequence[One]
    names: frozenset[str]
    metadata: Mapping[str, str] = field(default_factory=dict)
    warnings: Sequence[str] = ()


@dataclass
class ShardSet(Generic[One]):
    """The files of one set, opened one after the other by ``read_shard``.

    ``without_values(name, source, error)`` lists a tensor that could not be had.
    """

    folder: Path
    read_shard: Callable[[WeightFile], Shard[One]]
    without_values: Callable[[str, str, str], One]
    metadata: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    _seen: set[Path] = field(default_factory=set)

    def open_shard(self, name: str, tensors: tuple[str, ...]) -> Iterator[One]:
        """Yield the tensors of one file, then those of ``tensors`` that it does not hold.

        A file that is missing, damaged or outside the folder gives each its error.
        """
        known, source = clean(name, _LONGEST_NAME), str(self.folder / name)
        shard = self._read(name)
        if isinstance(shard, str):
            reason = f"shard {known} {shard}"
            self.warnings.append(f"{reason}; it should hold {_count(len(tensors))}")
            for tensor in tensors:
                yield self.without_values(tensor, source, reason)
            return
        self.warnings += [f"shard {known}: {warning}" for warning in shard.warnings]
        for key, text in shard.metadata.items():
            self.metadata.setdefault(key, text)
        yield from shard.listed
        absent = [tensor for tensor in tensors if tensor not in shard.names]
        self._note(known, set(shard.names.difference(tensors)), absent)
        for tensor in absent:
            yield self.without_values(tensor, source, f"shard {known} does not hold it")

    def some_warnings(self) -> tuple[str, ...]:
        """Return the warnings, those beyond 20 as a count."""
        listed = self.warnings[:MAX_WARNINGS]
        more = len(self.warnings) - len(listed)
        return (*listed, *([f"and {more:,} more like this"] if more else []))

    def _read(self, name: str) -> Shard[One] | str:
        """Return a file of the set, or as a clause why it cannot be had."""
        path = path_inside(self.folder, name)
        if path is None:
            return "leaves the folder of the index"
        if path in self._seen:
            return "is named twice, in two ways"
        self._seen.add(path)
        try:
            return self.read_shard(look_at(path))
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


def shard_files(index: Path, shards: Mapping[str, object], suffix: str) -> tuple[Path, ...]:
    """Return the files with ``suffix`` in the folder that an index names, there or not."""
    paths = (path_inside(index.parent, shard) for shard in shards)
    return tuple(path for path in paths if path is not None and path.suffix == suffix)


def _count(number: int) -> str:
    return f"{number:,} tensor{'' if number == 1 else 's'}"
