"""Read what PyTorch 0.1 wrote: a tar archive of storages, tensors and a pickle."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from tensorpeek.loaders.errors import LoadError
from tensorpeek.loaders.inert_pickle.machine import Allowance, Source, interpret_at
from tensorpeek.loaders.inert_pickle.values import Global, Persistent, Pickle, Record
from tensorpeek.loaders.storage import Read, Storage
from tensorpeek.loaders.storage_part import Block, part_of
from tensorpeek.loaders.torch_format.element_types import storage_type
from tensorpeek.loaders.torch_format.facts import MAX_DIMENSIONS, is_whole
from tensorpeek.loaders.torch_format.old_stream import element_size
from tensorpeek.loaders.torch_format.storages import ListedStorages

MAX_MEMBERS = 64
"""Members looked at: these archives have three."""

_BLOCK = 512
_NAME, _SIZE, _MAGIC = slice(0, 100), slice(124, 136), slice(257, 262)
_ENTRY_COST = 60
_REBUILD = Global("torch._utils", "_rebuild_tensor")


def looks_like_tar(head: bytes) -> bool:
    """Whether a file begins with the header of a tar archive (POSIX.1-1988, ustar)."""
    return head[_MAGIC] == b"ustar"


def members(read: Read, size: int) -> dict[str, tuple[int, int]]:
    """Return offset and size in bytes of the first members of a tar archive, by name."""
    found: dict[str, tuple[int, int]] = {}
    at = 0
    for _ in range(MAX_MEMBERS):
        header = bytes(read(at, at + _BLOCK)) if at + _BLOCK <= size else b""
        if header[_MAGIC] != b"ustar":
            break
        digits = header[_SIZE].strip(b"\0 ")
        if not digits or digits.strip(b"01234567"):
            break  # sizes beyond 8 GB are not octal; no such file of PyTorch 0.1 is known
        start, nbytes = at + _BLOCK, int(digits, 8)
        if start + nbytes <= size:
            name = header[_NAME].split(b"\0")[0].decode("latin-1").removeprefix("./")
            found.setdefault(name, (start, nbytes))
        at = start + -(-nbytes // _BLOCK) * _BLOCK
    return found


@dataclass(eq=False, slots=True)
class TarStream:
    """An archive that is being read: after torch.serialization ``_load``'s ``legacy_load``."""

    block: Block
    source: Source
    allowance: Allowance
    pickles: list[Pickle] = field(default_factory=list)
    places: dict[str, Storage | str] = field(default_factory=dict)
    _types: dict[str, object] = field(default_factory=dict)
    _views: dict[str, tuple[str, int]] = field(default_factory=dict)
    _tensors: dict[str, Record] = field(default_factory=dict)

    def open(self) -> tuple[Pickle, ListedStorages]:
        """Return the pickle of what was saved, and its storages. Raises LoadError."""
        found = members(self.source.read, self.block.nbytes)
        for name in ("storages", "tensors", "pickle"):
            if name not in found:
                raise LoadError(self.source.path, f"a tar archive without the member {name}")
        self._read_storages(*found["storages"])
        self._read_tensors(*found["tensors"])
        start, nbytes = found["pickle"]
        saved = interpret_at(self._up_to(start + nbytes), start, self.allowance, self._resolve)
        return saved, ListedStorages(self.block, self.places)

    def _read_storages(self, at: int, nbytes: int) -> None:
        """Read (key, location, type) and values of each storage, then the views of them."""
        end = at + nbytes
        count, at = self._next(at, end)
        for _ in self._times(count):
            entry, at = self._next(at, end)
            key, kind = self._key(entry, 3), entry[2] if isinstance(entry, tuple) else None
            size = int.from_bytes(self._bytes(at, end, 8), "little", signed=True)
            length = size * element_size(storage_type(kind))
            if size < 0 or at + 8 + length > end:
                raise LoadError(self.source.path, "truncated within its storages")
            self._types[key] = kind
            self.places[key] = part_of(self.block, at + 8, length)
            at += 8 + length
        views, at = self._next(at, end)
        for view in views if isinstance(views, list) else ():
            target = self._key(view, 4)
            if isinstance(view, tuple) and is_whole(view[2]):
                self._views[target] = (str(view[1]) if is_whole(view[1]) else "", view[2])

    def _read_tensors(self, at: int, nbytes: int) -> None:
        """Read (key, storage, type), sizes, strides and offset of each tensor."""
        end = at + nbytes
        count, at = self._next(at, end)
        for _ in self._times(count):
            entry, at = self._next(at, end)
            key = self._key(entry, 3)
            storage = str(entry[1]) if isinstance(entry, tuple) and is_whole(entry[1]) else ""
            [dimensions] = struct.unpack("<i", self._bytes(at, end, 8)[:4])
            if not 0 <= dimensions <= MAX_DIMENSIONS:
                raise LoadError(self.source.path, f"damaged: a tensor of {dimensions:,} dimensions")
            width = 2 * dimensions + 1
            numbers = struct.unpack(f"<{width}q", self._bytes(at + 8, end, 8 * width))
            at += 8 + 8 * width
            self._tensors[key] = self._record(storage, numbers, dimensions)

    def _record(self, storage: str, numbers: tuple[int, ...], dimensions: int) -> Record:
        """Return a tensor as today's pickles describe one."""
        root, start = self._views.get(storage, (storage, 0))
        key = ("storage", self._types.get(root), root, "cpu", 0, (root, start, 0))
        shape, strides = numbers[:dimensions], numbers[dimensions : 2 * dimensions]
        return Record(_REBUILD, (Persistent(key), numbers[-1], shape, strides))

    def _resolve(self, key: object) -> object:
        """Return the tensor or the class that a persistent id stands for."""
        if isinstance(key, tuple) and key and isinstance(key[0], Global):
            return key[0]
        return self._tensors.get(str(key)) if isinstance(key, str | int) else None

    def _next(self, at: int, end: int) -> tuple[object, int]:
        pickle = interpret_at(self._up_to(end), at, self.allowance)
        self.pickles.append(pickle)
        return pickle.root, pickle.stop

    def _up_to(self, end: int) -> Source:
        return Source(self.source.path, self.source.read, end)

    def _times(self, count: object) -> Iterator[int]:
        if not is_whole(count) or count < 0:
            raise LoadError(self.source.path, "damaged: a count is not a number")
        for index in range(count):
            if not self.allowance.spend(_ENTRY_COST):
                raise LoadError(self.source.path, "holds more tensors than are read")
            yield index

    def _key(self, entry: object, length: int) -> str:
        if not isinstance(entry, tuple) or len(entry) != length or not is_whole(entry[0]):
            raise LoadError(self.source.path, "damaged: it has an unknown entry")
        return str(entry[0])

    def _bytes(self, at: int, end: int, count: int) -> bytes:
        if at + count > end:
            raise LoadError(self.source.path, "truncated within its tensors")
        return bytes(self.source.read(at, at + count))
