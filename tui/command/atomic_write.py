"""Write a file so that it is either all there or as it was."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO, TextIO


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
def atomic_write_bytes(path: Path) -> Iterator[BinaryIO]:
    """Give a stream of bytes as :func:`atomic_write` does."""
    target = path.resolve()
    handle, name = tempfile.mkstemp(
        prefix=f".{target.name[:64]}.", suffix=".tmp", dir=target.parent
    )
    try:
        with os.fdopen(handle, "wb") as to:
            yield to
            to.flush()
            os.fsync(to.fileno())
        Path(name).chmod(_mode(target))
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _mode(target: Path) -> int:
    """Return the mode of the file that is replaced, or that of a new one."""
    if target.exists():
        return target.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
