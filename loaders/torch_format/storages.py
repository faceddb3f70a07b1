"""The storages of a PyTorch file: where the bytes lie that a pickle refers to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from tensorpeek.loaders.inert_pickle.values import Persistent
from tensorpeek.loaders.storage import Storage
from tensorpeek.loaders.storage_part import Block
from tensorpeek.loaders.torch_format.element_types import storage_type
from tensorpeek.loaders.torch_format.facts import is_whole
from tensorpeek.loaders.zip_archive import Places
from tensorpeek.loaders.zip_fields import ZipDamage

MAX_KEY = 256


@dataclass(frozen=True, slots=True)
class StorageReference:
    """What a pickle says of a storage: its key in the file, and PyTorch's type name if any.

    A view of a storage starts at the element ``start`` of it.
    """

    key: str
    kind: str | None
    start: int = 0


class Storages(Protocol):
    """Look-up of storages; each is looked up once. ``pickle`` is where the pickle itself lies.

    ``folder`` tells the storages of one folder from those of another.
    """

    @property
    def folder(self) -> str:
        """See above."""

    @property
    def byteorder(self) -> Literal["little", "big"]:
        """The order of bytes in every storage."""

    @property
    def pickle(self) -> Block:
        """See above."""

    def reference(self, value: object) -> StorageReference | None:
        """Read a reference to a storage; None if ``value`` is not one."""

    def find(self, key: str) -> Storage | str:
        """Return the storage ``key``, or why there is none."""


def reference(value: object) -> StorageReference | None:
    """Read a persistent id ``("storage", type, key, location, size)``; None if it is not one.

    Old files have a sixth part: None, or ``(key, offset, size)`` of a view.
    """
    if not isinstance(value, Persistent):
        return None
    key = value.key
    if not isinstance(key, tuple) or len(key) < 3 or key[0] != "storage":
        return None
    if not isinstance(key[2], str) or len(key[2]) > MAX_KEY:
        return None
    view = key[5] if len(key) > 5 else None
    start = view[1] if isinstance(view, tuple) and len(view) == 3 else 0
    return StorageReference(key[2], storage_type(key[1]), start) if is_whole(start) else None


@dataclass(frozen=True, eq=False, slots=True)
class ListedStorages:
    """The storages of a file that has them one after the other: places or errors by key."""

    pickle: Block
    places: Mapping[str, Storage | str]
    folder: str = ""
    byteorder: Literal["little", "big"] = "little"

    def reference(self, value: object) -> StorageReference | None:
        """See :meth:`Storages.reference`."""
        return reference(value)

    def find(self, key: str) -> Storage | str:
        """See :meth:`Storages.find`."""
        return self.places.get(key, "its storage is missing")


@dataclass(frozen=True, eq=False, slots=True)
class ArchiveStorages:
    """The storages in one ``folder`` of an archive, such as ``model/data/``."""

    archive: Places
    folder: str
    byteorder: Literal["little", "big"]
    pickle: Block
    _known: dict[str, Storage | str] = field(default_factory=dict)

    def reference(self, value: object) -> StorageReference | None:
        """See :meth:`Storages.reference`."""
        return reference(value)

    def find(self, key: str) -> Storage | str:
        """See :meth:`Storages.find`."""
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._look_up(key)
        return found

    def _look_up(self, key: str) -> Storage | str:
        try:
            return self.archive.storage(self.folder + key)
        except KeyError:
            return f"its storage {key} is missing"
        except ZipDamage as error:
            return f"its storage {key} {error}"
