"""Printed histograms against NumPy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from command.in_memory import Put, Run, RunJson, make_tensor, per_tensor

VALUES = np.random.default_rng(3).normal(0, 0.2, 1000).astype(np.float32)


@pytest.fixture
def path(put: Put) -> Path:
    return put(make_tensor("fc.weight", VALUES), make_tensor("fc.bias", VALUES[:9]))


def only(document: dict) -> dict:
    (tensor,) = document["models"][0]["tensors"]
    return tensor


def test_json_agrees_with_numpy(run_json: RunJson, path: Path) -> None:
    document = run_json("hist", path, "--bins", 20, "--range", -0.1, 0.25)
    tensor = only(document)
    counts, edges = np.histogram(VALUES.astype(np.float64), 20)
    assert document["schema"] == "tensorpeek.hist/1"
    assert tensor["name"] == "fc.weight"
    assert tensor["counts"] == counts.tolist()
    assert tensor["edges"] == pytest.approx(edges.tolist())
    assert tensor["percent"] == pytest.approx((counts / 10).tolist())
    assert tensor["cumulative_percent"][-1] == pytest.approx(100)
    inside = (VALUES >= -0.1) & (VALUES <= 0.25)
    assert tensor["selected"] == np.histogram(VALUES[inside].astype(np.float64), edges)[0].tolist()
    assert tensor["range"]["count"] == inside.sum()
    assert tensor["range"]["percent"] == pytest.approx(100 * inside.mean())


def test_json_between_limits_counts_what_is_left_out(run_json: RunJson, path: Path) -> None:
    tensor = only(run_json("hist", path, "--limits", "-0.1,0.1"))
    assert (tensor["edges"][0], tensor["edges"][-1]) == (-0.1, 0.1)
    assert tensor["below"] == (VALUES < -0.1).sum()
    assert tensor["above"] == (VALUES > 0.1).sum()
    assert sum(tensor["counts"]) + tensor["below"] + tensor["above"] == 1000
    assert tensor["range"] is None
    assert tensor["selected"] is None


@pytest.mark.parametrize("words", [("--range=-0.1,0.2",), ("--range", "-0.1,0.2")], ids=str)
def test_a_range_may_be_one_word(run_json: RunJson, path: Path, words: tuple[str, ...]) -> None:
    in_range = only(run_json("hist", path, *words))["range"]
    assert (in_range["low"], in_range["high"]) == (-0.1, 0.2)


def test_a_range_may_be_open(run_json: RunJson, path: Path) -> None:
    in_range = only(run_json("hist", path, "--range", "-inf", 0))["range"]
    assert in_range["low"] == "-Infinity"
    assert in_range["count"] == (VALUES <= 0).sum()


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("--range", 2, 1), "above the upper bound"),
        (("--range", "nan", 1), "NaN is no bound"),
        (("--limits", 0, "inf"), "finite bounds"),
        (("--limits", 1, 1), "different, finite bounds"),
        (("--bins", 0), "0 is not in the range"),
        (("--range", "a,b"), "is not a valid float"),
    ],
    ids=str,
)
def test_bounds_are_checked(run: Run, path: Path, words: tuple[object, ...], problem: str) -> None:
    result = run("hist", path, *words)
    assert result.exit_code == 2
    assert problem in " ".join(result.stderr.split())


@pytest.mark.parametrize("limits", [(), ("--limits", 40, 60)], ids=["all", "limits"])
def test_bins_of_quantized_values_hold_whole_levels(
    run_json: RunJson, put: Put, limits: tuple[object, ...]
) -> None:
    codes = np.arange(256, dtype=np.uint8)
    path = put(make_tensor("q.weight", codes, quantization=per_tensor(0.5, 100)))
    for view in ("raw", "dequantized"):
        tensor = only(run_json("hist", path, "--view", view, "--bins", 20, *limits))
        levels = tensor["levels_per_bin"]
        assert set(tensor["counts"][:-1]) == {levels}


def test_text_draws_the_weights_and_says_what_is_in_range(run: Run, path: Path) -> None:
    result = run("hist", path, "--range", "-0.1,0.1")
    count = int((np.abs(VALUES) <= 0.1).sum())
    assert result.exit_code == 0
    assert f"in range [-0.1, 0.1]: {count} / 1,000, {count / 10:.2f} %" in result.stdout
    assert "50 bins, percent of parameters" in result.stdout
    assert "fc.bias" not in result.stdout
    assert "\x1b" not in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 110 + len(str(path))


def test_a_pattern_draws_other_tensors_too(run: Run, path: Path) -> None:
    assert "fc.bias" in run("hist", path, "bias").stdout


def test_ascii_draws_without_unicode(run: Run, path: Path) -> None:
    assert run("hist", path, "--ascii", "--log").stdout.isascii()


def test_a_tensor_without_finite_values_is_named_with_the_reason(run: Run, put: Put) -> None:
    result = run("hist", put(make_tensor("a.weight", np.full(4, np.nan))))
    assert result.exit_code == 0
    assert "no finite values" in result.stdout


def test_panel_of_a_real_file(run: Run, shared_data: Path) -> None:
    path = shared_data / "seed" / "resnet8_int8.pt"
    stdout = run(
        "hist", path, "model_1/conv2d_1/BiasAdd.weight", "--range", "-0.270912,0.266238"
    ).stdout
    assert "288 / 432, 66.67 %" in stdout
