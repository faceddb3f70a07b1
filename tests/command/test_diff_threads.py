"""``diff`` in several threads: the same bytes printed, Ctrl+C ends them at once."""

from __future__ import annotations

import json
import signal
import struct
import subprocess
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from command.in_memory import COMMAND, Run
from safetensors.numpy import save_file

RNG = np.random.default_rng(91)


def arrays(count: int) -> dict[str, np.ndarray]:
    """Tensors of many sizes, some of them with something wrong."""
    made = {f"layer{n}.weight": RNG.normal(size=(8, 40 * n + 1)) for n in range(count)}
    made["layer3.weight"][2] = np.nan
    made["layer7.weight"][:] = 0
    made["layer9.weight"][:, 5] = np.inf
    return {name: values.astype(np.float32) for name, values in made.items()}


@pytest.fixture
def models(tmp_path: Path) -> list[Path]:
    """Two models that differ here and there."""
    first = arrays(30)
    second = {name: values + np.float32(n % 3) for n, (name, values) in enumerate(first.items())}
    second["layer5.weight"] = second["layer5.weight"][:, :7]
    second["other.weight"] = np.ones((3, 3), np.float32)
    paths = [tmp_path / name for name in ("a.safetensors", "b.safetensors")]
    save_file(first, paths[0])
    save_file(second, paths[1])
    return paths


@pytest.mark.parametrize("words", [[], ["--json"], ["layer1*"], ["--exit-code"]], ids=" ".join)
def test_a_comparison_prints_the_same_in_any_number_of_threads(
    run: Run, models: list[Path], words: list[str]
) -> None:
    one, *others = (run("diff", *models, *words, "--jobs", jobs) for jobs in (1, 2, 5))
    assert "layer1" in one.stdout
    for other in others:
        assert (other.exit_code, other.stdout, other.stderr) == (
            one.exit_code,
            one.stdout,
            one.stderr,
        )


@pytest.mark.parametrize("jobs", ["0", "-1", "1025", "two"])
def test_a_number_of_threads_that_is_none(run: Run, models: list[Path], jobs: str) -> None:
    result = run("diff", *models, "--jobs", jobs)
    assert result.exit_code == 2
    assert "--jobs" in result.stderr


@pytest.fixture
def endless(tmp_path: Path) -> Path:
    """A file of 200 GB, all zeros, that takes no room on a disk that knows sparse files."""
    size = 25_000_000_000
    header = {
        f"layer{n}.weight": {
            "dtype": "F32",
            "shape": [1000, size // 4000],
            "data_offsets": [n * size, (n + 1) * size],
        }
        for n in range(8)
    }
    text = json.dumps(header).encode()
    path = tmp_path / "endless.safetensors"
    with path.open("wb") as stream:
        stream.write(struct.pack("<Q", len(text)) + text)
        try:
            stream.truncate(8 + len(text) + 8 * size)
        except OSError:
            pytest.skip("this file system has no files of 200 GB")
    if path.stat().st_blocks * 512 > 1_000_000:
        pytest.skip("this file system has no sparse files")
    return path


def is_at_work(process: subprocess.Popen[str]) -> bool:
    """Whether a process has begun its threads."""
    return len(list(Path(f"/proc/{process.pid}/task").iterdir())) > 2


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs Linux's /proc")
def test_ctrl_c_ends_threads_in_the_middle_of_a_tensor(endless: Path) -> None:
    words = [COMMAND, "diff", str(endless), str(endless), "--jobs", "3"]
    environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1"}
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdout=pipe, stderr=pipe, text=True, env=environment) as process:
        deadline = time.monotonic() + 90
        while not is_at_work(process):
            assert process.poll() is None
            assert time.monotonic() < deadline
            threading.Event().wait(0.02)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=90)
    assert process.returncode == 130
    assert (stdout, stderr) == ("", "")
