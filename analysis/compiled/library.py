"""Find and load the compiled kernels, late and only once."""

from __future__ import annotations

import ctypes
import os
import zlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

VARIABLE = "TENSORPEEK_KERNELS"
"""Environment variable that forces NumPy when it is ``numpy``."""

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Engine:
    """What computes: ``compiled`` or ``numpy``, and a ``warning`` if a library is of no use."""

    name: str
    warning: str | None = None


@cache
def engine() -> Engine:
    """Return which engine this process uses."""
    return _found()[1]


@cache
def loaded_library() -> ctypes.CDLL | None:
    """Return the loaded library, None where NumPy computes. Its functions release the GIL."""
    return _found()[0]


def forget() -> None:
    """Look for the library anew at the next call."""
    for known in (_found, engine, loaded_library):
        known.cache_clear()


@cache
def _found() -> tuple[ctypes.CDLL | None, Engine]:
    file = FOLDER / "kernels.so"
    if os.environ.get(VARIABLE) == "numpy" or not file.is_file():
        return None, Engine("numpy")
    try:
        loaded = ctypes.CDLL(str(file))
        version = loaded.tensorpeek_version
    except (OSError, AttributeError):
        return None, Engine("numpy", f"{file.name} cannot be loaded: install tensorpeek again")
    version.restype = ctypes.c_uint32
    if version() != _version_of_sources():
        reason = f"{file.name} was built from other sources: install tensorpeek again"
        return None, Engine("numpy", reason)
    return _declared(loaded), Engine("compiled")


def _version_of_sources() -> int:
    """Return the checksum that a library built from the sources beside it has."""
    version = 0
    for source in sorted([*FOLDER.glob("*.c"), *FOLDER.glob("*.inc")]):
        version = zlib.crc32(source.read_bytes(), version)
    return version


POINTER, WHOLE, FLOAT, FLAG = ctypes.c_void_p, ctypes.c_int64, ctypes.c_double, ctypes.c_int32

ARGUMENTS: dict[str, tuple[type, ...]] = {
    "scan": (POINTER, WHOLE, POINTER, POINTER, POINTER, POINTER),
    "count_between": (POINTER, WHOLE, POINTER, POINTER, WHOLE, POINTER),
    "pick": (POINTER, WHOLE, POINTER, FLAG, POINTER),
    "powers": (POINTER, WHOLE, FLOAT, FLOAT, POINTER),
    "pairs": (POINTER, POINTER, WHOLE, WHOLE, WHOLE, WHOLE, POINTER, POINTER, POINTER),
    "count_words": (POINTER, WHOLE, POINTER),
    "count_bytes": (POINTER, WHOLE, POINTER),
    "ranges": (POINTER, WHOLE, WHOLE, POINTER, POINTER, POINTER),
    "structures": (POINTER, WHOLE, WHOLE, POINTER),
    "round": (POINTER, WHOLE, WHOLE, WHOLE, POINTER, POINTER, POINTER, WHOLE, POINTER),
    "squares": (POINTER, WHOLE),
    "counted_noise": (POINTER, POINTER, WHOLE, FLOAT, FLOAT, FLOAT),
}
"""What each function takes, its name without ``tensorpeek_``."""

TYPED = ("scan", "count_between", "pick", "powers", "pairs")
"""Functions that there are twice, for float32 and for float64."""

RESULTS: dict[str, type] = {
    "scan": WHOLE,
    "pick": WHOLE,
    "pairs": FLOAT,
    "squares": FLOAT,
    "counted_noise": FLOAT,
}


def _declared(loaded: ctypes.CDLL) -> ctypes.CDLL:
    for name, arguments in ARGUMENTS.items():
        for suffix in ("_float32", "_float64") if name in TYPED else ("",):
            function = getattr(loaded, f"tensorpeek_{name}{suffix}")
            function.argtypes = arguments
            function.restype = RESULTS.get(name)
    return loaded


Element = TypeVar("Element", bound=np.generic)


def in_order(values: NDArray[Element]) -> NDArray[Element]:
    """Return an array that a kernel can walk through: contiguous and aligned."""
    flags = values.flags
    if flags.c_contiguous and flags.aligned:
        return values
    return np.array(values, order="C")
