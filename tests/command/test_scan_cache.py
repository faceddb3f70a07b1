"""A second scan of the same bytes costs nothing, and never shows what is no longer so."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from command.in_memory import Put, Run, RunJson, make_tensor, run_command
from safetensors.numpy import save_file

from tensorpeek.analysis.diagnosis import Diagnosis, Request
from tensorpeek.analysis.result_cache import FOLDER_VARIABLE, result_keys
from tensorpeek.loaders import Tensor

RNG = np.random.default_rng(43)
WEIGHT = RNG.normal(0.01, 0.3, (20, 30)).astype(np.float32)
SINGULAR = np.outer(np.arange(9.0), np.arange(9.0))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for results, which trusts files that were written a moment ago."""
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "results"))
    monkeypatch.setattr(result_keys, "SETTLED_NS", 0)
    return tmp_path / "results"


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the tensors that are measured, as they are."""
    names: list[str] = []
    module = sys.modules["tensorpeek.analysis.diagnosis.scan"]
    really = module.diagnose

    def noted(tensor: Tensor, request: Request) -> Diagnosis:
        names.append(tensor.name)
        return really(tensor, request)

    monkeypatch.setattr(module, "diagnose", noted)
    return names


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    save_file({"a.weight": WEIGHT, "b.weight": 2 * WEIGHT, "c.weight": SINGULAR}, path)
    return path


@pytest.mark.usefixtures("folder")
def test_the_second_scan_measures_nothing_and_says_the_same(
    run_json: RunJson, run: Run, model: Path, measured: list[str]
) -> None:
    first = run_json("scan", model)
    assert sorted(measured) == ["a.weight", "b.weight", "c.weight"]
    conditions = [record["spectral"]["condition"] for record in first["models"][0]["tensors"]]
    assert conditions.count("Infinity") == 1
    texts = [run("scan", model, *words).stdout for words in ([], ["--no-cache"])]
    assert texts[0] == texts[1]
    assert len(measured) == 6
    assert run_json("scan", model) == first
    assert len(measured) == 6


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    "words",
    [["--view", "raw"], ["--bits", "4"], ["--metrics", "basic"], ["--huge"], ["--no-cache"]],
    ids=" ".join,
)
def test_other_options_are_measured_anew(
    run_json: RunJson, model: Path, measured: list[str], words: list[str]
) -> None:
    run_json("scan", model)
    run_json("scan", model, *words)
    assert len(measured) == 6


@pytest.mark.usefixtures("folder")
def test_thresholds_are_part_of_what_is_kept(
    run_json: RunJson, model: Path, tmp_path: Path
) -> None:
    config = tmp_path / "limits.toml"
    config.write_text("[thresholds]\nsqnr_db = [90, 80]\n")
    mild, strict = run_json("scan", model), run_json("scan", model, "--config", config)
    reasons = [document["models"][0]["tensors"][1]["reasons"] for document in (mild, strict)]
    assert ["SQNR" in " ".join(one) for one in reasons] == [False, True]


@pytest.mark.usefixtures("folder")
def test_only_the_tensors_that_are_new_are_measured(
    run_json: RunJson, model: Path, measured: list[str]
) -> None:
    run_json("scan", model, "a.weight")
    run_json("scan", model)
    assert measured == ["a.weight", "b.weight", "c.weight"]


@pytest.mark.usefixtures("folder")
def test_a_file_that_was_rewritten_is_measured_anew(
    run_json: RunJson, model: Path, measured: list[str]
) -> None:
    run_json("scan", model)
    before, status = model.read_bytes(), model.stat()
    while model.stat().st_mtime_ns == status.st_mtime_ns:  # in place, of the same size
        model.write_bytes(before[:-1200] + np.full(300, 9, np.float32).tobytes())
    assert model.stat().st_ino == status.st_ino
    again = run_json("scan", model)
    assert len(measured) == 6
    assert 9 in [record["basic"]["max"] for record in again["models"][0]["tensors"]]


def test_no_cache_and_an_empty_variable_leave_no_trace(
    run: Run, model: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("scan", model, "--no-cache").exit_code == 0
    monkeypatch.setenv(FOLDER_VARIABLE, "")
    assert run("scan", model).exit_code == 0
    assert not folder.exists()
    assert "no results are kept" in run("cache").stdout


@pytest.mark.usefixtures("folder")
def test_what_could_not_be_read_is_tried_again(run: Run, put: Put, measured: list[str]) -> None:
    path = put(make_tensor("a.weight", WEIGHT, error="reaches past its storage"))
    for _ in range(2):
        assert run("scan", path).exit_code == 3
    assert len(measured) == 2


@pytest.mark.usefixtures("folder")
def test_what_there_was_no_memory_for_is_tried_again(
    run_json: RunJson, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = sys.modules["tensorpeek.analysis.diagnosis.scan"]
    really = module.diagnose
    lack = {"spectral": "not enough memory for its spectrum"}

    def starved(tensor: Tensor, request: Request) -> Diagnosis:
        return dataclasses.replace(really(tensor, request), spectrum=None, absent=lack)

    with monkeypatch.context() as patch:
        patch.setattr(module, "diagnose", starved)
        assert run_json("scan", model)["models"][0]["tensors"][0]["absent"] == lack
    assert run_json("scan", model)["models"][0]["tensors"][0]["absent"] == {}


def test_a_useless_folder_costs_one_line(run: Run, model: Path, folder: Path) -> None:
    folder.write_text("in the way")
    result = run("scan", model)
    assert result.exit_code == 0
    assert result.stderr.count("\n") == 1
    assert "no results are kept" in result.stderr
    assert run("cache").exit_code == 3


@pytest.mark.usefixtures("folder")
def test_the_journal_also_gets_what_the_cache_knew(
    run_json: RunJson, model: Path, tmp_path: Path, measured: list[str]
) -> None:
    journal = tmp_path / "journal"
    whole = run_json("scan", model)
    assert run_json("scan", model, "--resume", journal) == whole
    assert len(journal.read_text().splitlines()) == 4
    assert run_json("scan", model, "--resume", journal, "--no-cache") == whole
    assert len(measured) == 3


def test_the_cache_command(run: Run, run_json: RunJson, model: Path, folder: Path) -> None:
    assert run_json("cache") == {
        "schema": "tensorpeek.cache/1", "folder": str(folder), "entries": 0, "nbytes": 0,
    }  # fmt: skip
    assert not folder.exists()
    run("scan", model)
    facts = run_json("cache")
    assert facts["entries"] == 3
    assert facts["nbytes"] > 4096
    text = run("cache").stdout
    assert text.startswith(f"{folder}\n3 results, ")
    assert run("cache", "--clear").stdout.splitlines()[1].startswith("0 results, ")
    assert run_json("cache")["entries"] == 0


def test_a_scan_that_is_interrupted_has_kept_what_was_done(
    run: Run, run_json: RunJson, model: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = sys.modules["tensorpeek.analysis.diagnosis.scan"]
    really, done = module.diagnose, []

    def interrupted(tensor: Tensor, request: Request) -> Diagnosis:
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(tensor.name)
        return really(tensor, request)

    with monkeypatch.context() as patch:
        patch.setattr(module, "diagnose", interrupted)
        assert run("scan", model).exit_code == 130
    assert run_json("cache")["entries"] == 2


def wait_until_settled(path: Path) -> None:
    """Wait until results of a file may be kept."""
    while time.time_ns() - path.stat().st_ctime_ns < result_keys.SETTLED_NS:
        threading.Event().wait(0.05)


def test_processes_of_the_command_share_what_they_found(model: Path, tmp_path: Path) -> None:
    wait_until_settled(model)
    environment = {FOLDER_VARIABLE: str(tmp_path / "results")}
    words = ("scan", model, "--json", "--metrics", "basic")
    first = run_command(*words, "--jobs", 2, environment=environment)
    entries = json.loads(run_command("cache", "--json", environment=environment).stdout)
    assert entries["entries"] == 3
    second = run_command(*words, environment=environment)
    assert (first.returncode, first.stderr, second.stderr) == (0, "", "")
    assert first.stdout == second.stdout


def test_a_file_that_was_just_written_is_not_kept(model: Path, tmp_path: Path) -> None:
    later = time.time_ns() + 10**9
    environment = {FOLDER_VARIABLE: str(tmp_path / "results")}
    os.utime(model, ns=(later, later))
    run_command("scan", model, "--metrics", "basic", environment=environment)
    shown = json.loads(run_command("cache", "--json", environment=environment).stdout)
    if time.time_ns() - model.stat().st_ctime_ns < result_keys.SETTLED_NS:
        assert shown["entries"] == 0
