"""Measure ``tensorpeek ls FILE --json``: processor time and peak memory, of the sample models."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from timing import Spread, print_table

MODELS = Path(__file__).resolve().parent.parent / "models"
TENSORPEEK = str(Path(sys.executable).parent / "tensorpeek")

FLOOR = "pass"
"""What any Python program takes."""

OWN = "tensorpeek ls --json"

Commands = dict[str, list[str]]


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
        return cls.from_usage(usage)

    @classmethod
    def from_usage(cls, usage: resource.struct_rusage) -> Self:
        """Take what the system says of a process that ended."""
        unit = 1 if sys.platform == "darwin" else 1024
        return cls(usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit)


def main(rounds: int = 5) -> None:
    """Print a table for each of the sample models."""
    for path in sorted(MODELS.glob("*.*")):
        if path.suffix in {".pt", ".onnx"}:
            compare(path.name, floor() | own(path), rounds)


def floor() -> Commands:
    """Return the command of a program that does nothing."""
    return {"python -c pass": python(FLOOR)}


def own(path: Path) -> Commands:
    """Return the command that lists a file."""
    return {OWN: [TENSORPEEK, "ls", str(path), "--json"]}


def python(program: str, *arguments: Path) -> list[str]:
    """Return the command that runs a Python program."""
    return [sys.executable, "-c", program, *map(str, arguments)]


def compare(title: str, commands: Commands, rounds: int, once: Collection[str] = ()) -> None:
    """Run the commands in turn and print what each used; the ratios are to tensorpeek.

    Those that ``once`` names are so slow that they run in the first round only.
    """
    uses: dict[str, list[Use]] = {name: [] for name in commands}
    for turn in range(rounds):
        for name, command in commands.items():
            if not (turn and name in once):
                uses[name].append(Use.of(command))
    spreads = {name: Spread.of([use.seconds for use in used]) for name, used in uses.items()}
    rows = [
        [
            name,
            *spread.milliseconds(),
            *spread.ratios(spreads[OWN]),
            f"{max(use.peak for use in uses[name]) / 1e6:.0f}",
        ]
        for name, spread in spreads.items()
    ]
    header = ("", "CPU median ms", "least ms", "x ls", "x ls, least", "peak MB")
    print_table(f"Listing: {title}, {rounds} rounds in turn", header, rows)


if __name__ == "__main__":
    main()
