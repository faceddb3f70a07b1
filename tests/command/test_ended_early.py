"""What ends a command before its time: readers that leave, closed and full streams, signals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from command.in_memory import COMMAND, Put, Run, make_tensor, run_command
from safetensors.numpy import save_file

from tensorpeek.tui.command.atomic_write import atomic_write_bytes, remove_unfinished
from tensorpeek.tui.command.exit_codes import ExitCode
from tensorpeek.tui.command.termination import Termination

PLAIN = {
    "PATH": "/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "TENSORPEEK_CACHE_DIR": "",
    "TENSORPEEK_CONFIG": os.devnull,
}

PRINTING = [
    pytest.param(("stats", "MODEL"), id="a table"),
    pytest.param(("ls", "MODEL", "--json"), id="JSON"),
    pytest.param(("scan", "MODEL"), id="a scan"),
    pytest.param(("config",), id="the settings"),
    pytest.param(("--version",), id="the version"),
    pytest.param(("--help",), id="the help"),
]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    save_file({"fc.weight": np.arange(12, dtype=np.float32).reshape(3, 4)}, path)
    return path


def words_for(model: Path, words: tuple[str, ...]) -> list[str]:
    return [COMMAND, *(str(model) if word == "MODEL" else word for word in words)]


@pytest.mark.parametrize("words", PRINTING)
def test_a_reader_that_went_away_is_no_finding(model: Path, words: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        process = subprocess.run(
            words_for(model, words),
            stdout=writing,
            stderr=subprocess.PIPE,
            env=PLAIN,
            check=False,
            timeout=120,
        )
    finally:
        os.close(writing)
    assert process.returncode == ExitCode.BROKEN_PIPE
    assert process.stderr == b""


@pytest.mark.parametrize("words", PRINTING)
def test_a_full_device_is_one_line(model: Path, words: tuple[str, ...]) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("there is no /dev/full")
    with full.open("wb") as stdout:
        process = subprocess.run(
            words_for(model, words),
            stdout=stdout,
            stderr=subprocess.PIPE,
            env=PLAIN,
            check=False,
            timeout=120,
        )
    assert process.returncode == ExitCode.UNREADABLE
    assert process.stderr == b"tensorpeek: no space left on device\n"


@pytest.mark.parametrize("words", PRINTING)
def test_a_closed_stdout_is_like_dev_null(model: Path, words: tuple[str, ...]) -> None:
    process = subprocess.run(
        ["/bin/sh", "-c", 'exec "$@" >&-', "sh", *words_for(model, words)],
        stderr=subprocess.PIPE,
        env=PLAIN,
        check=False,
        timeout=120,
    )
    assert (process.returncode, process.stderr) == (0, b"")


def test_complaints_do_not_go_to_stdout_where_stderr_is_closed(model: Path) -> None:
    words = [COMMAND, "ls", "--json", str(model), str(model.with_name("absent.pt"))]
    process = subprocess.run(
        ["/bin/sh", "-c", 'exec "$@" 2>&-', "sh", *words],
        stdout=subprocess.PIPE,
        env=PLAIN,
        check=False,
        timeout=120,
    )
    assert process.returncode == ExitCode.UNREADABLE
    assert json.loads(process.stdout)["errors"][0]["reason"] == "no such file"


SCAN_UNTIL_TOLD = """
import os, signal, sys
signal.signal(int(os.environ["ENDED_BY"]), signal.SIG_DFL)  # ignored where nohup runs the tests
import tensorpeek.analysis.diagnosis.scan
from tensorpeek.tui.command.main import main

scanning = sys.modules["tensorpeek.analysis.diagnosis.scan"]
really = scanning.diagnose

def diagnose(tensor, request, **how):
    if tensor.name == "b.weight":
        os.kill(os.getpid(), int(os.environ["ENDED_BY"]))
    return really(tensor, request, **how)

