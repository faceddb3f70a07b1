"""Weights of bitsandbytes: NF4, FP4 and LLM.int8(), restated element by element."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hf_files import only_weight, open_written, same_values

from tensorpeek.analysis import measure, quantization_facts

LEVELS = {
    "nf4": sorted(np.random.default_rng(4).uniform(-1, 1, 16)),
    "fp4": [0, 0.0052, 0.6667, 1, 0.3333, 0.5, 0.1667, 0.25]
    + [-level for level in (0, 0.0052, 0.6667, 1, 0.3333, 0.5, 0.1667, 0.25)],
}
BLOCK, NESTED_BLOCK = 64, 16


def as_tensor(state: bytes | dict[str, Any]) -> torch.Tensor:
    """Return JSON as the uint8 tensor that ``pack_dict_to_tensor`` makes of it."""
    text = state if isinstance(state, bytes) else json.dumps(state).encode()
    return torch.tensor(list(text), dtype=torch.uint8)


def four_bits(
    kind: str, shape: tuple[int, ...], dtype: str, *, nested: bool
) -> tuple[dict[str, Any], dict[str, Any], Any, Any]:
    """Return parts, the quant_state, codes and values of the type ``dtype``."""
    rng = np.random.default_rng(1)
    count = int(np.prod(shape))
    codes = rng.integers(0, 16, count)
    padded = np.append(codes, [0] * (count % 2)).astype(np.uint8)
    levels = torch.tensor(LEVELS[kind], dtype=torch.float32)
    blocks = -(-count // BLOCK)
    state: dict[str, Any] = {"quant_type": kind, "blocksize": BLOCK, "dtype": dtype}
    state["shape"] = list(shape)
    name = "layer.weight"
    parts = {
        name: torch.from_numpy((padded[::2] << 4) | padded[1::2]).reshape(-1, 1),
        f"{name}.quant_map": levels,
    }
    if nested:
        inner = torch.from_numpy(np.sort(rng.uniform(-1, 1, 256)).astype(np.float32))
        stored = torch.from_numpy(rng.integers(0, 256, blocks).astype(np.uint8))
        outer = torch.from_numpy(rng.uniform(1, 2, -(-blocks // NESTED_BLOCK)).astype(np.float32))
        state |= {"nested_blocksize": NESTED_BLOCK, "nested_dtype": "float32"}
        state["nested_offset"] = 3.25
        parts |= {f"{name}.nested_absmax": outer, f"{name}.nested_quant_map": inner}
        each = outer[torch.arange(blocks) // NESTED_BLOCK]
        absmax = inner[stored.long()] * each + torch.tensor(3.25)
    else:
        stored = absmax = torch.from_numpy(rng.uniform(1, 5, blocks).astype(np.float32))
    parts[f"{name}.absmax"] = stored
    parts[f"{name}.quant_state.bitsandbytes__{kind}"] = as_tensor(state)
    values = levels[codes] * absmax[torch.arange(count) // BLOCK]
    return parts, state, codes.reshape(shape), values.reshape(shape).to(getattr(torch, dtype))


@pytest.mark.parametrize("kind", ["nf4", "fp4"])
@pytest.mark.parametrize("nested", [True, False], ids=["double quantization", "plain scales"])
@pytest.mark.parametrize("shape", [(48, 96), (7, 9), (3, 5, 70)], ids=str)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_both_views_of_four_bits(
    tmp_path: Path, kind: str, nested: bool, shape: tuple[int, ...], dtype: str
) -> None:
    parts, _, codes, values = four_bits(kind, shape, dtype, nested=nested)
    model = open_written(tmp_path, parts, {"quant_method": "bitsandbytes", "load_in_4bit": True})
    weight = only_weight(model)
    same_values(weight, codes, values.float())
    assert (len(model.tensors), len(weight.parts)) == (1, len(parts))
    assert weight.dtype == "uint4"
    assert str(weight.value_type("dequantized")) == dtype
    assert measure(weight).summary.mean == pytest.approx(float(values.double().mean()), rel=1e-6)
    facts = quantization_facts(weight, measure(weight, "raw"))
    assert (facts.scheme, facts.block) == ("codebook", BLOCK)
    assert facts.groups == -(-codes.size // BLOCK)


def test_codes_in_storage_of_another_type(tmp_path: Path) -> None:
    parts, _, codes, values = four_bits("nf4", (16, 32), "bfloat16", nested=False)
    parts["layer.weight"] = parts["layer.weight"].reshape(-1).view(torch.bfloat16)[:, None]
    same_values(only_weight(open_written(tmp_path, parts)), codes, values.float())


def test_parameters_may_have_other_names(tmp_path: Path) -> None:
    parts, _, codes, values = four_bits("nf4", (16, 32), "bfloat16", nested=False)
    parts = {name.replace("layer.weight", "experts.down"): part for name, part in parts.items()}
    same_values(only_weight(open_written(tmp_path, parts), "experts.down"), codes, values.float())


@pytest.mark.parametrize("told", [True, False], ids=["with weight_format", "without"])
def test_eight_bits_by_row(tmp_path: Path, told: bool) -> None:
    rng = np.random.default_rng(2)
    codes = torch.from_numpy(rng.integers(-127, 128, (37, 50)).astype(np.int8))
    rows = torch.from_numpy(rng.uniform(0.1, 3, 37).astype(np.float32))
    parts = {"layer.weight": codes, "layer.SCB": rows}
    if told:
        parts["layer.weight_format"] = torch.tensor(0, dtype=torch.uint8)
    weight = only_weight(open_written(tmp_path, parts))
    same_values(weight, codes, codes * rows.view(-1, 1) * 7.874015718698502e-3)
    assert weight.quantization is not None
    np.testing.assert_allclose(weight.quantization.scales(), rows.numpy() / 127, rtol=1e-6)
    facts = quantization_facts(weight, measure(weight, "raw"))
    assert (facts.scheme, facts.axis, facts.source) == ("per-channel", 0, "bitsandbytes int8")
    assert measure(weight).summary.count == 37 * 50


def test_the_layout_of_an_old_gpu_is_left_alone(tmp_path: Path) -> None:
    parts = {
        "layer.weight": torch.zeros(4, 4, dtype=torch.int8),
        "layer.SCB": torch.ones(4),
        "layer.weight_format": torch.tensor(2, dtype=torch.uint8),
    }
    model = open_written(tmp_path, parts)
    assert {tensor.name for tensor in model.tensors} == set(parts)
    assert "weight_format is not that of plain rows" in model.warnings[0]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(b"{" * 5000, id="braces without end"),
        pytest.param(b'{"a":' * 30000, id="deeper than the parser goes"),
        pytest.param(b"\xff\xfe", id="no UTF-8"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b"", id="nothing"),
        pytest.param({"shape": [1 << 39, 1 << 39]}, id="a shape beyond the codes"),
        pytest.param({"shape": [-16, -32]}, id="a negative shape"),
        pytest.param({"shape": [0, 32]}, id="an empty shape"),
        pytest.param({"shape": ["16", 32]}, id="a shape of texts"),
        pytest.param({"shape": [1] * 5000}, id="a shape of thousands of axes"),
        pytest.param({"shape": None}, id="no shape"),
        pytest.param({"blocksize": 0}, id="blocks of nothing"),
        pytest.param({"blocksize": -64}, id="blocks of negative size"),
        pytest.param({"blocksize": 1e300}, id="blocks of a float"),
        pytest.param({"blocksize": True}, id="blocks of true"),
        pytest.param({"blocksize": 1 << 30}, id="blocks that need fewer scales"),
        pytest.param({"dtype": "object"}, id="a type that is none"),
        pytest.param({"dtype": ["float16"]}, id="a type in a list"),
        pytest.param({"nested_blocksize": 0}, id="nested blocks of nothing"),
        pytest.param({"nested_offset": "x"}, id="an offset of text"),
        pytest.param({"nested_offset": 10**400}, id="an offset beyond floats"),
    ],
)
def test_a_hostile_quant_state_leaves_the_parts(
    tmp_path: Path, change: bytes | dict[str, Any]
) -> None:
    parts, state, _, _ = four_bits("nf4", (16, 32), "float16", nested=True)
    text = change if isinstance(change, bytes) else {**state, **change}
    parts["layer.weight.quant_state.bitsandbytes__nf4"] = as_tensor(text)
    model = open_written(tmp_path, parts)
    assert {tensor.name for tensor in model.tensors} == set(parts)
    assert len(model.warnings) == 1


@pytest.mark.parametrize("missing", ["absmax", "quant_map", "nested_quant_map"])
def test_a_missing_part_leaves_the_others(tmp_path: Path, missing: str) -> None:
    parts, _, _, _ = four_bits("nf4", (16, 32), "float16", nested=True)
    del parts[f"layer.weight.{missing}"]
    model = open_written(tmp_path, parts)
    assert {tensor.name for tensor in model.tensors} == set(parts)
    assert f"there is no weight.{missing}" in model.warnings[0]
