"""The file of results: SQLite, shared by processes, made anew when it is damaged."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path

from tensorpeek.analysis.result_cache.folder import (
    CacheFacts,
    CacheUnavailableError,
    check_file,
    make_folder,
)

FILE_NAME = "results-1.sqlite3"
"""The number is that of the tables: another version of the program has a file of its own."""

TABLE = (
    "CREATE TABLE results (number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, "
    "check_sum BLOB NOT NULL, value BLOB NOT NULL)"
)

WAIT = 5.0
"""Seconds to wait for another process that writes."""

DAMAGE = frozenset({
    sqlite3.SQLITE_ERROR,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_FORMAT,
    sqlite3.SQLITE_MISMATCH,
    sqlite3.SQLITE_CONSTRAINT,
})  # fmt: skip
"""Codes of errors that a sound file with our table does not give."""


FAILURES = (sqlite3.Error, OSError, UnicodeDecodeError, MemoryError)
"""What SQLite raises: its messages quote a damaged file, and lengths in it may be any."""


class Database:
    """Values by key, the oldest of which leave when all take more than ``limit`` bytes.

    Methods raise :data:`FAILURES`. A value is given back with its check sum right only.
    """

    def __init__(
        self, folder: Path, limit: int, *, doubted: int | None = None, wait: float | None = None
    ) -> None:
        """Open the file in ``folder``, or begin a new one in place of a damaged one.

        ``doubted`` is the inode of a file that is known to be damaged, ``wait`` the seconds that
        other processes get, :data:`WAIT` unless given. Any thread may use it, one at a time.
        Raises CacheUnavailableError as well.
        """
        self._path = folder / FILE_NAME
        self._limit = limit
        self._wait = WAIT if wait is None else wait
        make_folder(folder)
        with _alone(folder / "lock", self._wait):
            check_file(self._path)
            try:
                is_known_damaged = doubted is not None and doubted == _inode(self._path)
                self._connection = (self._begun_anew if is_known_damaged else self._opened)()
            except FAILURES as error:
                if not is_damage(error):
                    raise
                self._connection = self._begun_anew()
            self.inode = _inode(self._path)

    def _opened(self) -> sqlite3.Connection:
        return _connected(self._path, self._wait)

    def _begun_anew(self) -> sqlite3.Connection:
        """Remove the files: a process that has them open goes on with what nobody else sees."""
        for ending in ("-wal", "-shm", ""):
            Path(f"{self._path}{ending}").unlink(missing_ok=True)
        return _connected(self._path, self._wait)

    def find(self, key: str) -> bytes | None:
        """Return a value, None if there is none or it was damaged."""
        row = self._connection.execute(
            "SELECT check_sum, value FROM results WHERE key = ?", (key,)
        ).fetchone()
        if row is None or not isinstance(row[1], bytes) or row[0] != _check_sum(key, row[1]):
            return None
        return row[1]

    def keep(self, key: str, value: bytes) -> None:
        """Keep a value as the newest. One of more than a tenth of the limit is not kept."""
        if len(value) > self._limit // 10:
            return
        self._connection.execute(
            "INSERT OR REPLACE INTO results (key, check_sum, value) VALUES (?, ?, ?)",
            (key, _check_sum(key, value), value),
        )
        while self._used() > self._limit and self._drop_oldest():
            pass

    def clear(self) -> None:
        """Forget everything and give the space back."""
        self._connection.execute("DELETE FROM results")
        self._connection.execute("VACUUM")
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def facts(self) -> CacheFacts:
        """Return what there is."""
        (entries,) = self._connection.execute("SELECT count(*) FROM results").fetchone()
        files = (Path(f"{self._path}{ending}") for ending in ("", "-wal", "-shm"))
        return CacheFacts(entries, sum(file.stat().st_size for file in files if file.exists()))

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _used(self) -> int:
        """Return the bytes of the pages in use; the rest of the file is used again."""
        pages, free, size = (
            self._connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * size)

    def _drop_oldest(self) -> int:
        """Remove the oldest tenth, one at least; return how many."""
        return self._connection.execute(
            "DELETE FROM results WHERE number IN (SELECT number FROM results ORDER BY number "
            "LIMIT (SELECT max(1, count(*) / 10) FROM results))"
        ).rowcount


def is_damage(error: Exception) -> bool:
    """Return whether an error means that the file is not what it should be."""
    if isinstance(error, OSError):
        return False
    code = getattr(error, "sqlite_errorcode", None)  # none for what Python itself makes of a file
    return code is None or code & 0xFF in DAMAGE


def _connected(path: Path, wait: float) -> sqlite3.Connection:
    """Open a file and see that it has our table and nothing else; an empty one gets it."""
    connection = sqlite3.connect(path, timeout=wait, isolation_level=None, check_same_thread=False)
    try:
        for setting in ("journal_mode = WAL", "synchronous = NORMAL", "trusted_schema = OFF"):
            connection.execute(f"PRAGMA {setting}").fetchone()
        there = connection.execute("SELECT sql FROM sqlite_master WHERE sql NOT NULL").fetchall()
        if not there:
            connection.execute(TABLE)
        elif there != [(TABLE,)]:
            raise sqlite3.DatabaseError("has other tables than it should")
    except FAILURES:
        connection.close()
        raise
    return connection


def _inode(path: Path) -> int | None:
    return path.stat().st_ino if path.exists() else None


@contextmanager
def _alone(path: Path, wait: float | None = None) -> Iterator[None]:
    """Keep other processes from opening or replacing the file for the moment this one does.

    Raises CacheUnavailableError after ``wait`` seconds (:data:`WAIT`), OSError where there are no
    locks.
    """
    check_file(path)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        deadline = time.monotonic() + (WAIT if wait is None else wait)
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() > deadline:
                    raise CacheUnavailableError("another process holds its lock") from error
                time.sleep(0.01)
        yield
    finally:
        os.close(handle)


def _check_sum(key: str, value: bytes) -> bytes:
    return blake2b(value, key=key.encode()[:64], digest_size=16).digest()
