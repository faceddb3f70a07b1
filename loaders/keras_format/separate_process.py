"""List an HDF5 file in a process of its own, so that no file can take this one down.

libhdf5 parses in C, and on damaged files it is known to crash and to loop for ever: a few changed
bytes are enough. The process that runs it holds only a read-only handle, bounded in time and
memory; it says where values lie, and they are then read here without libhdf5. It takes 0.2 s.
"""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys

from tensorpeek.loaders.errors import LoadError
from tensorpeek.loaders.keras_format.outline import Outline, from_json
from tensorpeek.loaders.storage import Deflated, FileSpan, describe, open_version

PROGRAM = "tensorpeek.loaders.keras_format.structure_process"

SECONDS = 60
"""Time after which a file is given up."""

WITHOUT = "needs package h5py (pip install 'tensorpeek[keras]')"


def read_outline(place: FileSpan | Deflated) -> Outline:
    """List the HDF5 file that lies at ``place``.

    Raises LoadError: damaged, truncated, h5py is not installed, or took too long.
    """
    span, inflated = (place.span, place.nbytes) if isinstance(place, Deflated) else (place, -1)
    if importlib.util.find_spec("h5py") is None:
        raise LoadError(span.path, WITHOUT)
    code, output = _run(span, inflated)
    if code == -signal.SIGXCPU:
        raise LoadError(span.path, "damaged: listing its HDF5 structure took too long")
    if code < 0:
        raise LoadError(span.path, f"damaged: reading its HDF5 structure crashed (signal {-code})")
    try:
        found = from_json(output)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise LoadError(span.path, "damaged: its HDF5 structure cannot be read") from error
    if isinstance(found, str):
        raise LoadError(span.path, found)
    return found


def _run(span: FileSpan, inflated: int) -> tuple[int, bytes]:
    """Return exit code and output of the process."""
    numbers = map(str, (span.offset, span.nbytes, inflated))
    command = [sys.executable, "-P", "-W", "ignore", "-m", PROGRAM, *numbers]
    try:
        with open_version(span.path, span.identity) as handle:
            done = subprocess.run(  # noqa: S603 (our own program, numbers as arguments)
                command,
                stdin=handle,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=_environment(),
                timeout=SECONDS,
                check=False,
            )
    except subprocess.TimeoutExpired as error:
        raise LoadError(span.path, f"damaged: not listed within {SECONDS} seconds") from error
    except OSError as error:
        raise LoadError(span.path, f"cannot start a process ({describe(error)})") from error
    return done.returncode, done.stdout


def _environment() -> dict[str, str]:
    """Return the environment: the same modules as here, one thread, no plugins of HDF5."""
    own = {
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if os.path.isabs(path)),  # noqa: PTH117
        "OPENBLAS_NUM_THREADS": "1",
        "HDF5_PLUGIN_PRELOAD": "::",
    }
    return {**os.environ, **own}
