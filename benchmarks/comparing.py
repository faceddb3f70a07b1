"""Measure how fast tensors are compared and checked, beside torch on whole arrays.

Run as a script: ``python benchmarks/comparing.py [--millions N] [--repeat N]``. Every figure is the
best of several runs on values in memory; ratios compare runs of one process on one machine. torch
measures what ``diff`` and ``check`` do, in float32, one call after the other.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from timing import print_table

from tensorpeek.analysis import measure
from tensorpeek.analysis.comparison import Pair, compare
from tensorpeek.analysis.compiled import engine
from tensorpeek.analysis.integrity import check_tensor
from tensorpeek.loaders import DTYPES, Quantization, Tensor
from tensorpeek.loaders.layout import Layout
from tensorpeek.loaders.storage import Inline

COLUMNS = 4096
SMALL = 500
"""How many small tensors show what one costs besides its values."""


class Task(NamedTuple):
    """What is measured, by tensorpeek and by torch."""

    name: str
    ours: Callable[[], object]
    theirs: Callable[[], object]


def main() -> None:
    """Print a table of nanoseconds a value, and one of milliseconds a small tensor."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--millions", type=float, default=8.0, help="values, in millions")
    parser.add_argument("--repeat", type=int, default=3, help="runs, of which the best counts")
    options = parser.parse_args()
    rows = max(1, int(options.millions * 1e6) // COLUMNS)
    _print_values(rows, options.repeat)
    _print_small(options.repeat)


def _print_values(rows: int, repeat: int) -> None:
    lines = []
    for task in _tasks(rows):
        figures = [_best(task.ours, repeat)]
        before = torch.get_num_threads()
        for threads in (1, os.cpu_count() or 1):
            torch.set_num_threads(threads)
            figures.append(_best(task.theirs, repeat))
        torch.set_num_threads(before)
        spent = [f"{1e9 * seconds / rows / COLUMNS:.2f}" for seconds in figures]
        ratios = [f"{seconds / figures[0]:.1f}x" for seconds in figures[1:]]
        lines.append([task.name, *spent, *ratios])
    head = ("", "tensorpeek", "torch, 1 thread", "torch, all", "ratio", "to all")
    title = f"{rows * COLUMNS / 1e6:.1f}M values, {engine().name}, one thread, ns a value"
    print_table(title, head, lines)


def _tasks(rows: int) -> list[Task]:
    generator = np.random.default_rng(0)
    values = generator.normal(0, 0.02, (rows, COLUMNS)).astype(np.float32)
    other = values + generator.normal(0, 1e-3, values.shape).astype(np.float32)
    scales = (np.abs(values).max(axis=1) / 127).astype(np.float32)
    codes = np.rint(values / scales[:, None]).astype(np.int8)
    quantized = _quantized(codes, scales)
    both, turned = (torch.from_numpy(values), torch.from_numpy(other)), other.T.copy()
    ints, steps = torch.from_numpy(codes), torch.from_numpy(scales)[:, None]
    tasks = [
        _diff("diff float32, equal", values, values.copy()),
        _diff("diff float32", values, other),
        *[_diff(f"diff {name}", values, other, name) for name in ("bfloat16", "float16")],
        Task(
            "diff float32, int8 by channel",
            _compared(_tensor(values), quantized),
            lambda: _torch_difference(both[0], ints.float() * steps),
        ),
        Task(
            "diff float32, transposed",
            _compared(_tensor(values), _tensor(turned)),
            lambda: _torch_difference(both[0].T, torch.from_numpy(turned)),
        ),
        *[_check(name, values) for name in ("float32", "bfloat16", "float16")],
    ]
    theirs = Task(
        "check int8 by channel",
        lambda: check_tensor(quantized),
        lambda: _torch_check(ints.float() * steps),
    )
    return [*tasks, theirs]


def _diff(name: str, first: Any, second: Any, dtype: str = "float32") -> Task:  # noqa: ANN401
    a, b = (torch.from_numpy(each).to(getattr(torch, dtype)) for each in (first, second))
    ours = _compared(_tensor(first, dtype), _tensor(second, dtype))
    return Task(name, ours, lambda: _torch_difference(a, b))


def _compared(first: Tensor, second: Tensor) -> Callable[[], object]:
    return lambda: compare(Pair(first, second, "same name"))


def _check(dtype: str, values: Any) -> Task:  # noqa: ANN401
    tensor, theirs = _tensor(values, dtype), torch.from_numpy(values).to(getattr(torch, dtype))
    return Task(f"check {dtype}", lambda: check_tensor(tensor), lambda: _torch_check(theirs))


def _torch_difference(first: torch.Tensor, second: torch.Tensor) -> tuple[Any, ...]:
    """Return the eight measures of ``diff``, whole arrays at a time."""
    a, b = first.float(), second.float()
    delta = b - a
    norms = a.norm(), b.norm(), delta.norm()
    error = norms[2] / norms[0]
    channels = (delta.norm(dim=1) / a.norm(dim=1)).max(dim=0)
    return (
        (a != b).sum().item(),
        (a.isfinite() != b.isfinite()).sum().item(),
        delta.abs().max().item(),
        error.item(),
        (-20 * error.log10()).item(),
        torch.nn.functional.cosine_similarity(a.flatten(), b.flatten(), dim=0).item(),
        (norms[1] / norms[0]).item(),
        (channels.indices.item(), channels.values.item()),
    )


def _torch_check(stored: torch.Tensor) -> tuple[Any, ...]:
    values = stored.float()
    low, high = values.amin(dim=1), values.amax(dim=1)
    return (
        values.isnan().sum().item(),
        values.isinf().sum().item(),
        ((low == 0) & (high == 0)).sum().item(),
        (low == high).sum().item(),
    )


def _print_small(repeat: int) -> None:
    """Print what tensors of 16 by 16 values cost: next to nothing is spent on these."""
    values = np.random.default_rng(0).normal(size=(16, 16)).astype(np.float32)
    first, second = _tensor(values), _tensor(values + np.float32(1e-3))
    tasks: dict[str, Callable[[], object]] = {
        "diff": _compared(first, second),
        "check": lambda: check_tensor(first),
        "stats": lambda: measure(first),
    }
    lines = []
    for name, task in tasks.items():
        spent = _best(lambda task=task: [task() for _ in range(SMALL)], repeat) / SMALL  # type: ignore[misc]
        lines.append([name, f"{1e3 * spent:.3f}"])
    print_table("A small tensor, milliseconds", ("", "each"), lines)


def _tensor(values: Any, dtype: str = "float32") -> Tensor:  # noqa: ANN401
    return Tensor(
        name="layer.weight",
        layer="layer",
        label="weight",
        role="weight",
        shape=values.shape,
        dtype=dtype,
        storage=Inline(values.astype(DTYPES[dtype].numpy).tobytes()),
        layout=Layout.contiguous(values.shape),
    )


def _quantized(codes: Any, scales: Any) -> Tensor:  # noqa: ANN401
    grid = Quantization(
        scheme="per-channel", source="benchmark", bits=8, scale=_tensor(scales), axis=0
    )
    return dataclasses.replace(_tensor(codes, "int8"), quantization=grid)


def _best(task: Callable[[], object], repeat: int) -> float:
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        task()
        times.append(time.perf_counter() - start)
    return min(times)


if __name__ == "__main__":
    main()
