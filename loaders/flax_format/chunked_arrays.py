"""Put together the arrays that Flax splits because msgpack holds at most 4 GiB in one piece."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate

from tensorpeek.loaders.flax_format.walk import Array, Path, Value
from tensorpeek.loaders.storage import FileSpan, Read

MARK = "__msgpack_chunked_array__"

_CHUNKS, _SHAPE = "chunks", "shape"


@dataclass(frozen=True, slots=True)
class Pieces:
    """A block of bytes that lies in several places, (offset, size), of the file ``whole``."""

    whole: FileSpan
    places: tuple[tuple[int, int], ...]

    @property
    def nbytes(self) -> int:
        """See :attr:`tensorpeek.loaders.storage.Storage.nbytes`."""
        return sum(size for _, size in self.places)

    @contextmanager
    def open(self) -> Iterator[Read]:
        """See :meth:`tensorpeek.loaders.storage.Storage.open`."""
        ends = list(accumulate(size for _, size in self.places))
        with self.whole.open() as read:

            def read_part(start: int, stop: int) -> bytes | bytearray | memoryview:
                parts = []
                while start < stop:
                    index = bisect_right(ends, start)
                    offset, size = self.places[index]
                    within = start - (ends[index] - size)
                    count = min(stop - start, size - within)
                    parts.append(read(offset + within, offset + within + count))
                    start += count
                return parts[0] if len(parts) == 1 else b"".join(parts)

            yield read_part


@dataclass(frozen=True, slots=True)
class Joined:
    """An array of the tree, in one or several ``places``; ``error`` says why it has no values."""

    path: Path
    shape: tuple[int, ...]
    dtype: str
    places: tuple[tuple[int, int], ...]
    scalar: bool = False
    error: str | None = None


def join_chunks(arrays: Sequence[Array], values: Mapping[Path, Value]) -> Iterator[Joined]:
    """Yield all arrays in the order of the file, those that Flax split as one."""
    split = {path[:-1] for path in values if path and path[-1] == MARK}
    shapes: dict[Path, dict[str, Value]] = defaultdict(dict)
    for path, value in values.items():
        if _belongs(path, split, _SHAPE):
            shapes[path[:-2]][path[-1]] = value
    chunks: dict[Path, dict[str, Array]] = {}
    for one in arrays:
        if _belongs(one.path, split, _CHUNKS):
            chunks.setdefault(one.path[:-2], {})[one.path[-1]] = one
    for one in arrays:
        owner = one.path[:-2]
        if not _belongs(one.path, split, _CHUNKS):
            place = (one.offset, one.nbytes)
            yield Joined(one.path, one.shape, one.dtype, (place,), one.scalar)
        elif owner in chunks:
            yield _joined(owner, chunks.pop(owner), shapes[owner])


def _belongs(path: Path, split: Set[Path], part: str) -> bool:
    """Whether ``path`` is an entry of the shape or of the chunks of an array that was split."""
    return len(path) > 1 and path[-2] == part and path[:-2] in split


def _joined(path: Path, chunks: Mapping[str, Array], sides: Mapping[str, Value]) -> Joined:
    first = next(iter(chunks.values()))
    shape = [sides.get(str(index)) for index in range(len(sides))]
    ordered = [chunks.get(str(index)) for index in range(len(chunks))]
    whole = [one for one in ordered if one is not None and one.dtype == first.dtype]
    numbers = tuple(side for side in shape if type(side) is int and 0 <= side < 1 << 63)
    count = sum(math.prod(one.shape) for one in whole)
    if len(whole) < len(ordered) or len(numbers) < len(shape) or math.prod(numbers) != count:
        error = "is split into parts that do not make up its shape"
        return Joined(path, (), first.dtype, (), error=error)
    places = tuple((one.offset, one.nbytes) for one in whole if one.nbytes)
    return Joined(path, numbers, first.dtype, places)
