"""What judges a scan by default, and which matrix a spectrum is of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from command.in_memory import Put, Run, RunJson, make_tensor

from tensorpeek.tui.settings.settings_file import LARGEST, PLACE_VARIABLE

RNG = np.random.default_rng(43)
WEIGHT = RNG.normal(0.01, 0.3, (20, 30)).astype(np.float32)


def only(document: dict) -> dict:
    (model,) = document["models"]
    (tensor,) = model["tensors"]
    return tensor


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the user's settings file is looked for."""
    monkeypatch.setenv(PLACE_VARIABLE, str(tmp_path / "settings.toml"))
    return tmp_path / "settings.toml"


def test_the_users_settings_judge_unless_a_config_is_given(
    run_json: RunJson, put: Put, settings: Path, tmp_path: Path
) -> None:
    path, config = put(make_tensor("a.weight", WEIGHT)), tmp_path / "limits.toml"
    assert only(run_json("scan", path))["severity"] == "Excellent"
    settings.write_text("[thresholds]\nsqnr_db = [90, 80]\n")
    document = run_json("scan", path)
    assert document["request"]["thresholds"]["sqnr_db"] == [90, 80]
    assert only(document)["severity"] == "Warning"
    config.write_text("[thresholds]\nsqnr_db = [90, 10]\n")
    assert only(run_json("scan", path, "--config", config))["severity"] == "Good"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"[thresholds]\nsqnr_db = [30, 40]\n", "the numbers of 'sqnr_db' do not fall"),
        (b"[thresholds\n", "not a TOML document"),
        (b"\xff\xfe", "can't decode"),
        (b"#" * (LARGEST + 1), "too large"),
        (None, "is a directory"),
    ],
    ids=["limits in the wrong order", "broken TOML", "no UTF-8", "too large", "a folder"],
)
def test_settings_that_are_wrong_are_one_line(
    run: Run, put: Put, settings: Path, content: bytes | None, reason: str
) -> None:
    settings.mkdir() if content is None else settings.write_bytes(content)
    result = run("scan", put(make_tensor("a.weight", WEIGHT)))
    assert (result.exit_code, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"tensorpeek: scan: {settings}: ")
    assert reason in line


@pytest.mark.parametrize("axis", [0, 1, 3, -2, 4, None])
def test_rows_of_a_convolution_are_along_the_axis_asked_for(
    run_json: RunJson, put: Put, axis: int | None
) -> None:
    values = RNG.normal(size=(6, 5, 3, 2)).astype(np.float32)
    path = put(make_tensor("conv.weight", values), make_tensor("fc.weight", WEIGHT))
    words = ("scan", path, "--metrics", "spectral")
    document = run_json(*words, *(() if axis is None else ("--conv-axis", axis)))
    assert document["request"]["conv_axis"] == axis
    conv, dense = document["models"][0]["tensors"]
    assert dense["spectral"]["condition"] == pytest.approx(np.linalg.cond(WEIGHT.astype(float)))
    if axis == 4:
        assert (conv["spectral"], conv["absent"]["spectral"]) == (None, "has no axis 4")
        return
    matrix = np.moveaxis(values.astype(float), axis or 0, 0)
    matrix = matrix.reshape(matrix.shape[0], -1)
    found = conv["spectral"]
    assert (found["rows"], found["columns"]) == matrix.shape
    assert found["condition"] == pytest.approx(np.linalg.cond(matrix))
    assert found["nuclear_norm"] == pytest.approx(np.linalg.norm(matrix, "nuc"))


def test_figures_are_judged_by_the_same_settings(
    run: Run, put: Put, settings: Path, tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib")
    path = put(make_tensor("a.weight", WEIGHT))
    words = ("plot", "dashboard", path, "--no-cache", "-o", tmp_path / "dashboard.svg")
    settings.write_text("[thresholds]\nsqnr_db = [30, 40]\n")
    refused = run(*words)
    assert refused.exit_code == 2
    reason = "the numbers of 'sqnr_db' do not fall"
    assert refused.stderr == f"tensorpeek: dashboard: {settings}: {reason}\n"
    settings.write_text("[thresholds]\nsqnr_db = [90, 80]\n")
    assert run(*words).exit_code == 0
    assert "dB" in (tmp_path / "dashboard.svg").read_text()
