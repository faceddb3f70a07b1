"""The results kept on disk, for the background jobs of all screens: asked first, then filled.

The UI thread makes the object and nothing else: it looks up no folder and opens no file.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from tensorpeek.analysis.result_cache import ResultCache, ResultKey
    from tensorpeek.analysis.tensor_places import Fingerprint
    from tensorpeek.loaders import Tensor

Record = TypeVar("Record")

WAIT = 1.0
"""Seconds that another process may hold the file: then the app goes on without."""

WORTH_KEEPING = 1 << 16
"""Elements from which a pass takes several times as long as to look up what it found."""


class KeptResults:
    """Records of measures by tensor, on disk. Any background thread may ask.

    ``tell`` is called from one of them with a clause when nothing can be kept; all goes on without.
    With ``is_off`` nothing is found, kept, or opened. A file is looked at for each answer: once
    it is not what it was when its model was opened, none is given.
    """

    def __init__(self, *, is_off: bool = False, tell: Callable[[str], None] | None = None) -> None:
        self._is_off = is_off
        self._tell = tell or (lambda _: None)
        self._lock = threading.Lock()
        self._cache: ResultCache | None = None
        self._fingerprints: WeakKeyDictionary[Tensor, Fingerprint] = WeakKeyDictionary()

    def key(self, tensor: Tensor, options: Mapping[str, Any]) -> ResultKey | None:
        """Return the key of what ``options`` ask of a tensor as it is now; None if there is none.

        To be made before measuring: what changes meanwhile is not kept.
        """
        if self._is_off or tensor.error is not None:
            return None
        from tensorpeek.analysis.result_cache import result_key
        from tensorpeek.analysis.tensor_places import fingerprint

        taken = self._fingerprints.get(tensor)
        if taken is None:
            try:
                taken = self._fingerprints[tensor] = fingerprint(tensor)
            except TypeError:
                return None
        return result_key(tensor, options, taken=taken)

    def find(self, key: ResultKey | None, kind: type[Record]) -> Record | None:
        """Return the record of a key, of the type ``kind``; None if there is none."""
        if key is None:
            return None
        from tensorpeek.analysis.result_cache import find_record

        return find_record(self._opened(), key, kind)

    def keep(self, key: ResultKey | None, record: object) -> None:
        """Keep a record, unless a file of the tensor changed since the key was made."""
        if key is None:
            return
        from tensorpeek.analysis.result_cache import keep_record

        keep_record(self._opened(), key, record)

    def answer(
        self,
        tensor: Tensor,
        options: Mapping[str, Any],
        kind: type[Record],
        measure: Callable[[], Record],
        lasts: Callable[[Record], bool] = lambda _: True,
    ) -> Record:
        """Return the record that is kept, else measure and keep what ``lasts``."""
        key = self.key(tensor, options)
        found = self.find(key, kind)
        if found is not None:
            return found
        record = measure()
        if lasts(record):
            self.keep(key, record)
        return record

    def close(self) -> None:
        """Close the file, in a thread of its own: an exit does not wait for a disk."""
        with self._lock:
            cache, self._cache, self._is_off = self._cache, None, True
        if cache is not None:
            threading.Thread(target=cache.close, name="tensorpeek-results", daemon=True).start()

    def _opened(self) -> ResultCache:
        from tensorpeek.analysis.result_cache import ResultCache, cache_folder

        with self._lock:
            if self._cache is None:
                folder = None if self._is_off else cache_folder()
                self._cache = ResultCache(folder, self._tell, wait=WAIT)
            return self._cache
