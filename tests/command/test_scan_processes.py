"""A scan as a process: interrupted, killed, in parallel, on a terminal."""

from __future__ import annotations

import contextlib
import json
import math
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command.in_memory import COMMAND, run_command
from safetensors.numpy import save_file

from tensorpeek.tui.command.scan_progress import time_text

RNG = np.random.default_rng(41)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file whose scan takes a second or more."""
    rng = np.random.default_rng(0)
    tensors = {
        f"layer{n}.weight": rng.normal(size=(320, 448)).astype(np.float32) for n in range(60)
    }
    path = tmp_path_factory.mktemp("scan") / "model.safetensors"
    save_file(tensors, path)
    return path


def started(*words: object) -> subprocess.Popen[str]:
    environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "TENSORPEEK_CACHE_DIR": ""}
    return subprocess.Popen(
        [COMMAND, *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        start_new_session=True,
    )


def wait_for_lines(journal: Path, count: int) -> None:
    """Wait until a scan has noted so many lines."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if journal.exists() and journal.read_text().count("\n") >= count:
            return
        time.sleep(0.01)
    pytest.fail("the scan did not begin")


FAST = ("--metrics", "spectral")


@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_keeps_what_is_done(checkpoint: Path, tmp_path: Path, jobs: int) -> None:
    journal, report = tmp_path / "journal", tmp_path / "report.json"
    words = ("scan", checkpoint, *FAST, "--jobs", jobs, "--resume", journal, "-o", report)
    process = started(*words, "--json")
    wait_for_lines(journal, 4)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers as well
    stdout, stderr = process.communicate(timeout=120)
    assert process.returncode == 130, stderr
    assert "Traceback" not in stderr
    document = json.loads(report.read_text())
    assert document == json.loads(stdout)
    done = document["models"][0]["tensors"]
    assert document["interrupted"] is True
    assert 3 <= len(done) < 60
    assert len(done) + document["missing"] == 60
    assert len(journal.read_text().splitlines()) == 1 + len(done)
    resumed = run_command(*words)
    assert resumed.returncode == 0
    whole = json.loads(report.read_text())
    assert (whole["interrupted"], len(whole["models"][0]["tensors"])) == (False, 60)
    again = {record["name"]: record for record in whole["models"][0]["tensors"]}
    assert all(again[record["name"]] == record for record in done)


def test_a_killed_scan_loses_what_was_in_flight_only(checkpoint: Path, tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    process = started("scan", checkpoint, *FAST, "--jobs", 2, "--resume", journal)
    wait_for_lines(journal, 4)
    process.kill()
    process.communicate(timeout=120)  # returns once the workers, which hold the pipes, are gone
    noted = [json.loads(line) for line in journal.read_text().splitlines()[:-1]]
    kept = {entry["record"]["name"] for entry in noted[1:]}
    assert len(kept) >= 2
    resumed = run_command("scan", checkpoint, *FAST, "--json", "--resume", journal)
    assert resumed.returncode == 0
    assert len(json.loads(resumed.stdout)["models"][0]["tensors"]) == 60
    lines = journal.read_text().splitlines()
    names = [json.loads(line)["record"]["name"] for line in lines[1:] if line.endswith("}}")]
    assert len(set(names)) == len(names) == 60


def workers_of(process: subprocess.Popen[str]) -> list[int]:
    """The workers of a process, none when it has ended."""
    try:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        lines = {int(child): Path(f"/proc/{child}/cmdline").read_bytes() for child in children}
    except FileNotFoundError:
        return []
    return [child for child, line in lines.items() if b"spawn_main" in line]


def with_a_worker_killed(checkpoint: Path, journal: Path) -> tuple[subprocess.Popen[str], str, str]:
    """Scan, and kill a worker while both are in the middle of it."""
    for _ in range(5):  # on a busy machine a scan may end before this process runs again
        process = started("scan", checkpoint, *FAST, "--jobs", 2, "--json", "--resume", journal)
        wait_for_lines(journal, 4)
        workers = workers_of(process)
        for worker in workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker, signal.SIGSTOP)
        is_in_time = len(workers) == 2 and journal.read_text().count("\n") < 50
        if is_in_time:
            os.kill(workers.pop(), signal.SIGKILL)
        for worker in workers:
            with contextlib.suppress(ProcessLookupError):  # its pool may be ended already
                os.kill(worker, signal.SIGCONT)
        stdout, stderr = process.communicate(timeout=60)
        if is_in_time:
            return process, stdout, stderr
        journal.unlink()
    pytest.fail("every scan ended before a worker could be killed")


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs Linux's /proc")
def test_a_worker_that_is_killed_costs_no_result(checkpoint: Path, tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    process, stdout, stderr = with_a_worker_killed(checkpoint, journal)
    assert process.returncode == 0, stderr
    assert "a worker process ended abruptly" in stderr
    assert "Traceback" not in stderr
    records = json.loads(stdout)["models"][0]["tensors"]
    assert [record["error"] for record in records] == [None] * 60
    assert len(journal.read_text().splitlines()) == 61


def test_processes_find_what_one_process_finds(checkpoint: Path) -> None:
    one, two = (
        json.loads(run_command("scan", checkpoint, "layer1*", "--json", "--jobs", jobs).stdout)
        for jobs in (1, 2)
    )
    for first, second in zip(one["models"][0]["tensors"], two["models"][0]["tensors"], strict=True):
        assert first["name"] == second["name"]
        assert first["quantization"] == second["quantization"]
        assert close(first["spectral"], second["spectral"])


def close(one: Any, two: Any) -> bool:  # noqa: ANN401
    """Equal up to rounding: BLAS adds in another order with other numbers of threads."""
    if isinstance(one, dict):
        return all(close(one[key], two[key]) for key in one)
    return math.isclose(one, two, rel_tol=1e-8) if isinstance(one, float) else one == two


def test_a_terminal_shows_a_bar_with_the_time_left(checkpoint: Path) -> None:
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [COMMAND, "scan", str(checkpoint), "layer1*", *FAST],
        stdout=subprocess.DEVNULL,
        stderr=slave,
        stdin=subprocess.DEVNULL,
    )
    os.close(slave)
    shown = b""
    while True:
        try:
            part = os.read(master, 4096)
        except OSError:
            break
        if not part:
            break
        shown += part
    os.close(master)
    assert process.wait(timeout=120) == 0
    assert b"ETA 0:0" in shown
    assert b"11/11" in shown
    assert shown.endswith(b"\r\x1b[K")


def test_progress_is_for_terminals_only(checkpoint: Path) -> None:
    result = run_command("scan", checkpoint, "layer1*", *FAST)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (61.4, "1:01"), (3600, "1:00:00"), (59.6, "1:00")]
)
def test_times_as_text(seconds: float, text: str) -> None:
    assert time_text(seconds) == text


def test_a_scan_imports_no_framework(checkpoint: Path) -> None:
    code = (
        "import sys\nfrom tensorpeek.tui.command.main import cli\n"
        f"try:\n    cli(['scan', {str(checkpoint)!r}, 'layer11*'])\n"
        "except SystemExit:\n    pass\n"
        "print({'torch', 'onnx', 'textual', 'scipy'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.splitlines()[-1] == "set()"
