"""The storages of a PyTorch archive: which member holds the bytes a pickle refers to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tensorpeek.loaders.inert_pickle.values import Persistent
from tensorpeek.loaders.storage import Storage
from tensorpeek.loaders.torch_format.element_types import storage_type
from tensorpeek.loaders.zip_archive import Places
from tensorpeek.loaders.zip_fields import ZipDamage

MAX_KEY = 256


@dataclass(frozen=True, slots=True)
class StorageReference:
    """What a pickle says of a storage: its key in the archive, and PyTorch's type name if any."""

    key: str
    kind: str | None


def reference(value: object) -> StorageReference | None:
    """Read a persistent id ``("storage", type, key, location, size)``; None if it is not one."""
    if not isinstance(value, Persistent):
        return None
    key = value.key
    if not isinstance(key, tuple) or len(key) < 3 or key[0] != "storage":
        return None
    if not isinstance(key[2], str) or len(key[2]) > MAX_KEY:
        return None
    return StorageReference(key[2], storage_type(key[1]))


class Storages:
    """Look-up of storages in one folder of an archive; each is looked up once.

    ``folder`` is the path before the key, such as ``model/data/``.
    """

    def __init__(self, places: Places, folder: str, byteorder: Literal["little", "big"]) -> None:
        self.folder = folder
        self.byteorder = byteorder
        self._places = places
        self._known: dict[str, Storage | str] = {}

    def find(self, key: str) -> Storage | str:
        """Return the storage ``key``, or why there is none."""
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._look_up(key)
        return found

    def _look_up(self, key: str) -> Storage | str:
        try:
            return self._places.storage(self.folder + key)
        except KeyError:
            return f"its storage {key} is missing"
        except ZipDamage as error:
            return f"its storage {key} {error}"
