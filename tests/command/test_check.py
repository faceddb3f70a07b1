"""The command that checks models, on files that were written sick or healthy."""

from __future__ import annotations

import json
import os
import pickle
import pickletools
import signal
import subprocess
import time
import xml.etree.ElementTree as ET
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from command.in_memory import COMMAND, Run, run_command
from safetensors.numpy import save_file
from safetensors_files import entry, file_of, write_set

FORMS = ("text", "json", "junit", "sarif")
HEALTHY = np.random.default_rng(1).normal(size=(4, 6)).astype(np.float32)


@pytest.fixture
def healthy(tmp_path: Path) -> Path:
    path = tmp_path / "healthy.safetensors"
    save_file({"fc.weight": HEALTHY, "fc.bias": np.zeros(4, np.float32)}, path)
    return path


@pytest.fixture
def sick(tmp_path: Path) -> Path:
    values = HEALTHY.copy()
    values[0, 0] = np.nan
    dead = HEALTHY.copy()
    dead[2] = 0
    path = tmp_path / "sick.safetensors"
    save_file({"a.weight": values, "b.weight": dead, "c.weight": HEALTHY}, path)
    return path


def answer(run: Run, *words: object) -> tuple[int, Any]:
    result = run("check", *words, "--json")
    return result.exit_code, json.loads(result.stdout, parse_constant=pytest.fail)


def found(document: Any) -> list[tuple[str, str | None]]:  # noqa: ANN401
    return [(one["rule"], one["tensor"]) for one in document["findings"]]


def test_a_healthy_file(run: Run, healthy: Path) -> None:
    result = run("check", healthy)
    assert (result.exit_code, result.stdout) == (
        0,
        "2 tensors checked, 0 findings, 0 not checked\n",
    )
    code, document = answer(run, healthy)
    assert code == 0
    assert document["schema"] == "tensorpeek.check/1"
    assert document["findings"] == document["unchecked"] == document["errors"] == []
    (model,) = document["models"]
    assert model == {
        "path": str(healthy),
        "format": "safetensors",
        "tensors": 2,
        "checked": 2,
        "imports": [],
    }


def test_a_sick_file(run: Run, sick: Path) -> None:
    result = run("check", sick)
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        f"{sick}: a.weight: error: NaN in 1 of 24 values [nan]",
        f"{sick}: b.weight: warning: 1 of 4 channels is zero (axis 0): 2 [dead-channel]",
        "3 tensors checked, 2 findings, 0 not checked",
    ]
    code, document = answer(run, sick)
    assert code == 1
    assert found(document) == [("nan", "a.weight"), ("dead-channel", "b.weight")]
    assert document["counts"] == {
        "files": 1,
        "tensors": 3,
        "checked": 3,
        "unchecked": 0,
        "findings": 2,
        "errors": 1,
        "warnings": 1,
    }


def test_a_missing_shard(run: Run, tmp_path: Path) -> None:
    index = write_set(
        tmp_path, {"a.safetensors": {"x": [1]}, "b.safetensors": {"y": [2], "z": [3]}}
    )
    (tmp_path / "b.safetensors").unlink()
    code, document = answer(run, index)
    assert code == 1
    assert found(document) == [("missing-part", None)]
    assert [one["tensor"] for one in document["unchecked"]] == ["y", "z"]
    assert run("check", index).stdout.endswith("1 tensor checked, 1 finding, 2 not checked\n")


