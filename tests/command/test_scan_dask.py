"""A scan on a Dask cluster: a real scheduler and real workers, one of which is killed."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from command.in_memory import COMMAND, Run, run_command
from safetensors.numpy import save_file

pytest.importorskip("distributed")

PATIENCE = 120.0
"""Seconds to wait for processes to start on a busy machine."""

FAST = ("--metrics", "quantization", "--bits", "8", "--json")


def wait_until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(what)
        threading.Event().wait(0.05)


@dataclass
class RealCluster:
    """A scheduler on loopback with workers of one thread each, as processes."""

    folder: Path
    address: str = ""
    scheduler: subprocess.Popen[bytes] | None = None
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, workers: int) -> None:
        """Start everything; the scheduler notes its address in a file."""
        note = self.folder / "scheduler.json"
        words = ("dask", "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        self.scheduler = self._started(*words, "--no-show", "--scheduler-file", note)
        wait_until(lambda: note.exists() and bool(note.read_text()), "no scheduler")
        self.address = json.loads(note.read_text())["address"]
        for _ in range(workers):
            self.add_worker()

    def add_worker(self) -> subprocess.Popen[bytes]:
        """Start a worker and wait until the scheduler knows it."""
        words = ("dask", "worker", self.address, "--nthreads", "1", "--no-nanny")
        name = f"worker{len(self.workers)}"
        worker = self._started(
            *words, "--no-dashboard", "--memory-limit", "0", "--name", name,
            "--local-directory", self.folder / name,
        )  # fmt: skip
        self.workers.append(worker)
        log = self.folder / f"{len(self.workers)}.log"
        wait_until(lambda: "Registered to" in log.read_text(), f"{name} is not registered")
        return worker

    def stop(self) -> None:
        """Kill everything."""
        for process in (*self.workers, self.scheduler):
            if process is not None:
                process.kill()
                process.wait(timeout=PATIENCE)

    def _started(self, *words: object) -> subprocess.Popen[bytes]:
        count = len(self.workers) + (self.scheduler is not None)
        with (self.folder / f"{count}.log").open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-m", *map(str, words)],
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                cwd=self.folder,
            )


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[RealCluster]:
    made = RealCluster(tmp_path)
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file whose scan takes a second or more."""
    rng = np.random.default_rng(0)
    tensors = {
        f"layer{n}.weight": rng.normal(size=(256, 384)).astype(np.float32) for n in range(80)
    }
    path = tmp_path_factory.mktemp("scan") / "model.safetensors"
    save_file(tensors, path)
    return path


def noted(journal: Path) -> int:
    return journal.read_text().count("\n") - 1 if journal.exists() else 0


def test_a_worker_that_is_killed_costs_no_result(
    cluster: RealCluster, checkpoint: Path, tmp_path: Path
) -> None:
    cluster.start(workers=2)
    journal = tmp_path / "journal"
    words = ["scan", checkpoint, *FAST, "--dask", cluster.address, "--resume", journal]
    environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "TENSORPEEK_CACHE_DIR": ""}
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        [COMMAND, *map(str, words)], stdout=pipe, stderr=pipe, text=True, env=environment
    )
    try:
        wait_until(lambda: noted(journal) >= 3 or process.poll() is not None, "nothing is found")
        before = noted(journal)
        cluster.workers[0].send_signal(signal.SIGKILL)
        stdout, stderr = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
        process.wait(timeout=PATIENCE)
    assert (process.returncode, stderr) == (0, "")
    assert before < 80
    records = json.loads(stdout)["models"][0]["tensors"]
    alone = json.loads(run_command("scan", checkpoint, *FAST).stdout)["models"][0]["tensors"]
    assert records == alone
    assert len(records) == 80


