"""Printed statistics against NumPy and against the published tables of real files."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from command.in_memory import Put, Run, RunJson, make_tensor, per_channel, per_tensor

RNG = np.random.default_rng(7)
WEIGHT = RNG.normal(0.01, 0.3, (8, 4, 3)).astype(np.float32)
CODES = RNG.integers(-128, 128, (4, 50)).astype(np.int8)
SCALES = np.array([0.5, 0.25, 0.125, 1.0])


def only(document: dict) -> dict:
    (model,) = document["models"]
    (tensor,) = model["tensors"]
    return tensor


def test_json_of_a_float_tensor_agrees_with_numpy(run_json: RunJson, put: Put) -> None:
    path = put(make_tensor("fc.weight", WEIGHT))
    document = run_json("stats", path)
    assert document["schema"] == "tensorpeek.stats/1"
    values = WEIGHT.astype(np.float64)
    tensor = only(document)
    assert tensor.pop("mean") == pytest.approx(values.mean(), rel=1e-12)
    assert tensor.pop("std") == pytest.approx(values.std(), rel=1e-12)
    assert tensor == {
        "name": "fc.weight",
        "layer": "fc",
        "role": "weight",
        "dtype": "float32",
        "shape": [8, 4, 3],
        "params": 96,
        "view": "dequantized",
        "min": values.min(),
        "max": values.max(),
        "zeros": 0,
        "nan": 0,
        "inf": 0,
        "quantization": None,
        "error": None,
    }


@pytest.mark.parametrize("view", ["dequantized", "raw"])
def test_json_of_a_quantized_tensor_agrees_with_numpy(
    run_json: RunJson, put: Put, view: str
) -> None:
    path = put(make_tensor("q.weight", CODES, quantization=per_channel(SCALES)))
    tensor = only(run_json("stats", path, "--view", view))
    floats = CODES * SCALES[:, None]
    values = (floats if view == "dequantized" else CODES).astype(np.float64)
    assert tensor["view"] == view
    assert (tensor["min"], tensor["max"]) == (values.min(), values.max())
    assert tensor["mean"] == pytest.approx(values.mean(), rel=1e-12)
    assert tensor["std"] == pytest.approx(values.std(), rel=1e-12)
    assert tensor["zeros"] == (CODES == 0).sum()
    assert tensor["quantization"] == {
        "scheme": "per-channel",
        "source": "torch qint8",
        "bits": 8,
        "axis": 0,
        "scale": SCALES.mean(),
        "zero_point": 0.0,
        "raw_min": CODES.min(),
        "raw_max": CODES.max(),
    }


def test_json_counts_what_is_not_finite(run_json: RunJson, put: Put) -> None:
    values = np.array([np.nan, np.inf, -np.inf, 0, 1, 0], np.float32)
    tensor = only(run_json("stats", put(make_tensor("a.weight", values))))
    assert (tensor["nan"], tensor["inf"], tensor["zeros"]) == (1, 2, 2)
    assert (tensor["min"], tensor["max"]) == (0, 1)
    assert tensor["error"] is None


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        pytest.param(np.empty((0, 3), np.float32), "empty: no values", id="an empty tensor"),
        pytest.param(np.full(3, np.nan), "no finite values", id="nothing but NaN"),
    ],
)
def test_json_says_why_measures_are_absent(
    run_json: RunJson, put: Put, values: np.ndarray, reason: str
) -> None:
    tensor = only(run_json("stats", put(make_tensor("a.weight", values))))
    assert [tensor[name] for name in ("min", "max", "mean", "std")] == [None] * 4
    assert tensor["error"] == reason


def test_a_tensor_that_cannot_be_read_does_not_spoil_the_rest(run: Run, put: Put) -> None:
    damaged = make_tensor("b.weight", WEIGHT, error="reaches past its storage")
    path = put(damaged, make_tensor("a.weight", WEIGHT))
    for extra in ([], ["--json"]):
        result = run("stats", path, *extra)
        assert result.exit_code == 3
        assert "reaches past its storage" in result.stdout
        assert f"tensorpeek: {path}: b.weight: reaches past its storage" in result.stderr
        assert str(WEIGHT.shape[0]) in result.stdout


def test_text_leaves_bookkeeping_out_unless_asked(run: Run, run_json: RunJson, put: Put) -> None:
    path = put(
        make_tensor("bn.weight", WEIGHT),
        make_tensor("bn.running_mean", WEIGHT),
        make_tensor("bn.scale", WEIGHT, role="output scale"),
    )
    assert "running_mean" not in run("stats", path).stdout
    assert "running_mean" not in run("stats", path, "bn*").stdout
    assert "running_mean" in run("stats", path, "--all").stdout
    assert "running_mean" in run("stats", path, "*mean").stdout
    assert len(run_json("stats", path)["models"][0]["tensors"]) == 3


def test_text_is_loud_about_nan(run: Run, put: Put) -> None:
    healthy = run("stats", put(make_tensor("a.weight", WEIGHT))).stdout
    sick = run("stats", put(make_tensor("a.weight", np.array([np.nan, 1.0])))).stdout
    assert "NaN" not in healthy
    assert "NaN" in sick


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (-0.00049, "-0.0005"),
        (1e-9, "1.000e-09"),
        (123456.0, "1.235e+05"),
        (0.0, "0.0000"),
        (12.34567, "12.3457"),
    ],
)
def test_numbers_stay_readable(run: Run, put: Put, value: float, shown: str) -> None:
    stdout = run("stats", put(make_tensor("a.weight", np.array([value])))).stdout
    row = next(line for line in stdout.splitlines() if line.startswith("a "))
    assert shown in row.split()


def test_integers_stay_exact(run: Run, put: Put) -> None:
    stdout = run("stats", put(make_tensor("a.weight", np.array([2**53 + 1, 3])))).stdout
    assert "9,007,199,254,740,993" in stdout


def test_quantized_table_of_a_zero_point(run: Run, put: Put) -> None:
    codes = np.array([[3, 13]], np.uint8)
    stdout = run(
        "stats", put(make_tensor("q.weight", codes, quantization=per_tensor(0.5, 3)))
    ).stdout
    assert "uint8 range" in stdout
    assert re.search(r"\(1, 2\) +0\.500000 +3 +\[3, 13\] +\[0\.0000, 5\.0000\]", stdout)


def test_several_files_in_one_answer(run_json: RunJson, put: Put) -> None:
    first = put(make_tensor("a.weight", WEIGHT), name="a.pt")
    second = put(make_tensor("b.weight", WEIGHT), name="b.pt")
    document = run_json("stats", first, second, "*weight")
    assert [model["path"] for model in document["models"]] == [str(first), str(second)]


def published(shared_data: Path, heading: str) -> list[list[str]]:
    """Return the rows of a table of the README that stands beside the real files."""
    text = (shared_data / "README.md").read_text()
    table = text[text.index(heading) :].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in table]


def words(stdout: str) -> list[str]:
    """Return the printed rows with one blank between columns, without prefixes of layers."""
    return [re.sub(r" {2,}", " | ", line.strip()) for line in stdout.splitlines()]


def test_float_table_of_a_real_file(run: Run, shared_data: Path) -> None:
    result = run("stats", shared_data / "seed" / "resnet8.pt")
    assert result.exit_code == 0
    rows = [row.removeprefix("model_1/") for row in words(result.stdout)]
    for layer, *cells in published(shared_data, "| FP32 layer"):
        wanted = " | ".join([layer, *cells])
        assert any(row.startswith(wanted) for row in rows), wanted


def test_int8_table_of_a_real_file(run: Run, shared_data: Path) -> None:
    result = run("stats", shared_data / "seed" / "resnet8_int8.pt")
    assert result.exit_code == 0
    rows = [row.removeprefix("model_1/") for row in words(result.stdout)]
    assert any(row.startswith("Layer | Shape | Scale | ZP | int8 range") for row in rows)
    for layer, *cells in published(shared_data, "| INT8 layer"):
        wanted = " | ".join([layer, *cells])
        assert any(row.startswith(wanted) for row in rows), wanted
