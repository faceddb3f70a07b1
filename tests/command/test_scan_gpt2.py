"""GPT-2's Conv1D is stored (in, out): its channels are the last axis, and that is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from command.in_memory import Run, RunJson
from safetensors.numpy import save_file

RNG = np.random.default_rng(53)
SHAPES = {
    "attn.c_attn": (32, 96),
    "attn.c_proj": (32, 32),
    "mlp.c_fc": (32, 128),
    "mlp.c_proj": (128, 32),
}
"""(in, out) of a GPT-2 of width 32."""

WEIGHTS = {
    f"transformer.h.0.{name}.weight": RNG.normal(size=shape).astype(np.float32)
    * np.logspace(-2, 0, shape[1], dtype=np.float32)  # every output has a size of its own
    for name, shape in SHAPES.items()
}


@pytest.fixture
def conv1d(tmp_path: Path) -> Path:
    """A model as transformers' GPT-2 stores it."""
    path = tmp_path / "gpt2.safetensors"
    save_file(WEIGHTS | {"transformer.wte.weight": np.ones((64, 32), np.float32)}, path)
    return path


@pytest.fixture
def linear(tmp_path: Path) -> Path:
    """The same model as torch's Linear layers store it under the same names."""
    path = tmp_path / "nanogpt.safetensors"
    save_file({name: np.ascontiguousarray(value.T) for name, value in WEIGHTS.items()}, path)
    return path


def by_name(document: dict) -> dict[str, dict]:
    return {record["name"]: record for record in document["models"][0]["tensors"]}


def test_channels_are_outputs_in_either_layout(
    run_json: RunJson, conv1d: Path, linear: Path
) -> None:
    first, second = by_name(run_json("scan", conv1d)), by_name(run_json("scan", linear))
    for name in WEIGHTS:
        assert (first[name]["output_axis"], second[name]["output_axis"]) == (1, 0)
        for one, other in zip(
            first[name]["quantization"]["grids"], second[name]["quantization"]["grids"], strict=True
        ):
            assert one["granularity"] == other["granularity"]
            assert one["sqnr_db"] == pytest.approx(other["sqnr_db"], rel=1e-9)
        assert first[name]["shape"] == second[name]["shape"][::-1]
    assert first["transformer.wte.weight"]["output_axis"] == 0


def test_it_is_said(run: Run, conv1d: Path, linear: Path) -> None:
    words = ("--metrics", "basic")
    assert "4 x GPT-2's Conv1D: weights are (in, out)" in run("scan", conv1d, *words).stderr
    assert "1 x GPT-2's" in run("scan", conv1d, "*c_fc*", *words).stderr
    assert run("scan", conv1d, "*wte*", *words).stderr == ""
    assert run("scan", linear, *words).stderr == ""
