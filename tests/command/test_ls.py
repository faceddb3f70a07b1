"""Listing models."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from command.in_memory import (
    Put,
    Run,
    RunJson,
    make_tensor,
    per_channel,
    per_tensor,
    run_command,
    run_python,
)

WEIGHT = np.ones((2, 3), np.float32)


def test_text_lists_every_tensor_with_its_facts(run: Run, put: Put) -> None:
    path = put(
        make_tensor("fc.weight", WEIGHT),
        make_tensor("q.weight", np.ones((2, 5), np.int8), quantization=per_channel(np.ones(2))),
        make_tensor("bn.running_mean", np.zeros(1234, np.float16)),
    )
    result = run("ls", path)
    lines = [line.split() for line in result.stdout.splitlines()]
    assert result.exit_code == 0
    assert ["fc", "weight", "float32", "(2,", "3)", "6", "24"] in lines
    assert "int8 per-channel axis 0" in result.stdout
    assert ["bn", "running_mean", "float16", "(1234,)", "1,234", "2,468"] in lines
    assert "PyTorch  3 layers  16 params  18 B" in result.stdout


def test_json_has_all_facts(run_json: RunJson, put: Put) -> None:
    tensor = make_tensor(
        "q.weight", np.ones((2, 5), np.int8), aliases=("tied",), quantization=per_tensor(0.5, 3)
    )
    path = put(tensor, warnings=("names the global os.system",))
    document = run_json("ls", path)
    assert document["schema"] == "tensorpeek.ls/1"
    assert document["errors"] == []
    (model,) = document["models"]
    assert (model["path"], model["format"]) == (str(path), "PyTorch")
    assert model["warnings"] == ["names the global os.system"]
    assert model["tensors"] == [
        {
            "name": "q.weight",
            "layer": "q",
            "label": "weight",
            "role": "weight",
            "dtype": "int8",
            "shape": [2, 5],
            "params": 10,
            "nbytes": 10,
            "aliases": ["tied"],
            "quantization": {
                "scheme": "per-tensor",
                "source": "torch quint8",
                "bits": 8,
                "axis": None,
                "block": None,
            },
            "error": None,
        }
    ]


def test_full_json_has_the_arrays_of_scales(run_json: RunJson, put: Put) -> None:
    scales = np.array([0.5, 0.25])
    path = put(make_tensor("q.weight", np.ones((2, 5), np.int8), quantization=per_channel(scales)))
    facts = run_json("ls", path, "--full")["models"][0]["tensors"][0]["quantization"]
    assert facts["scale"] == [0.5, 0.25]
    assert facts["zero_point"] == [0, 0]
    assert facts["error"] is None


def test_full_json_names_the_parts_of_a_weight(run_json: RunJson, put: Put) -> None:
    parts = tuple(make_tensor(f"q.{label}", WEIGHT) for label in ("qweight", "scales"))
    path = put(replace(make_tensor("q.weight", WEIGHT), parts=parts))
    tensor = run_json("ls", path, "--full")["models"][0]["tensors"][0]
    assert tensor["parts"] == ["q.qweight", "q.scales"]
    assert "parts" not in run_json("ls", path)["models"][0]["tensors"][0]


def test_warnings_go_to_stderr(run: Run, put: Put) -> None:
    path = put(make_tensor("a.weight", WEIGHT), warnings=("names the global os.system",))
    result = run("ls", path)
    assert f"tensorpeek: {path}: warning: names the global os.system" in result.stderr
    assert "os.system" not in result.stdout


def test_a_damaged_tensor_is_listed_with_its_error(run: Run, put: Put) -> None:
    damaged = make_tensor("b.weight", WEIGHT, error="reaches past its storage")
    result = run("ls", put(make_tensor("a.weight", WEIGHT), damaged))
    assert "reaches past its storage" in result.stdout
    assert result.exit_code == 0


def test_patterns_select_by_name_or_layer(run_json: RunJson, put: Put) -> None:
    names = ("conv1.weight", "conv1.bias", "conv2.weight", "fc.weight")
    path = put(*(make_tensor(name, WEIGHT) for name in names))

    def listed(*patterns: str) -> list[str]:
        models = run_json("ls", path, *patterns)["models"]
        return [tensor["name"] for tensor in models[0]["tensors"]]

    assert listed("conv1") == ["conv1.weight", "conv1.bias"]
    assert listed("conv?") == ["conv1.weight", "conv1.bias", "conv2.weight"]
    assert listed("*.bias", "fc") == ["conv1.bias", "fc.weight"]
    assert listed("-m", "fc*") == ["fc.weight"]


def test_markup_in_a_name_is_printed_as_it_is(run: Run, put: Put) -> None:
    result = run("ls", put(make_tensor("a [/foo] :smile:.weight", WEIGHT)))
    assert result.exit_code == 0
    assert "a [/foo] :smile:" in result.stdout


def test_long_names_are_not_cut_in_a_pipe(run: Run, put: Put) -> None:
    name = ".".join(["block"] * 60)
    result = run("ls", put(make_tensor(f"{name}.weight", WEIGHT)))
    assert name in result.stdout


def test_ls_imports_neither_the_app_nor_torch(shared_data: Path) -> None:
    probe = (
        "import sys; from tensorpeek.tui.command.main import cli; "
        f"cli(['ls', {str(shared_data / 'seed' / 'resnet8.pt')!r}], standalone_mode=False); "
        "assert not {'textual', 'torch', 'onnx', 'plotext'} & set(sys.modules)"
    )
    process = run_python(probe)
    assert process.returncode == 0, process.stderr


def test_names_outside_ascii_survive_an_ascii_terminal(tmp_path: Path) -> None:
    path = tmp_path / "gewichte-ü.pt"
    process = run_command(
        "ls", path, environment={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"}
    )
    assert process.returncode == 3
    assert "no such file" in process.stderr
    assert "Traceback" not in process.stderr
