"""The program of the process that lists an HDF5 file: the file is standard input, JSON goes out.

It is run with three numbers: offset and size of the HDF5 bytes in the file and, if they are
deflated, their size when inflated, else -1.
"""

from __future__ import annotations

import io
import os
import resource
import sys
from collections.abc import Callable

from tensorpeek.loaders.errors import LoadError
from tensorpeek.loaders.keras_format.outline import failure, to_json
from tensorpeek.loaders.storage import inflate

CPU_SECONDS = 20
"""Processor time after which the process is ended: 20,000 datasets take about five seconds."""

MEMORY = 2 << 30
"""Bytes of address space beside those that an inflated file takes."""

HANDLE = 0

_WITHOUT = "needs package h5py (pip install 'tensorpeek[keras]')"


class FilePart(io.RawIOBase):
    """``nbytes`` bytes of an open file from ``offset`` on, read by position."""

    def __init__(self, handle: int, offset: int, nbytes: int) -> None:
        super().__init__()
        self._handle, self._offset, self._nbytes, self._at = handle, offset, nbytes, 0

    def readable(self) -> bool:
        """Whether it can be read: yes."""
        return True

    def seekable(self) -> bool:
        """Whether it has a position: yes."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a position."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._nbytes}[whence]
        self._at = max(base + offset, 0)
        return self._at

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill ``buffer`` from the position on; return how many bytes there were."""
        view = memoryview(buffer).cast("B")
        want = max(min(len(view), self._nbytes - self._at), 0)
        got = os.preadv(self._handle, [view[:want]], self._offset + self._at) if want else 0
        self._at += got
        return got


def main(arguments: list[str], write: Callable[[str], object]) -> int:
    """List the file and write an outline, or ``{"error": clause}``."""
    offset, nbytes, inflated = map(int, arguments)
    try:
        import h5py

        from tensorpeek.loaders.keras_format.structure import DAMAGE, Structure, StructureError
    except ImportError:
        write(failure(_WITHOUT))
        return 0
    _limit(MEMORY + (nbytes + 2 * inflated if inflated >= 0 else 0))
    try:
        with h5py.File(_content(offset, nbytes, inflated), "r") as file:
            text = to_json(Structure(h5py.h5g.open(file.id, b"/")).outline())
    except StructureError as error:
        text = failure(str(error))
    except LoadError as error:
        text = failure(error.reason)
    except DAMAGE as error:
        cut = "truncated file" in str(error)
        what = "truncated" if cut else "damaged"
        text = failure(f"{what}: its HDF5 structure cannot be read")
    write(text)
    return 0


def _content(offset: int, nbytes: int, inflated: int) -> io.RawIOBase | io.BytesIO:
    if inflated < 0:
        return FilePart(HANDLE, offset, nbytes)
    return io.BytesIO(inflate("", os.pread(HANDLE, nbytes, offset), inflated))


def _limit(memory: int) -> None:
    """Bound what a hostile file can make this process use."""
    limits = (
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
    )
    for which, most in limits:
        hard = resource.getrlimit(which)[1]
        if hard == resource.RLIM_INFINITY:
            hard = most + 1  # one second between the signal that tells a time limit and the end
        try:
            resource.setrlimit(which, (min(most, hard), hard))
        except (OSError, ValueError):  # macOS refuses some
            continue


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], sys.stdout.write))
