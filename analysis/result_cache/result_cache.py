"""Results by key, for any number of processes; without them everything works as well."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from tensorpeek.analysis.result_cache.folder import CacheUnavailableError
from tensorpeek.analysis.result_cache.record_json import Record, from_json, to_json
from tensorpeek.analysis.result_cache.result_keys import ResultKey

if TYPE_CHECKING:
    from tensorpeek.analysis.result_cache.database import Database
    from tensorpeek.analysis.result_cache.folder import CacheFacts

LIMIT = 128 << 20
"""Bytes that a cache takes unless told otherwise: some 20,000 diagnoses."""

Json = dict[str, Any]
Answer = TypeVar("Answer")


class ResultCache:
    """JSON objects by :class:`ResultKey`. What goes wrong with the file is told once, not raised.

    ``tell`` is given one clause when results cannot be kept; from then on nothing is found and
    nothing kept. A damaged file is begun anew. A ``folder`` of None keeps nothing. Other processes
    that write get ``wait`` seconds (by default five), then the file counts as locked. Any thread
    may ask; one waits for another.
    """

    def __init__(
        self,
        folder: Path | None,
        tell: Callable[[str], None],
        *,
        limit: int = LIMIT,
        wait: float | None = None,
    ) -> None:
        self._folder = folder
        self._tell = tell
        self._limit = limit
        self._wait = wait
        self._lock = threading.RLock()
        self._database: Database | None = None
        self._doubted: int | None = None
        self._open()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.close()

    def find(self, key: ResultKey | None) -> Json | None:
        """Return the result of a key; None if there is none, or the key is None."""
        if key is None:
            return None
        digest = key.digest
        return _parsed(self._try(lambda database: database.find(digest)))

    def keep(self, key: ResultKey | None, result: Json) -> None:
        """Keep a result, a JSON object, unless one of its files has changed since the key was made.

        Raises ValueError for a float that is not finite.
        """
        if key is None or self._database is None or not key.is_current():
            return
        value = json.dumps(result, allow_nan=False).encode("ascii")
        digest = key.digest
        self._try(lambda database: database.keep(digest, value))

    def clear(self) -> None:
        """Forget everything."""
        self._try(lambda database: database.clear())

    def facts(self) -> CacheFacts | None:
        """Return what there is; None if nothing can be kept."""
        return self._try(lambda database: database.facts())

    def close(self) -> None:
        """Close the file; nothing is found or kept any more."""
        with self._lock:
            database, self._database = self._database, None
            if database is not None:
                database.close()

    def _open(self) -> None:
        if self._folder is None:
            return
        try:
            from tensorpeek.analysis.result_cache.database import FAILURES, Database
        except ImportError as error:
            self._tell(f"{self._folder}: no results are kept: {error}")
            return
        try:
            self._database = Database(
                self._folder, self._limit, doubted=self._doubted, wait=self._wait
            )
        except (*FAILURES, CacheUnavailableError) as error:
            self._tell(f"{self._folder}: no results are kept: {_reason(error)}")

    def _try(self, act: Callable[[Database], Answer]) -> Answer | None:
        """Act; open a damaged file anew, once; with any other error do without from now on."""
        with self._lock:
            return None if self._database is None else self._tried(act, self._database)

    def _tried(self, act: Callable[[Database], Answer], database: Database) -> Answer | None:
        from tensorpeek.analysis.result_cache.database import FAILURES, is_damage

        try:
            return act(database)
        except FAILURES as error:
            self.close()
            if is_damage(error) and self._doubted is None:
                self._doubted = database.inode
                self._open()
                return self._try(act)
            self._tell(f"{self._folder}: no more results are kept: {_reason(error)}")
            return None


def find_record(cache: ResultCache, key: ResultKey | None, kind: type[Record]) -> Record | None:
    """Return the record of a key, a dataclass ``kind``; None if there is none of that type."""
    found = cache.find(key)
    if found is None:
        return None
    try:
        return from_json(kind, found)
    except ValueError:
        return None


def keep_record(cache: ResultCache, key: ResultKey | None, record: object) -> None:
    """Keep a record, as :meth:`ResultCache.keep` does. Raises TypeError for what is no record."""
    if key is not None:
        cache.keep(key, to_json(record))


def _reason(error: Exception) -> str:
    text = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return text.lower()


def _parsed(value: bytes | None) -> Json | None:
    if value is None:
        return None
    try:
        result: Any = json.loads(value)
    except ValueError:
        return None
    return result if isinstance(result, dict) else None
