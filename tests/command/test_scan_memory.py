"""What a scan or a comparison of a file of 20 GB takes in memory."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from command.in_memory import COMMAND

GIGABYTE = 1_000_000_000
MOST = 400_000
"""Kilobytes that a process may take."""

MEASURED = GIGABYTE // 4
"""Bytes of the tensor that is measured."""

STARTER = """
import os, sys
quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=quiet)
_, status, usage = os.wait4(child, 0)
print(os.waitstatus_to_exitcode(status), usage.ru_maxrss)
"""
"""A program that runs another and prints its exit code and peak."""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two files of 20 GB, all zeros, that take no room on a disk that knows sparse files."""
    folder = tmp_path_factory.mktemp("large")
    sizes = {
        "small.weight": MEASURED,
        "wide.weight": MEASURED,
        "compared.weight": MEASURED // 5,
        "rest.weight": 19 * GIGABYTE + MEASURED,
    }
    header, start = {}, 0
    for name, size in sizes.items():
        dtype, width = ("F32", 4) if name.startswith("wide") else ("BF16", 2)
        shape = [1000, size // width // 1000]
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [start, start + size]}
        start += size
    text = json.dumps(header).encode()
    paths = [folder / "a.safetensors", folder / "b.safetensors"]
    for path in paths:
        with path.open("wb") as stream:
            stream.write(struct.pack("<Q", len(text)) + text)
            stream.truncate(8 + len(text) + start)
        if path.stat().st_blocks * 512 > GIGABYTE:
            pytest.skip("this file system has no sparse files")
    return paths


def peak(*words: object) -> int:
    """Run the command; return the kilobytes that it, or a worker of its, took at most.

    A process starts with the peak of the one that starts it: a small one starts the command.
    """
    done = subprocess.run(
        [sys.executable, "-S", "-c", STARTER, COMMAND, *map(str, words)],
        capture_output=True,
        env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "TENSORPEEK_CACHE_DIR": ""},
        text=True,
        check=True,
    )
    code, most = map(int, done.stdout.split())
    assert code == 0
    return most if sys.platform == "linux" else most // 1000


@pytest.mark.parametrize(
    ("pattern", "metrics"),
    [("small.weight", "sparsity,quantization"), ("wide.weight", "basic")],
    ids=["grids and channels of bf16", "float32"],
)
def test_a_scan_takes_little_memory(files: list[Path], pattern: str, metrics: str) -> None:
    assert peak("scan", files[0], pattern, "--metrics", metrics, "--bits", "4") < MOST


def test_workers_take_little_memory(files: list[Path]) -> None:
    words = ("small.weight", "wide.weight", "--metrics", "basic", "--jobs", 2)
    assert peak("scan", files[0], *words) < MOST


def test_a_comparison_takes_little_memory(files: list[Path]) -> None:
    assert peak("diff", *files, "compared.weight") < MOST


def test_threads_that_compare_take_little_memory(files: list[Path]) -> None:
    words = ("compared.weight", "small.weight", "--jobs", 2)
    assert peak("diff", *files, *words) < MOST