def test_overlapping_tensors(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "overlap.safetensors"
    header = {"x": entry("U8", [4], 0, 4), "y": entry("U8", [4], 2, 6)}
    path.write_bytes(file_of(header, bytes(6)))
    code, document = answer(run, path)
    assert code == 3
    assert found(document) == [("overlapping-data", None)]
    assert document["errors"][0]["path"] == str(path)


class Command:
    def __reduce__(self) -> tuple:
        import os

        return os.system, ("true",)


def test_a_pickle_that_names_a_dangerous_function(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "evil.pt"
    torch.save(
        {"fc.weight": torch.ones(2, 3).cumsum(0), "x": Command()}, path, pickle_module=pickle
    )
    code, document = answer(run, path)
    assert code == 1
    assert ("dangerous-global", None) in found(document)
    assert any("system" in one["message"] for one in document["findings"])
    imports = {one["name"]: one for one in document["models"][0]["imports"]}
    with zipfile.ZipFile(path) as archive:
        operations = list(pickletools.genops(archive.read("evil/data.pkl")))
    named = {found.replace(" ", ".") for code, found, _ in operations if code.name == "GLOBAL"}
    assert set(imports) == named
    assert [name for name in imports if imports[name]["dangerous"]] == [f"{os.name}.system"]
    assert imports[f"{os.name}.system"]["called"]


def test_strings_are_never_called_healthy(run: Run, shared_data: Path) -> None:
    path = shared_data / "formats" / "onnx" / "all_tensor_types.onnx"
    code, document = answer(run, path)
    assert code == 1
    assert len(document["unchecked"]) == 2
    assert all("string tensor" in one["reason"] for one in document["unchecked"])
    (model,) = document["models"]
    assert model["checked"] == model["tensors"] - 2


@pytest.mark.parametrize("form", FORMS)
def test_an_unreadable_file_does_not_stop_the_rest(
    run: Run, sick: Path, tmp_path: Path, form: str
) -> None:
    bad = tmp_path / "bad.pt"
    bad.write_bytes(b"hello")
    result = run("check", bad, tmp_path / "none.pt", sick, "--format", form)
    assert result.exit_code == 3
    for words in ("not a model file", "no such file", "NaN in 1 of 24 values"):
        assert words in result.stdout


def test_folders(run: Run, healthy: Path, sick: Path) -> None:
    _, document = answer(run, healthy.parent)
    assert [model["path"] for model in document["models"]] == [str(healthy), str(sick)]


def test_the_samples_are_healthy(run: Run, samples: Path) -> None:
    code, document = answer(run, samples)
    assert code == 0
    assert document["counts"]["checked"] == document["counts"]["tensors"] > 100


def test_junit(run: Run, sick: Path, tmp_path: Path) -> None:
    index = write_set(tmp_path, {"a.safetensors": {"x": [1]}, "gone.safetensors": {"y": [2]}})
    (tmp_path / "gone.safetensors").unlink()
    result = run("check", sick, index, "none.pt", "--format", "junit")
    root = ET.fromstring(result.stdout.encode())
    assert root.tag == "testsuites"
    suites = {suite.get("name"): suite for suite in root}
    assert set(suites) == {str(sick), str(index), "none.pt"}
    for suite in root:
        assert suite.tag == "testsuite"
        assert int(suite.get("tests", "")) == len(suite.findall("testcase"))
        assert int(suite.get("failures", "")) == len(suite.findall("testcase/failure"))
        assert int(suite.get("errors", "")) == len(suite.findall("testcase/error"))
    for count in ("tests", "failures", "errors"):
        assert int(root.get(count, "")) == sum(int(suite.get(count, "")) for suite in root)
    cases = {case.get("name"): case for case in suites[str(sick)]}
    assert list(cases) == ["file", "a.weight", "b.weight", "c.weight"]
    assert [len(case) for case in cases.values()] == [0, 1, 1, 0]
    assert cases["a.weight"][0].get("type") == "nan"
    gone = {case.get("name"): case for case in suites[str(index)]}
    assert gone["y"][0].tag == "error"
    assert gone["file"][0].tag == "failure"
    assert suites["none.pt"][0][0].tag == "error"


def test_sarif(run: Run, sick: Path, tmp_path: Path) -> None:
    result = run("check", sick, tmp_path / "none file.pt", "--format", "sarif")
    log = json.loads(result.stdout, parse_constant=pytest.fail)
    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("sarif-schema-2.1.0.json")
    (one,) = log["runs"]
    driver = one["tool"]["driver"]
    ids = [rule["id"] for rule in driver["rules"]]
    assert driver["name"] == "tensorpeek"
    assert len(set(ids)) == len(ids)
    for rule in driver["rules"]:
        assert rule["shortDescription"]["text"]
        assert rule["defaultConfiguration"]["level"] in {"error", "warning"}
    for found_one in one["results"]:
        assert ids[found_one["ruleIndex"]] == found_one["ruleId"]
        assert found_one["level"] in {"error", "warning"}
        assert found_one["message"]["text"]
        (location,) = found_one["locations"]
        uri = location["physicalLocation"]["artifactLocation"]["uri"]
        assert uri.startswith("file:///")
        assert " " not in uri
    assert [item["ruleId"] for item in one["results"]] == ["nan", "dead-channel", "damaged-file"]
    names = [item["locations"][0].get("logicalLocations") for item in one["results"]]
    assert names[0] == [{"fullyQualifiedName": "a.weight", "kind": "member"}]
    assert one["invocations"][0]["executionSuccessful"] is False
    assert (
        "none file.pt" in one["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"]
    )


HOSTILE = "a<b>&\"'[red]\x1b[31m\u202e]]>"


@pytest.mark.parametrize("form", FORMS)
def test_hostile_names_are_escaped(run: Run, tmp_path: Path, form: str) -> None:
    path = tmp_path / "hostile.safetensors"
    values = np.full((2, 3), np.nan, np.float32)
    save_file({f"{HOSTILE}.weight": values}, path)
    result = run("check", path, "--format", form)
    assert result.exit_code == 1
    assert "\x1b" not in result.stdout
    assert "\u202e" not in result.stdout
    if form == "junit":
        case = ET.fromstring(result.stdout.encode()).find("testsuite/testcase[2]")
        assert case is not None
        assert case.get("name", "").startswith("a<b>&\"'[red]\\x1b[31m\\u202e]]>")
    elif form != "text":
        json.loads(result.stdout)
    else:
        assert "[red]" in result.stdout


def test_a_path_that_is_no_unicode(tmp_path: Path) -> None:
    path = tmp_path / "a\udcff\x1b.safetensors"
    save_file({"w": HEALTHY * np.nan}, tmp_path / "x.safetensors")
    (tmp_path / "x.safetensors").rename(path)
    for form in FORMS:
        process = run_command("check", path, "--format", form)
        assert process.returncode == 1, process.stderr
        assert "Traceback" not in process.stderr
        assert "\x1b" not in process.stdout
        if form == "junit":
            ET.fromstring(process.stdout.encode())


def test_json_and_format_agree(run: Run, sick: Path) -> None:
    assert run("check", sick, "--json").stdout == run("check", sick, "--format", "json").stdout
    assert run("check").exit_code == 2
    assert run("check", sick, "--format", "yaml").exit_code == 2


def test_help_has_examples(run: Run) -> None:
    assert "Examples:\n    tensorpeek check" in run("check", "--help").output


def wait_until_open(process: subprocess.Popen[str], path: Path) -> None:
    """Wait until the process reads the file: by then it is past its imports."""
    files = Path(f"/proc/{process.pid}/fd")
    while process.poll() is None:
        with suppress(FileNotFoundError):  # closed while it was looked at
            if any(link.resolve() == path.resolve() for link in files.iterdir()):
                return
        time.sleep(0.01)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="no list of open files here")
def test_control_c_is_quiet(tmp_path: Path) -> None:
    path = tmp_path / "large.safetensors"
    header = file_of({"w.weight": entry("BF16", [1 << 15, 1 << 16], 0, 1 << 32)})
    with path.open("wb") as file:
        file.write(header)
        file.truncate(len(header) + (1 << 32))  # a hole: no disk, minutes of work
    process = subprocess.Popen(
        [COMMAND, "check", path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    wait_until_open(process, path)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=120)
    assert (process.returncode, stdout, stderr) == (130, "", "")
