"""Write a file so that it is either all there or as it was."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO, TextIO

_unfinished: set[Path] = set()


def remove_unfinished() -> None:
    """Remove what is being written, for a process that is about to end at once."""
    for path in _unfinished.copy():
        path.unlink(missing_ok=True)


@contextmanager
def atomic_write(path: Path) -> Iterator[TextIO]:
    """Give a stream to a new file beside ``path``, which replaces it when the block ends well.

    Lines end as they are written. Raises OSError.
    """
    with atomic_write_bytes(path) as binary:
        stream = TextIOWrapper(binary, encoding="utf-8", errors="backslashreplace", newline="")
        try:
            yield stream
        finally:
            stream.detach()


@contextmanager
def atomic_write_bytes(path: Path, *, replace: bool = True) -> Iterator[BinaryIO]:
    """Give a stream of bytes as :func:`atomic_write` does.

    Unless it may ``replace`` a file, raises FileExistsError where there is one by the end.
    """
    target = path.resolve()
    try:
        handle, name = tempfile.mkstemp(
            prefix=f".{target.name[:64]}.", suffix=".tmp", dir=target.parent
        )
    except OSError as error:
        error.filename = str(path)
        raise
    written = Path(name)
    _unfinished.add(written)
    try:
        with os.fdopen(handle, "wb") as to:
            yield to
            to.flush()
            os.fsync(to.fileno())
        written.chmod(_mode(target))
        if replace:
            written.replace(target)
        else:
            _put(written, target)
    except BaseException as error:
        written.unlink(missing_ok=True)
        if isinstance(error, OSError):
            error.filename = str(path)
        raise
    finally:
        _unfinished.discard(written)


def _put(written: Path, target: Path) -> None:
    """Give a file its name, unless another one has it."""
    try:
        target.hardlink_to(written)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if target.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target) from None
        written.replace(target)
    else:
        written.unlink()


def _mode(target: Path) -> int:
    """Return the mode of the file that is replaced, or that of a new one."""
    if target.exists():
        return target.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
