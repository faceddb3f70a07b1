"""Measure ``tensorpeek ls FILE --json`` beside torch and onnx: processor time and peak memory."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import sample_files
from timing import Spread, print_table

MODELS = Path(__file__).resolve().parent.parent / "models"
TENSORPEEK = str(Path(sys.executable).parent / "tensorpeek")

FLOOR = "pass"
"""What any Python program takes."""

TORCH = """
import sys, torch
for name, tensor in torch.load(sys.argv[1], mmap=True, weights_only=True).items():
    print(name, tensor.dtype, tuple(tensor.shape))
"""
ONNX = """
import sys, onnx
for tensor in onnx.load(sys.argv[1]).graph.initializer:
    print(tensor.name, tensor.data_type, list(tensor.dims))
"""
TORCH_LIMIT = """
import sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as archive:
    names = archive.namelist()
    archive.read(next(name for name in names if name.endswith("data.pkl")))
"""
"""Read what a listing cannot do without: the zip's directory and the pickle, not decoded."""

ONNX_LIMIT = f"""
import os, sys
handle = os.open(sys.argv[1], os.O_RDONLY)
step = os.fstat(handle).st_size // {sample_files.ONNX_INITIALIZERS}
for index in range({sample_files.ONNX_INITIALIZERS}):
    os.pread(handle, 64, index * step)
"""
"""Read as much as an initializer's name and shape take and jump over its values, not decoded."""


@dataclass(frozen=True)
class Use:
    """What a process used: seconds of processor time, and bytes of memory at its peak."""

    seconds: float
    peak: float

    @classmethod
    def of(cls, command: Sequence[str]) -> Self:
        """Run a command and wait for it. Raises RuntimeError when it fails.

        The peak is a child's own only while this process is smaller than it: so nothing large is
        imported here.
        """
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise RuntimeError(f"exit code {process.returncode}: {command}")
        unit = 1 if sys.platform == "darwin" else 1024
        return cls(usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit)


def main(rounds: int = 5) -> None:
    """Print a table for the sample models and for two large files."""
    floor = {"python -c pass": [sys.executable, "-c", FLOOR]}
    for path in sorted(MODELS.glob("*.*")):
        if path.suffix in {".pt", ".onnx"}:
            compare(path.name, floor | {"tensorpeek ls --json": _ls(path)}, rounds)
    with tempfile.TemporaryDirectory(prefix="tensorpeek-") as folder:
        path = Path(folder, "listing.pt")
        sample_files.write("torch listing", path)
        title = f"{sample_files.TORCH_TENSORS:,} tensors, {_sizes(path)}"
        limit = {"the limit: zip directory, pickle": [sys.executable, "-c", TORCH_LIMIT, str(path)]}
        other = {"torch.load(mmap, weights_only)": [sys.executable, "-c", TORCH, str(path)]}
        compare(title, floor | limit | {"tensorpeek ls --json": _ls(path)} | other, rounds)
        path.unlink()
        path = Path(folder, "listing.onnx")
        sample_files.write("onnx listing", path)
        title = f"{sample_files.ONNX_INITIALIZERS} ONNX initializers, {_sizes(path)}"
        limit = {"the limit: names touched": [sys.executable, "-c", ONNX_LIMIT, str(path)]}
        other = {"onnx.load": [sys.executable, "-c", ONNX, str(path)]}
        compare(title, floor | limit | {"tensorpeek ls --json": _ls(path)} | other, rounds)


def compare(title: str, commands: dict[str, list[str]], rounds: int) -> None:
    """Run the commands in turn and print what each used; the ratios are to tensorpeek."""
    uses: dict[str, list[Use]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            uses[name].append(Use.of(command))
    spreads = {name: Spread.of([use.seconds for use in used]) for name, used in uses.items()}
    own = spreads["tensorpeek ls --json"]
    rows = [
        [
            name,
            *spread.milliseconds(),
            *spread.ratios(own),
            f"{max(use.peak for use in uses[name]) / 2**20:.0f}",
        ]
        for name, spread in spreads.items()
    ]
    header = ("", "CPU median ms", "least ms", "x ls", "x ls, least", "peak MiB")
    print_table(f"Listing: {title}, {rounds} rounds in turn", header, rows)


def _ls(path: Path) -> list[str]:
    return [TENSORPEEK, "ls", str(path), "--json"]


def _sizes(path: Path) -> str:
    status = path.stat()
    return f"{status.st_size / 1e9:.2f} GB ({status.st_blocks * 512 / 1e6:.0f} MB on disk)"


if __name__ == "__main__":
    main()