def test_a_file_that_workers_cannot_see_is_told_for_each_tensor(
    cluster: RealCluster, checkpoint: Path, tmp_path: Path
) -> None:
    path = tmp_path / "model.safetensors"
    shutil.copy(checkpoint, path)
    cluster.start(workers=1)

    code = (
        "import sys\nfrom pathlib import Path\n"
        "import tensorpeek.tui.command.scan_work as work\n"
        "from tensorpeek.tui.command.main import main\n"
        "really = work.scan\n"
        "def scan(*args, **kwargs):\n"
        f"    Path({str(path)!r}).unlink(missing_ok=True)\n"
        "    return really(*args, **kwargs)\n"
        "work.scan = scan\n"
        f"sys.argv = ['tensorpeek', 'scan', {str(path)!r}, 'layer1*', '--json',"
        f" '--dask', {cluster.address!r}]\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert done.returncode == 3, done.stderr
    records = json.loads(done.stdout)["models"][0]["tensors"]
    assert [record["error"] for record in records] == ["no such file"] * 11
    assert {record["severity"] for record in records} == {None}
    assert done.stderr.count("no such file") == 11


def test_a_cluster_that_goes_away_is_told_for_each_tensor_that_is_missing(
    cluster: RealCluster, checkpoint: Path, tmp_path: Path
) -> None:
    cluster.start(workers=1)
    journal = tmp_path / "journal"
    words = ["scan", checkpoint, *FAST, "--dask", cluster.address, "--resume", journal]
    environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "TENSORPEEK_CACHE_DIR": ""}
    environment["DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT"] = "1s"
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        [COMMAND, *map(str, words)], stdout=pipe, stderr=pipe, text=True, env=environment
    )
    try:
        wait_until(lambda: noted(journal) >= 3 or process.poll() is not None, "nothing is found")
        cluster.stop()
        stdout, stderr = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
        process.wait(timeout=PATIENCE)
    assert "Traceback" not in stderr
    records = json.loads(stdout)["models"][0]["tensors"]
    assert len(records) == 80
    done = [record for record in records if record["error"] is None]
    lost = [record for record in records if record["error"] is not None]
    assert all(record["error"].startswith("not measured: ") for record in lost)
    assert {record["severity"] for record in lost} <= {None}
    assert len(done) == noted(journal) >= 3
    assert process.returncode == (3 if lost else 0)


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}"


def closed_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"tcp://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    from tensorpeek.analysis.diagnosis import dask_cluster

    function = dask_cluster.dask_cluster
    monkeypatch.setattr(dask_cluster, "dask_cluster", lambda address: function(address, timeout=1))


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    "address",
    [closed_port(), "nonsense", "carrier-pigeon://x:1", ""],
    ids=["a closed port", "no address", "an unknown protocol", "nothing"],
)
def test_a_scheduler_that_does_not_answer_is_one_line(
    run: Run, samples: Path, address: str
) -> None:
    result = run("scan", samples / "resnet8.pt", "--dask", address)
    assert result.exit_code == 3
    assert result.stderr == f"tensorpeek: --dask: no Dask scheduler answers at '{address}'\n"
    assert result.stdout == ""


@pytest.mark.usefixtures("impatient")
def test_something_that_is_no_scheduler_is_one_line(run: Run, samples: Path, silent: str) -> None:
    result = run("scan", samples / "resnet8.pt", "--dask", silent)
    assert result.exit_code == 3
    assert result.stderr.count("\n") == 1


@pytest.mark.usefixtures("impatient")
def test_a_cluster_without_workers_is_one_line(
    run: Run, samples: Path, cluster: RealCluster
) -> None:
    cluster.start(workers=0)
    result = run("scan", samples / "resnet8.pt", "--dask", cluster.address)
    assert result.exit_code == 3
    assert result.stderr.endswith("has no workers\n")
    assert result.stderr.count("\n") == 1


def test_a_missing_extra_is_named(run: Run, samples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    result = run("scan", samples / "resnet8.pt", "--dask", "tcp://127.0.0.1:8786")
    assert result.exit_code == 3
    assert "pip install 'tensorpeek[dask]'" in result.stderr


def test_jobs_and_a_cluster_exclude_one_another(run: Run, samples: Path) -> None:
    result = run("scan", samples / "resnet8.pt", "--dask", "tcp://127.0.0.1:1", "--jobs", "2")
    assert result.exit_code == 2
    assert "give one of them" in result.stderr
