"""Run cases one after the other under limits: ``python -m fuzzing.worker SEEDS SEED FIRST STEP``.

A line on stdout tells each case before it runs and what came of it. What exceeds a limit ends the
process with a traceback on stderr, and the last line tells which case it was.
"""

from __future__ import annotations

import contextlib
import faulthandler
import importlib
import os
import resource
import signal
import sys
import tempfile
import traceback
import warnings
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from fuzzing.cases import Cases
from fuzzing.examine import examine
from tensorpeek.loaders import FORMATS

SECONDS = 5
"""Processor time for a case."""

PATIENCE = 60
"""Seconds of waiting for a case, which other processes share."""

MEMORY = 100 << 20
"""Bytes for a case, besides twice the size of its files."""


def main(seeds: Path, seed: int, first: int, step: int) -> None:
    """Run the cases ``first``, ``first + step`` ... until the parent ends this process."""
    prepare()
    cases = Cases(seeds, seed)
    for number in count(first, step):
        print(number, "starts", flush=True)
        case = cases[number]
        with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
            outcome = run(case.write(Path(folder)))
        print(number, outcome, flush=True)


def prepare() -> None:
    """Import every reader, turn warnings into errors, show where a limit was met."""
    for entry in FORMATS:
        importlib.import_module(entry.module)
    warnings.simplefilter("error")
    faulthandler.register(signal.SIGXCPU, chain=True)


def run(path: Path) -> str:
    """Return what came of a case, in one word, or ``failed`` after a traceback on stderr."""
    size = sum(file.stat().st_size for file in path.parent.iterdir() if file.is_file())
    with _limits(size):
        try:
            return examine(path)
        except BaseException:  # noqa: BLE001 (whatever it is, it is a finding)
            sys.stderr.write(traceback.format_exc(chain=False))
            sys.stderr.flush()
            return "failed"


@contextlib.contextmanager
def _limits(size: int) -> Iterator[None]:
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime) + SECONDS + 1
    faulthandler.dump_traceback_later(PATIENCE, exit=True)
    with _soft(resource.RLIMIT_CPU, seconds), _soft(resource.RLIMIT_AS, _memory(size)):
        yield
    faulthandler.cancel_dump_traceback_later()


@contextlib.contextmanager
def _soft(kind: int, limit: int) -> Iterator[None]:
    _, hard = resource.getrlimit(kind)
    resource.setrlimit(kind, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(kind, (hard, hard))


def _memory(size: int) -> int:
    """Return the address space that a case may have; where the system does not tell, any."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except OSError:
        return resource.RLIM_INFINITY
    return pages * os.sysconf("SC_PAGE_SIZE") + 2 * size + MEMORY


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:5]))
