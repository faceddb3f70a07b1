"""Measure how much sooner a device answers than the CPU, kernel by kernel and in all.

Run as a script on a machine with a GPU: ``python benchmarks/devices.py [--device cuda]``. Seconds
are the best of several runs on values in memory, sending included; so ratios are of one machine.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np

from tensorpeek.analysis import measure
from tensorpeek.analysis.devices import Device, DeviceError, open_device
from tensorpeek.analysis.devices.pattern_counts import count_on
from tensorpeek.analysis.diagnosis import Request, diagnose
from tensorpeek.analysis.diagnosis.matrix_ranges import matrix_ranges
from tensorpeek.analysis.diagnosis.quantization_error import all_trials, quantization_errors
from tensorpeek.analysis.diagnosis.spectrum import spectrum
from tensorpeek.analysis.diagnosis.weight_matrix import weight_matrix
from tensorpeek.analysis.patterns import count_patterns
from tensorpeek.loaders import DTYPES, Tensor
from tensorpeek.loaders.layout import Layout
from tensorpeek.loaders.storage import Inline

Task = Callable[[Device | None], object]


def main() -> None:
    """Print a row for each task, with the seconds of both and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--side", type=int, default=4096, help="of a square matrix")
    parser.add_argument("--repeat", type=int, default=3, help="runs, of which the best counts")
    options = parser.parse_args()
    try:
        device = open_device(options.device)
    except (DeviceError, ValueError) as error:
        parser.error(str(error))
    if device is None:
        parser.error("the CPU is what a device is compared with")
    for name in ("bfloat16", "float32"):
        tensor = _weights(name, options.side)
        print(f"{name}, {options.side} x {options.side}, seconds, best of {options.repeat}")
        for label, task in _tasks(tensor, device).items():
            here, there = (_seconds(task, place, options.repeat) for place in (None, device))
            print(f"  {label:12} cpu {here:8.3f}  {device.name} {there:8.3f}  {here / there:6.1f}x")


def _seconds(task: Task, place: Device | None, repeat: int) -> float:
    """Return the least time of several runs, after one that prepares the device."""
    task(place)
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        task(place)
        times.append(time.perf_counter() - start)
    return min(times)


def _tasks(tensor: Tensor, device: Device) -> dict[str, Task]:
    known = measure(tensor)
    matrix = weight_matrix(tensor, "dequantized", known.summary)
    ranges, trials = matrix_ranges(matrix), all_trials()

    def count(place: Device | None) -> object:
        return measure(tensor, count=count_patterns if place is None else count_on(place))

    def everything(place: Device | None) -> object:
        return diagnose(tensor, Request(device="cpu" if place is None else device.name))

    return {
        **({"counts": count} if tensor.element.bits <= 16 else {}),
        "24 grids": lambda p: quantization_errors(matrix, ranges, known, trials, device=p),
        "spectrum": lambda p: spectrum(matrix, device=p),
        "everything": everything,
    }


def _weights(name: str, side: int) -> Tensor:
    """Return weights of a normal distribution, 0.02 wide."""
    values = np.random.default_rng(0).normal(scale=0.02, size=(side, side))
    return Tensor(
        name="weight",
        layer="layer",
        label="weight",
        role="weight",
        shape=values.shape,
        dtype=name,
        storage=Inline(values.astype(DTYPES[name].numpy).tobytes()),
        layout=Layout.contiguous(values.shape),
    )


if __name__ == "__main__":
    main()
