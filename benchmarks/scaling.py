"""Measure how much sooner values are counted when every core counts.

Run as a script: ``python benchmarks/scaling.py [--millions N] [--repeat N]``. Each core measures
values of its own; the time of all at once is set against that of one alone. The two take turns, so
that other programs disturb both, and the least time of each counts. The first row is what the
machine gives to work that shares nothing: hashing a block of memory, without the GIL.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from counting import weights
from timing import Spread, print_table

from tensorpeek.analysis import measure
from tensorpeek.loaders import Tensor

CORES = os.cpu_count() or 1
TYPES = ("int8", "bfloat16", "float16", "float32", "float64")


def main() -> None:
    """Print a row for hashing and for each element type."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--millions", type=float, default=24.0, help="values a core, in millions")
    parser.add_argument("--repeat", type=int, default=25, help="runs, of which the best counts")
    options = parser.parse_args()
    count = int(options.millions * 1e6)
    with ThreadPoolExecutor(CORES) as threads:
        block = os.urandom(count)
        rows = [_row("sha256", count, lambda: hashlib.sha256(block), threads, options.repeat)]
        for name in TYPES:
            tensor = weights(name, count)
            task = _measuring(tensor)
            rows.append(_row(name, count, task, threads, options.repeat))
    header = ("", "one core, ns a value", f"{CORES} cores", "times as soon", "by medians")
    print_table(f"{count:,} values a core, best of {options.repeat} runs", header, rows)


def _measuring(tensor: Tensor) -> Callable[[], object]:
    return lambda: measure(tensor, quantiles=False)


def _row(
    name: str, count: int, task: Callable[[], object], threads: ThreadPoolExecutor, repeat: int
) -> list[str]:
    """Return the least times of one core and of all, and how often one fits into the other."""
    alone, together = [], []
    for _ in range(repeat):
        alone.append(_seconds(task))
        together.append(_seconds(lambda: list(threads.map(lambda _: task(), range(CORES)))))
    one, every = Spread.of(alone), Spread.of(together)
    each = [
        f"{spread.least * 1e9 / values:.2f}"
        for spread, values in ((one, count), (every, count * CORES))
    ]
    ratios = [one.least / every.least, one.median / every.median]
    return [name, *each, *(f"{CORES * ratio:.2f}x" for ratio in ratios)]


def _seconds(task: Callable[[], object]) -> float:
    start = time.perf_counter()
    task()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
