"""Measure other terminal apps for weight files beside tensorpeek: sft-cli and safe-view.

They live in an environment of their own, ``.venv-peers``, which looks into the one for development
for the large libraries that both need. Both open safetensors files only; sft opens one at a time.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import sample_files
from listing import TENSORPEEK, Use, compare, own
from terminal_process import TerminalProcess
from timing import Spread, print_table

PACKAGES = ("sft-cli==0.2.2", "safe-view==0.4.0")
FOLDER = Path(__file__).resolve().parent.parent / ".venv-peers"

MARK = "part_"
"""What the names of all tensors contain: the list is there when it is drawn."""


@dataclass(frozen=True)
class Start:
    """What an app took until the first name was drawn: seconds of time, and what it used."""

    elapsed: float
    use: Use

    @classmethod
    def of(cls, command: Sequence[str]) -> Self:
        """Run an app on a terminal until it has drawn a name. Raises TimeoutError."""
        process = TerminalProcess(command)
        try:
            elapsed = process.wait_for(MARK)
        finally:
            usage = process.end()
        return cls(elapsed, Use.from_usage(usage))


def main(rounds: int = 5) -> None:
    """Print what the apps and their commands take for 10,000 tensors, in one file and in 20."""
    problem = prepare()
    if problem is not None:
        print(f"\nsft-cli and safe-view are not measured: {problem}")
        return
    with tempfile.TemporaryDirectory(prefix="tensorpeek-") as folder:
        measure(Path(folder), rounds)


def prepare() -> str | None:
    """Install the apps, if they are not there; return why they cannot be."""
    if _app("sft").exists() and _app("safe-view").exists():
        return None
    commands = [[sys.executable, "-m", "venv", str(FOLDER)], [str(_app("python")), *_install()]]
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            lines = done.stderr.strip().splitlines()
            return f"{' '.join(command)}: {lines[-1] if lines else done.returncode}"
        _share_libraries()
    return None


def measure(folder: Path, rounds: int) -> None:
    """Print the tables; the files are written into ``folder``."""
    one, many = folder / "one.safetensors", folder / "set"
    many.mkdir()
    index = many / "model.safetensors.index.json"
    sample_files.write("safetensors file", one)
    sample_files.write("safetensors set", index)
    count = f"{sample_files.SHARDS * sample_files.SHARD_TENSORS:,} tensors, 21 GB"
    sft, safe_view = str(_app("sft")), str(_app("safe-view"))
    apps = {
        "tensorpeek": [TENSORPEEK, str(one)],
        "sft browse": [sft, "browse", str(one)],
        "safe-view": [safe_view, str(one)],
    }
    _compare_starts(f"{count}, one file", apps, rounds)
    apps = {"tensorpeek": [TENSORPEEK, str(index)], "safe-view": [safe_view, str(many)]}
    _compare_starts(f"{count}, 20 files (sft opens one)", apps, rounds)
    tree = {"sft tree --json": [sft, "tree", str(one), "--json"]}
    compare(f"{count}, one file", own(one) | tree, rounds)


def _compare_starts(title: str, apps: dict[str, list[str]], rounds: int) -> None:
    starts: dict[str, list[Start]] = {name: [] for name in apps}
    for _ in range(rounds):
        for name, command in apps.items():
            starts[name].append(Start.of(command))
    rows = [
        [
            name,
            *Spread.of([start.elapsed for start in found]).milliseconds(),
            *Spread.of([start.use.seconds for start in found]).milliseconds(),
            f"{max(start.use.peak for start in found) / 1e6:.0f}",
        ]
        for name, found in starts.items()
    ]
    header = ("", "median ms", "least ms", "CPU median ms", "CPU least ms", "peak MB")
    print_table(f"First tensor name drawn: {title}, {rounds} rounds in turn", header, rows)


def _app(name: str) -> Path:
    return FOLDER / "bin" / name


def _install() -> list[str]:
    return ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PACKAGES]


def _share_libraries() -> None:
    """Let the environment see the libraries of this one; its own come first."""
    [packages] = FOLDER.glob("lib/python*/site-packages")
    (packages / "shared.pth").write_text(sysconfig.get_path("purelib") + "\n")


if __name__ == "__main__":
    main()
