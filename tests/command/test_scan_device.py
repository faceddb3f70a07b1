"""``scan --device``: what it refuses, in one line, and that its results are kept apart."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from command.in_memory import Run, RunJson
from safetensors.numpy import save_file

from tensorpeek.analysis.devices import Device, DeviceError, open_device
from tensorpeek.analysis.result_cache import FOLDER_VARIABLE, result_keys
from tensorpeek.tui.command import scan_work

torch = pytest.importorskip("torch")

ROOT = Path(__file__).parents[2]
RNG = np.random.default_rng(59)

# The module of that name is hidden by the function that the package offers.
diagnosis_module = sys.modules["tensorpeek.analysis.diagnosis.diagnosis"]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    narrow = RNG.normal(size=(150, 200)).astype(np.float16)
    save_file({"a.weight": narrow, "b.weight": narrow[:90].astype(np.float32)}, path)
    return path


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The devices that were opened; torch's CPU takes the place of each GPU."""
    names: list[str] = []

    def instead(name: str) -> Device | None:
        names.append(name)
        return open_device("cpu" if name == "cpu" else "torch-cpu")

    for module in (diagnosis_module, scan_work):
        monkeypatch.setattr(module, "open_device", instead)
    monkeypatch.setattr(diagnosis_module, "WORTH_SENDING", 0)
    return names


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Results are kept, also those of files that were written a moment ago."""
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "results"))
    monkeypatch.setattr(result_keys, "SETTLED_NS", 0)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
@pytest.mark.parametrize("name", ["cuda", "cuda:1"])
def test_without_a_gpu_there_is_one_line_and_no_other_device(
    run: Run, model: Path, tmp_path: Path, name: str
) -> None:
    report = tmp_path / "report.json"
    result = run("scan", model, "--device", name, "--no-cache", "-o", report)
    assert result.exit_code == 2
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"tensorpeek: --device {name}: ")
    assert "CUDA" in line
    assert not report.exists()


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--device", "gpu"], "'gpu' is none of cpu, cuda and cuda:N"),
        (["--device", "torch-cpu"], "'torch-cpu' is none of cpu, cuda and cuda:N"),
        (["--device", "cuda", "--jobs", "2"], "it goes with neither --jobs nor --dask"),
        (["--device", "cuda:0", "--dask", "tcp://h:1"], "it goes with neither --jobs nor --dask"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_makes_no_sense_is_refused(
    run: Run, model: Path, words: list[str], reason: str
) -> None:
    result = run("scan", model, *words)
    assert result.exit_code == 2
    assert reason in result.stderr


@pytest.mark.usefixtures("opened")
def test_a_device_finds_what_the_cpu_finds(run_json: RunJson, model: Path) -> None:
    there = run_json("scan", model, "--device", "cuda:1", "--no-cache")
    here = run_json("scan", model, "--no-cache")
    assert (there["request"]["device"], here["request"]["device"]) == ("cuda", "cpu")
    pairs = zip(there["models"][0]["tensors"], here["models"][0]["tensors"], strict=True)
    for one, other in pairs:
        assert (one["spectral"]["device"], other["spectral"]["device"]) == ("torch-cpu", "cpu")
        assert one["spectral"]["condition"] == pytest.approx(other["spectral"]["condition"])
        for key in ("basic", "histogram", "sparsity", "severity", "absent"):
            assert one[key] == other[key]
        for grid, wanted in zip(
            one["quantization"]["grids"], other["quantization"]["grids"], strict=True
        ):
            assert grid == pytest.approx(wanted, rel=1e-9)


@pytest.mark.usefixtures("kept")
def test_results_of_devices_are_kept_apart(
    run_json: RunJson, model: Path, opened: list[str]
) -> None:
    there = run_json("scan", model, "--device", "cuda")
    assert set(opened) == {"cuda"}
    here = run_json("scan", model)
    assert here["models"][0]["tensors"][0]["spectral"]["device"] == "cpu"
    opened.clear()
    assert run_json("scan", model, "--device", "cuda") == there
    assert run_json("scan", model) == here
    assert opened == []


@pytest.mark.usefixtures("opened")
def test_a_journal_of_another_device_is_refused(run: Run, model: Path, tmp_path: Path) -> None:
    journal = tmp_path / "scan.journal"
    assert run("scan", model, "--device", "cuda", "--resume", journal).exit_code == 0
    refused = run("scan", model, "--resume", journal)
    assert refused.exit_code == 2
    assert "a scan with other options" in refused.stderr
    assert run("scan", model, "--device", "cuda:0", "--resume", journal).exit_code == 0


def test_a_device_that_fails_on_the_way_ends_the_scan_in_one_line(
    run: Run, model: Path, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise DeviceError("cuda:0 failed: CUDA error: unspecified launch failure")

    monkeypatch.setattr(diagnosis_module, "spectrum", fail)
    result = run("scan", model, "--device", "cuda", "--no-cache")
    assert result.exit_code == 2
    assert result.stderr.splitlines() == [
        "tensorpeek: --device cuda: cuda:0 failed: CUDA error: unspecified launch failure"
    ]


def test_a_scan_on_the_cpu_imports_no_torch() -> None:
    code = (
        "import sys\n"
        "from tensorpeek.tui.command.main import cli\n"
        "try:\n    cli(['scan', 'models/resnet8_int8.pt', '--no-cache'])\n"
        "except SystemExit as ended:\n    assert not ended.code, ended.code\n"
        "assert 'torch' not in sys.modules\n"
    )
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
