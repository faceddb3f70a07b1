"""Values that a message keeps as numbers of its own and not as bytes in memory order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorpeek.loaders.errors import LoadError
from tensorpeek.loaders.onnx_format.wire import BYTES, FIXED32, FIXED64, VARINT, WireFile, open_wire
from tensorpeek.loaders.registry import WeightFile
from tensorpeek.loaders.storage import FileIdentity, Read

MAX_BYTES = 1 << 31
"""Bytes that are decoded at once; protobuf itself allows no larger message."""

_STEP = 1 << 20
_LONGEST = 10


@dataclass(frozen=True, slots=True)
class TypedField:
    """The values of field ``number`` in the message at bytes ``[start, stop)`` of a file.

    ``wire`` is the wire type of one value; packed and single values, mixed, follow one another.
    It reads as ``nbytes`` bytes: each value as one little-endian element of the NumPy type
    ``unit``, an integer cut to its lowest bits. Opening it decodes all: one tensor's memory.
    """

    path: str
    identity: FileIdentity
    start: int
    stop: int
    number: int
    wire: int
    unit: str
    nbytes: int

    @contextmanager
    def open(self) -> Iterator[Read]:
        """See :meth:`tensorpeek.loaders.storage.Storage.open`."""
        content = self._decode().view(np.uint8).data
        yield lambda start, stop: content[start:stop]

    def _decode(self) -> NDArray[Any]:
        unit = np.dtype(self.unit)
        values = np.empty(self.nbytes // unit.itemsize, unit)
        filled = 0
        with open_wire(WeightFile(Path(self.path), self.identity, b"")) as wire:
            for part in self._parts(wire):
                if filled + part.size > values.size:
                    raise LoadError(self.path, "a tensor has more values than its shape needs")
                values[filled : filled + part.size] = part
                filled += part.size
        if filled != values.size:
            reason = f"a tensor has {filled:,} values, its shape needs {values.size:,}"
            raise LoadError(self.path, reason)
        return values

    def _parts(self, wire: WireFile) -> Iterator[NDArray[Any]]:
        unit = np.dtype(self.unit)
        for field in wire.fields(self.start, self.stop):
            if field.number != self.number:
                continue
            if field.wire not in (self.wire, BYTES):
                wire.damaged(field.start, f"field {field.number} has wire type {field.wire}")
            if self.wire == VARINT:
                yield from _varints(wire, field.start, field.stop, unit)
            else:
                yield _fixed(wire, field.start, field.stop, self.wire)


def _fixed(wire: WireFile, start: int, stop: int, kind: int) -> NDArray[Any]:
    unit = {FIXED32: "<f4", FIXED64: "<f8"}[kind]
    if (stop - start) % np.dtype(unit).itemsize:
        wire.damaged(start, "a list of numbers ends in the middle of one")
    return np.frombuffer(wire.read(start, stop), unit)


def _varints(wire: WireFile, start: int, stop: int, unit: np.dtype[Any]) -> Iterator[NDArray[Any]]:
    at = start
    while at < stop:
        block = np.frombuffer(wire.read(at, min(at + _STEP, stop)), np.uint8)
        ends = np.flatnonzero(block < 0x80)
        if not ends.size:
            wire.damaged(at, "a list of numbers ends in the middle of one")
        yield _decode_varints(wire, at, block, ends).astype(unit)
        at += int(ends[-1]) + 1


def _decode_varints(
    wire: WireFile, at: int, block: NDArray[np.uint8], ends: NDArray[np.intp]
) -> NDArray[np.uint64]:
    """Decode the varints of ``block`` whose last bytes are at ``ends``."""
    starts = np.concatenate(([0], ends[:-1] + 1))
    lengths = ends - starts + 1
    longest = int(lengths.max())
    if longest > _LONGEST:
        wire.damaged(at, "a number of more than 10 bytes")
    values = np.zeros(ends.size, np.uint64)
    for index in range(longest):
        longer = np.flatnonzero(lengths > index)
        septets = (block[starts[longer] + index] & 0x7F).astype(np.uint64)
        values[longer] |= septets << np.uint64(7 * index)
    return values


def count_varints(path: str, identity: FileIdentity, message: tuple[int, int], number: int) -> int:
    """Return how many varints field ``number`` of ``message`` has, packed or not."""
    count = 0
    with open_wire(WeightFile(Path(path), identity, b"")) as wire:
        for field in wire.fields(*message):
            if field.number == number:
                for at in range(field.start, field.stop, _STEP):
                    block = wire.read(at, min(at + _STEP, field.stop))
                    count += int(np.count_nonzero(np.frombuffer(block, np.uint8) < 0x80))
    return count
