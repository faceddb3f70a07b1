"""Measure how long the diagnosis of a whole model takes, from start to JSON, beside whole arrays.

The file has the names and shapes of GPT-2 (124M parameters) with random values in float32. Four
programs measure it: tensorpeek what other tools measure (``same_measures.py``), with compiled
kernels and with NumPy alone; those other tools' way of doing it (``whole_arrays.py``); and the
whole of ``tensorpeek scan``, which measures several times as much. They take turns.

Run as a script: ``python benchmarks/whole_model.py [--one-core] [--write FILE]``. With one core,
all programs run on it, in one thread of BLAS and OpenMP: what remains is the work itself. (Linux.)
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from timing import Spread, print_table

FOLDER = Path(__file__).resolve().parent
TENSORPEEK = str(Path(sys.executable).parent / "tensorpeek")

WIDTH, BLOCKS, WORDS, PLACES = 768, 12, 50_257, 1024

NUMPY = {"TENSORPEEK_KERNELS": "numpy"}
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}


@dataclass(frozen=True)
class Run:
    """A program, what its environment has besides, and how often it runs."""

    command: Sequence[str]
    environment: Mapping[str, str]
    rounds: int


def main(rounds: int = 2) -> None:
    """Print two tables: with spectra, and without."""
    with tempfile.TemporaryDirectory(prefix="tensorpeek-") as folder:
        path = Path(folder, "gpt2.safetensors")
        # In another process: a child's peak is at least what this one took when it began.
        subprocess.run([sys.executable, __file__, "--write", str(path)], check=True)
        count = path.stat().st_size // 4
        for words, metrics, title in (
            ([], "basic,sparsity,quantization,spectral", "everything"),
            (["--no-spectra"], "basic,sparsity,quantization", "without spectra"),
        ):
            print_table(
                f"{count / 1e6:.0f}M float32 values from start to JSON, {title}",
                ("", "seconds", "least", "CPU s", "least", "ratio", "CPU ratio", "peak MB"),
                _rows(_measured(_runs(path, words, metrics, rounds))),
            )


def _runs(path: Path, words: Sequence[str], metrics: str, rounds: int) -> dict[str, Run]:
    """Return what is compared; others' way comes first, and once: it takes most of a minute."""
    jobs = str(_cores())
    same = [sys.executable, str(FOLDER / "same_measures.py"), str(path), "--threads", jobs, *words]
    other = [sys.executable, str(FOLDER / "whole_arrays.py"), str(path), *words]
    whole = [TENSORPEEK, "scan", str(path), "--metrics", metrics, "--json", "--no-cache"]
    runs = {
        "whole arrays, one run": Run(other, {}, 1),
        "tensorpeek, the same measures": Run(same, {}, rounds),
        "tensorpeek, the same, NumPy": Run(same, NUMPY, 1),
        f"tensorpeek scan -j {jobs}, more measures": Run([*whole, "-j", jobs], {}, rounds),
    }
    if not words:
        runs[f"tensorpeek scan -j {jobs}, NumPy"] = Run([*whole, "-j", jobs], NUMPY, 1)
    return runs


def _cores() -> int:
    """Return how many cores this process and its children may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def _measured(runs: Mapping[str, Run]) -> dict[str, list[tuple[float, float, float]]]:
    """Run the programs in turns: seconds, processor seconds, peak bytes of each run."""
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in runs}
    for turn in range(max(run.rounds for run in runs.values())):
        for name, run in runs.items():
            if turn < run.rounds:
                found[name].append(_use(run))
    return found


def _use(run: Run) -> tuple[float, float, float]:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    process = subprocess.Popen(
        run.command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **run.environment},
    )
    _, status, usage = os.wait4(process.pid, 0)
    elapsed = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"exit code {process.returncode}: {run.command}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return elapsed, spent, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _rows(found: Mapping[str, list[tuple[float, float, float]]]) -> list[list[str]]:
    columns = {name: list(zip(*runs, strict=True)) for name, runs in found.items()}
    spreads = {name: [Spread.of(column) for column in each] for name, each in columns.items()}
    base, base_spent, _ = next(iter(spreads.values()))
    rows = []
    for name, (elapsed, spent, peak) in spreads.items():
        times = [elapsed.median, elapsed.least, spent.median, spent.least]
        ratios = [base.median / elapsed.median, base_spent.median / spent.median]
        figures = [f"{value:.2f}" for value in times] + [f"{ratio:.1f}x" for ratio in ratios]
        rows.append([name, *figures, f"{peak.median / 1e6:.0f}"])
    return rows


def write_model(path: Path) -> None:
    """Write the file."""
    import numpy as np

    shapes = dict(_shapes())
    header: dict[str, object] = {}
    at = 0
    for name, shape in shapes.items():
        size = 4 * int(np.prod(shape))
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    generator = np.random.default_rng(0)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name, shape in shapes.items():
            values = generator.standard_normal(shape, np.float32) * np.float32(0.02)
            is_gain = name.endswith(("ln_1.weight", "ln_2.weight", "ln_f.weight"))
            file.write((values + np.float32(is_gain)).tobytes())


def _shapes() -> list[tuple[str, tuple[int, ...]]]:
    matrices = {
        "attn.c_attn": (WIDTH, 3 * WIDTH),
        "attn.c_proj": (WIDTH, WIDTH),
        "mlp.c_fc": (WIDTH, 4 * WIDTH),
        "mlp.c_proj": (4 * WIDTH, WIDTH),
    }
    shapes: list[tuple[str, tuple[int, ...]]] = [
        ("wte.weight", (WORDS, WIDTH)),
        ("wpe.weight", (PLACES, WIDTH)),
    ]
    for block in range(BLOCKS):
        for name in ("ln_1", "ln_2"):
            shapes += [(f"h.{block}.{name}.{part}", (WIDTH,)) for part in ("weight", "bias")]
        for name, shape in matrices.items():
            shapes.append((f"h.{block}.{name}.weight", shape))
            shapes.append((f"h.{block}.{name}.bias", shape[1:]))
    return [*shapes, ("ln_f.weight", (WIDTH,)), ("ln_f.bias", (WIDTH,))]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--one-core", action="store_true", help="keep all programs to one core")
    parser.add_argument("--write", type=Path, metavar="FILE", help="only write the model")
    options = parser.parse_args()
    if options.one_core:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        os.environ.update(ONE_THREAD)
    main() if options.write is None else write_model(options.write)