scanning.diagnose = diagnose
main()
"""


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGTERM, ExitCode.TERMINATED), (signal.SIGHUP, ExitCode.HUNG_UP)],
    ids=["SIGTERM", "SIGHUP"],
)
def test_a_signal_to_end_writes_what_a_scan_has_measured(
    number: signal.Signals, code: ExitCode, tmp_path: Path
) -> None:
    path, report = tmp_path / "model.safetensors", tmp_path / "report.json"
    large, small = np.ones((8, 8), np.float32), np.ones((2, 2), np.float32)
    save_file({"a.weight": large, "b.weight": small}, path)
    process = subprocess.run(
        [sys.executable, "-c", SCAN_UNTIL_TOLD, "scan", path, "--json", "-o", report],
        capture_output=True,
        env={**PLAIN, "ENDED_BY": str(int(number))},
        check=False,
        timeout=120,
    )
    assert process.returncode == code, process.stderr.decode()
    assert process.stderr == b""
    for document in (json.loads(process.stdout), json.loads(report.read_text())):
        assert document["interrupted"] is True
        (model,) = document["models"]
        assert [tensor["name"] for tensor in model["tensors"]] == ["a.weight"]
    assert sorted(tmp_path.iterdir()) == [path, report]


INTERRUPTED_WHILE_IMPORTING = """
import os, signal, sys

class Interrupting:
    def find_spec(self, name, path, target=None):
        if name == "tensorpeek.tui.command.main":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupting())
from tensorpeek.tui.command.entry import main
main()
"""


def test_ctrl_c_while_modules_are_imported_leaves_no_traceback() -> None:
    words = [sys.executable, "-c", INTERRUPTED_WHILE_IMPORTING, "--version"]
    process = subprocess.run(words, capture_output=True, env=PLAIN, check=False, timeout=120)
    assert (process.returncode, process.stdout, process.stderr) == (-signal.SIGINT, b"", b"")


def test_what_is_being_written_is_removed_before_a_sudden_end(tmp_path: Path) -> None:
    writing = atomic_write_bytes(tmp_path / "x.npy")
    writing.__enter__().write(b"half")
    assert len(list(tmp_path.iterdir())) == 1
    remove_unfinished()
    assert not list(tmp_path.iterdir())
    with pytest.raises(FileNotFoundError):
        writing.__exit__(None, None, None)
    assert not list(tmp_path.iterdir())


def test_sigterm_is_taken_for_a_while_and_only_where_nobody_has_it() -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with Termination():
            assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        with pytest.raises(KeyboardInterrupt), Termination() as termination:
            os.kill(os.getpid(), signal.SIGTERM)
        assert termination.signal == signal.SIGTERM
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_report_that_cannot_be_written_costs_no_results(
    run: Run, put: Put, tmp_path: Path
) -> None:
    path = put(make_tensor("fc.weight", np.arange(12, dtype=np.float32).reshape(3, 4)))
    report = tmp_path / ("long" * 70 + ".json")
    result = run("scan", path, "--no-cache", "-o", report)
    assert result.exit_code == ExitCode.UNREADABLE
    assert "fc.weight" in result.stdout
    assert result.stderr == f"tensorpeek: {report}: file name too long\n"


def test_a_journal_that_cannot_be_written_costs_no_results(model: Path, tmp_path: Path) -> None:
    journal = tmp_path / "full.journal"
    journal.symlink_to("/dev/full")
    result = run_command("scan", model, "--json", "--resume", journal)
    assert (result.returncode, "not a regular file" in result.stderr) == (ExitCode.USAGE, True)
    limited = 'ulimit -f 1; exec "$@"'
    journal.unlink()
    process = subprocess.run(
        ["/bin/sh", "-c", limited, "sh", COMMAND, "scan", model, "--json", "--resume", journal],
        capture_output=True,
        env=PLAIN,
        check=False,
        timeout=120,
    )
    assert process.returncode == 0
    assert process.stderr.decode() == f"tensorpeek: {journal}: no more is noted: file too large\n"
    assert json.loads(process.stdout)["models"][0]["tensors"][0]["name"] == "fc.weight"


def test_a_journal_is_never_a_fifo(model: Path, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    result = run_command("scan", model, "--resume", fifo)
    assert result.returncode == ExitCode.USAGE
    assert f"{fifo}: not a regular file" in result.stderr


def test_a_report_never_replaces_what_is_read(model: Path, tmp_path: Path) -> None:
    link = tmp_path / "report.json"
    link.symlink_to(model)
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"fc.weight": model.name}}))
    contents = {path: path.read_bytes() for path in (model, index)}
    for read, written in ((model, link), (index, index)):
        result = run_command("scan", read, "-o", written)
        assert result.returncode == ExitCode.USAGE
        assert "is a file of the model, not a report" in result.stderr
    journal = tmp_path / "scan.json"
    result = run_command("scan", model, "-o", journal, "--resume", journal)
    assert result.returncode == ExitCode.USAGE
    assert not journal.exists()
    assert {path: path.read_bytes() for path in contents} == contents
