"""Storages whose bytes lie within the pickle, each as a whole old stream of its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from tensorpeek.loaders.errors import LoadError
from tensorpeek.loaders.inert_pickle.machine import Allowance, Source
from tensorpeek.loaders.inert_pickle.named_globals import LOAD_FROM_BYTES, is_dangerous
from tensorpeek.loaders.inert_pickle.values import Pickle, Record
from tensorpeek.loaders.storage import Storage
from tensorpeek.loaders.storage_part import Block, Recoded
from tensorpeek.loaders.torch_format.held_bytes import held_bytes, source_of
from tensorpeek.loaders.torch_format.old_stream import Stream, begins_stream, read_stream
from tensorpeek.loaders.torch_format.storages import StorageReference, Storages, reference
from tensorpeek.loaders.zip_archive import MAGIC as ZIP_MAGIC

MAX_HEAD = 1 << 10
"""Bytes before the object of a stream that are remembered: they are the same in each."""

_COST, _TEXT_COST = 100, 1000
"""Of opening one stream, besides what its pickles cost; and, if it is text, of decoding that."""

_START = 64


@dataclass(eq=False, slots=True)
class NestedStorages:
    """The storages of ``outer``, and those that ``torch.storage._load_from_bytes`` would load.

    Streams within a stream are not looked into: PyTorch writes none.
    """

    outer: Storages
    source: Source
    allowance: Allowance
    pickles: list[Pickle] = field(default_factory=list)
    _head: bytes = b""
    _known: dict[int, tuple[StorageReference, Storage | str]] = field(default_factory=dict)
    _places: dict[str, Storage | str] = field(default_factory=dict)

    @property
    def folder(self) -> str:
        """See :class:`Storages`."""
        return self.outer.folder

    @property
    def byteorder(self) -> Literal["little", "big"]:
        """See :class:`Storages`."""
        return self.outer.byteorder

    @property
    def pickle(self) -> Block:
        """See :class:`Storages`."""
        return self.outer.pickle

    def reference(self, value: object) -> StorageReference | None:
        """See :meth:`Storages.reference`."""
        if not isinstance(value, Record) or value.callee != LOAD_FROM_BYTES:
            return self.outer.reference(value)
        known = self._known.get(id(value))
        if known is None:
            known = self._known[id(value)] = self._open(value)
            self._places[known[0].key] = known[1]
        return known[0]

    def find(self, key: str) -> Storage | str:
        """See :meth:`Storages.find`."""
        found = self._places.get(key)
        return found if found is not None else self.outer.find(key)

    def are_harmless(self, records: Iterable[Record]) -> bool:
        """Whether each call of ``_load_from_bytes`` would load a storage and nothing else."""
        calls = [record for record in records if record.callee == LOAD_FROM_BYTES]
        stored = [self.reference(record) for record in calls]  # all are opened, for their names
        if any(one is None or isinstance(self.find(one.key), str) for one in stored):
            return False
        return not any(is_dangerous(name) for pickle in self.pickles for name in pickle.globals)

    def _open(self, record: Record) -> tuple[StorageReference, Storage | str]:
        key = f"nested stream {len(self._known) + 1}"
        arguments = record.arguments
        value = arguments[0] if isinstance(arguments, tuple) and arguments else None
        if not self.allowance.spend(_COST):
            return StorageReference(key, None), "its file holds too much to be read"
        try:
            stream = self._stream(value)
        except LoadError as error:
            return StorageReference(key, None), f"the file within: {error.reason}"
        if isinstance(stream, str):
            return StorageReference(key, None), stream
        self.pickles += [stream.pickle, *stream.others]
        stored = reference(stream.pickle.root)
        if stored is None:
            return StorageReference(key, None), "the file within holds no storage"
        place = stream.places.get(stored.key, "its storage is missing")
        return StorageReference(key, stored.kind, stored.start), place

    def _stream(self, value: object) -> Stream | str:
        """Read the stream that the byte string ``value`` is, or say why it is none."""
        held = held_bytes(value, self.outer.pickle)
        if held is None:
            return "its bytes are no file of PyTorch"
        if isinstance(held.lies, Recoded) and not self.allowance.spend(_TEXT_COST):
            return "its file holds too much to be read"
        source = source_of(held, self.source)
        head = bytes(source.read(0, min(source.size, _START)))
        if not begins_stream(head):
            is_zip = head.startswith(ZIP_MAGIC)
            return (
                "its bytes are a zip archive, which is not read"
                if is_zip
                else "its bytes are no file of PyTorch"
            )
        stream = read_stream(held.lies, source, self.allowance, self._head)
        if not self._head and stream.start <= MAX_HEAD:
            self._head = bytes(source.read(0, stream.start))
        return stream
