"""The OpenBLAS that NumPy's wheels bring: what NumPy computes with, and what it does not offer."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

PREFIXES_AND_SUFFIXES = (("scipy_", "64_"), ("scipy_", ""), ("", "64_"), ("", ""))
"""How builds of OpenBLAS name their functions; the first is that of NumPy's own wheels."""


@dataclass(frozen=True)
class OpenBlas:
    """A loaded library, and what its build puts before and after the name of each function."""

    library: ctypes.CDLL
    prefix: str
    suffix: str

    def function(self, name: str) -> Callable[..., int] | None:
        """Return a function by its plain name (LAPACK's end in ``_``), None if there is none.

        It releases the GIL, and takes whatever it is given: ctypes knows nothing of its arguments.
        """
        found: Callable[..., int] | None = getattr(
            self.library, f"{self.prefix}{name}{self.suffix}", None
        )
        return found


@cache
def numpy_openblas() -> OpenBlas | None:
    """Return the OpenBLAS of NumPy's wheel; None where NumPy was built with another library."""
    folders = (Path(np.__file__).parent / ".dylibs", Path(np.__file__).parent.parent / "numpy.libs")
    for file in (file for folder in folders for file in folder.glob("*openblas*")):
        try:
            library = ctypes.CDLL(str(file))
        except OSError:
            continue
        for prefix, suffix in PREFIXES_AND_SUFFIXES:
            if hasattr(library, f"{prefix}openblas_set_num_threads{suffix}"):
                return OpenBlas(library, prefix, suffix)
    return None
