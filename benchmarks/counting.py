"""Measure how fast values are counted, beside NumPy, torch and the speed of memory.

Run as a script: ``python benchmarks/counting.py [--millions N] [--repeat N]``. Every figure is the
best of several runs on values in memory; ratios compare runs of one process on one machine.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorpeek.analysis import default_edges, measure
from tensorpeek.loaders import DTYPES, Tensor
from tensorpeek.loaders.layout import Layout
from tensorpeek.loaders.storage import Inline

BINS = 100
RANGE = (-0.01, 0.02)


def main() -> None:
    """Print a table of nanoseconds a value for each element type."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--millions", type=float, default=8.0, help="values, in millions")
    parser.add_argument("--repeat", type=int, default=3, help="runs, of which the best counts")
    options = parser.parse_args()
    count = int(options.millions * 1e6)
    for name in ("int8", "float16", "bfloat16", "float32", "float64"):
        _compare(weights(name, count), options.repeat)


def _compare(tensor: Tensor, repeat: int) -> None:
    print(f"\n{tensor.dtype}, {tensor.params:,} values, best of {repeat}")
    floor = _report("one read of memory", lambda: _read(tensor), tensor, repeat, None)
    for label, task in _tasks(tensor).items():
        _report(label, task, tensor, repeat, floor)


def weights(name: str, count: int) -> Tensor:
    """Return weights of a normal distribution, 0.02 wide; int8 codes are 20 wide."""
    values = np.random.default_rng(0).normal(scale=0.02, size=count).astype(np.float32)
    if DTYPES[name].kind == "int":
        values = np.clip(np.rint(values * 1000), -128, 127)
    stored = values.astype(DTYPES[name].numpy)
    return Tensor(
        name="weight",
        layer="layer",
        label="weight",
        role="weight",
        shape=(count,),
        dtype=name,
        storage=Inline(stored.tobytes()),
        layout=Layout.contiguous((count,)),
    )


def _tasks(tensor: Tensor) -> dict[str, Callable[[], object]]:
    """Return what is measured, by its label: the table's answers, then those of others."""
    values = tensor.read()
    single = values.astype(np.float32)
    distribution = measure(tensor)
    edges = default_edges(tensor, "dequantized", distribution, BINS)
    tasks: dict[str, Callable[[], object]] = {
        "tensorpeek: all measures": lambda: measure(tensor, quantiles=False),
        "tensorpeek: and quantiles": lambda: measure(tensor),
        f"tensorpeek: {BINS} bins": lambda: distribution.histogram(edges, RANGE),
        f"tensorpeek: {BINS} bins, preview": lambda: distribution.preview(edges, RANGE),
        "tensorpeek: a range": lambda: distribution.count_range(*RANGE),
        f"numpy: {BINS} bins of float32": lambda: np.histogram(single, BINS),
        "numpy: a range": lambda: np.count_nonzero((single >= RANGE[0]) & (single <= RANGE[1])),
        "numpy: 7 measures of float32": lambda: _numpy_measures(single),
    }
    return tasks | _torch_tasks(single)


def _torch_tasks(single: NDArray[Any]) -> dict[str, Callable[[], object]]:
    try:
        import torch
    except ImportError:
        return {}
    values = torch.from_numpy(single)
    return {
        f"torch: {BINS} bins of float32": lambda: torch.histc(values, BINS),
        "torch: 5 measures of float32": lambda: (
            values.min(),
            values.max(),
            values.mean(),
            values.std(),
            values.norm(),
        ),
    }


def _numpy_measures(values: NDArray[Any]) -> tuple[Any, ...]:
    low, high, mean, std = values.min(), values.max(), values.mean(), values.std()
    return low, high, mean, std, np.abs(values).mean(), np.linalg.norm(values), (values == 0).sum()


def _read(tensor: Tensor) -> int:
    """Touch every byte of a tensor once, in wide numbers: the limit of any count."""
    if tensor.storage is None:
        return 0
    with tensor.storage.open() as read:
        return int(np.frombuffer(read(0, tensor.nbytes), np.uint32).max())


def _report(
    label: str, task: Callable[[], object], tensor: Tensor, repeat: int, floor: float | None
) -> float:
    """Run a task, print its time for each value and how many reads of memory that is."""
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        task()
        times.append(time.perf_counter() - start)
    best = min(times)
    reads = "" if floor is None else f"{best / floor:10.1f} reads of memory"
    print(f"  {label:34}{best * 1e9 / tensor.params:9.3f} ns a value {best * 1e3:10.2f} ms{reads}")
    return best


if __name__ == "__main__":
    main()
