"""Integer weights of compressed-tensors, packed bit by bit from its description."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hf_files import only_weight, open_written, same_values
from numpy.typing import NDArray

from tensorpeek.analysis import measure, quantization_facts

Ints = NDArray[Any]

TYPES = [torch.float16, torch.bfloat16, torch.float32]


def pack_rows(codes: Ints, bits: int) -> torch.Tensor:
    """Pack signed codes of each row as one stream of bits, half the range added."""
    rows = []
    for row in codes:
        stream = 0
        for place, code in enumerate(row):
            stream |= (int(code) + (1 << bits - 1)) << (place * bits)
        rows.append(stream.to_bytes(-(-len(row) * bits // 32) * 4, "little"))
    return torch.from_numpy(np.frombuffer(b"".join(rows), np.int32).reshape(len(codes), -1).copy())


def drawn(
    bits: int, shape: tuple[int, int], group: int, dtype: torch.dtype
) -> tuple[Any, Any, Any, Any]:
    """Return codes, zero points, scales and the values in the scale's type, as its ops give."""
    rng = np.random.default_rng(bits)
    low, high = -(1 << bits - 1), 1 << bits - 1
    codes = rng.integers(low, high, shape)
    groups = -(-shape[1] // group)
    zeros = rng.integers(low, high, (shape[0], groups))
    scales = torch.from_numpy(rng.normal(0, 0.1, (shape[0], groups))).to(dtype)
    return codes, zeros, scales, np.arange(shape[1]) // group


def values_of(codes: Ints, zeros: Ints, scales: torch.Tensor, index: Ints) -> torch.Tensor:
    """Restate ``_dequantize``: codes and zero points in the scale's type, then the product."""
    difference = torch.from_numpy(codes).to(scales.dtype)
    difference = difference - torch.from_numpy(zeros).to(scales.dtype)[:, index]
    return difference * scales[:, index]


def config(bits: int, group: int | None, **more: str) -> dict[str, Any]:
    weights = {"num_bits": bits, "type": "int", "group_size": group, **more}
    return {
        "quant_method": "compressed-tensors",
        "format": "pack-quantized",
        "config_groups": {"group_0": {"targets": ["Linear"], "weights": weights}},
    }


@pytest.mark.parametrize("bits", [1, 2, 3, 4, 5, 6, 7, 8])
@pytest.mark.parametrize("told", [True, False], ids=["told by a config", "told by shapes"])
@pytest.mark.parametrize("points", [True, False], ids=["with zero points", "symmetric"])
def test_packed_codes_of_any_width(tmp_path: Path, bits: int, told: bool, points: bool) -> None:
    codes, zeros, scales, index = drawn(bits, (21, 45), 9, torch.bfloat16)
    parts = {
        "layer.weight_packed": pack_rows(codes, bits),
        "layer.weight_scale": scales,
        "layer.weight_shape": torch.tensor([21, 45]),
    }
    if points:
        parts["layer.weight_zero_point"] = pack_rows(zeros.T, bits).T
    values = values_of(codes, zeros if points else zeros * 0, scales, index)
    model = open_written(tmp_path, parts, config(bits, 9) if told else None)
    weight = only_weight(model)
    same_values(weight, codes, values.float())
    assert weight.dtype == (f"int{bits}" if bits in {2, 4, 8} else "int8")
    facts = quantization_facts(weight, measure(weight, "raw"))
    assert (facts.bits, facts.block, facts.groups) == (bits, 9, 21 * 5)
    assert (facts.code_low, facts.code_high) == (-(1 << bits - 1), (1 << bits - 1) - 1)
    if points:
        assert (facts.zero_point_min, facts.zero_point_max) == (zeros.min(), zeros.max())


@pytest.mark.parametrize("dtype", TYPES, ids=str)
def test_groups_in_the_order_of_activations(tmp_path: Path, dtype: torch.dtype) -> None:
    codes, zeros, scales, index = drawn(4, (16, 64), 16, dtype)
    index = np.random.default_rng(3).permutation(index)
    parts = {
        "layer.weight_packed": pack_rows(codes, 4),
        "layer.weight_scale": scales,
        "layer.weight_shape": torch.tensor([16, 64]),
        "layer.weight_zero_point": torch.from_numpy(zeros.astype(np.int8)),
        "layer.weight_g_idx": torch.from_numpy(index.astype(np.int32)),
    }
    weight = only_weight(open_written(tmp_path, parts, config(4, 16, actorder="group")))
    same_values(weight, codes, values_of(codes, zeros, scales, index).float())


def test_indices_that_were_never_set_are_ignored(tmp_path: Path) -> None:
    codes, zeros, scales, index = drawn(4, (16, 64), 16, torch.float16)
    parts = {
        "layer.weight_packed": pack_rows(codes, 4),
        "layer.weight_scale": scales,
        "layer.weight_g_idx": torch.full((64,), -1, dtype=torch.int32),
    }
    weight = only_weight(open_written(tmp_path, parts))
    same_values(weight, codes, values_of(codes, zeros * 0, scales, index).float())


@pytest.mark.parametrize("dtype", TYPES, ids=str)
@pytest.mark.parametrize("group", [10, 30], ids=["groups", "channels"])
@pytest.mark.parametrize("points", [True, False], ids=["with zero points", "symmetric"])
def test_eight_bits_that_are_not_packed(
    tmp_path: Path, dtype: torch.dtype, group: int, points: bool
) -> None:
    codes, zeros, scales, index = drawn(8, (20, 30), group, dtype)
    zeros = zeros if points else zeros * 0
    parts = {
        "layer.weight": torch.from_numpy(codes.astype(np.int8)),
        "layer.weight_scale": scales,
    }
    if points:
        parts["layer.weight_zero_point"] = torch.from_numpy(zeros.astype(np.int8))
    weight = only_weight(open_written(tmp_path, parts))
    values = values_of(codes, zeros, scales, index).float()
    same_values(weight, codes, values)
    assert measure(weight).summary.mean == pytest.approx(float(values.double().mean()), rel=1e-6)
    assert weight.quantization is not None
    assert weight.quantization.scheme == ("per-channel" if group == 30 else "blockwise")


def test_one_scale_for_a_tensor_of_eight_bits(tmp_path: Path) -> None:
    codes = np.random.default_rng(0).integers(-128, 128, (5, 7)).astype(np.int8)
    scale = torch.tensor([0.37], dtype=torch.bfloat16)
    parts = {"layer.weight": torch.from_numpy(codes), "layer.weight_scale": scale}
    weight = only_weight(open_written(tmp_path, parts))
    same_values(weight, codes, (torch.from_numpy(codes).to(torch.bfloat16) * scale).float())
    assert weight.quantization is not None
    assert weight.quantization.scheme == "per-tensor"


def test_stacked_experts_are_one_weight(tmp_path: Path) -> None:
    codes, zeros, scales, index = drawn(4, (24, 32), 16, torch.float16)
    parts = {
        "experts.weight_packed": pack_rows(codes, 4).reshape(3, 8, 4),
        "experts.weight_scale": scales.reshape(3, 8, 2),
        "experts.weight_shape": torch.tensor([3, 8, 32]),
    }
    weight = only_weight(open_written(tmp_path, parts), "experts.weight")
    values = values_of(codes, zeros * 0, scales, index).reshape(3, 8, 32)
    same_values(weight, codes.reshape(3, 8, 32), values.float())


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"weight_shape": torch.tensor([16, 1 << 39])}, id="a shape beyond the codes"),
        pytest.param({"weight_shape": torch.tensor([-16, 64])}, id="a negative shape"),
        pytest.param({"weight_shape": torch.tensor([17, 64])}, id="a shape of other rows"),
        pytest.param({"weight_shape": torch.tensor([16.0, 64.0])}, id="a shape of floats"),
        pytest.param({"weight_shape": torch.zeros(900, dtype=torch.int64)}, id="a long shape"),
        pytest.param({"weight_scale": torch.ones(16, 5)}, id="groups that do not divide"),
        pytest.param({"weight_scale": torch.ones(15, 4)}, id="scales for fewer rows"),
        pytest.param({"weight_scale": torch.ones(16, 0)}, id="no scales"),
        pytest.param({"weight_zero_point": torch.ones(2, 3, dtype=torch.int32)}, id="zero points"),
        pytest.param({"weight_g_idx": torch.zeros(63, dtype=torch.int32)}, id="a short g_idx"),
        pytest.param({"weight_packed": torch.zeros(16, 8, dtype=torch.int16)}, id="other words"),
        pytest.param({"weight": torch.zeros(2, 2)}, id="a weight beside its parts"),
    ],
)
def test_parts_that_do_not_fit_stay_as_they_are(
    tmp_path: Path, change: dict[str, torch.Tensor]
) -> None:
    codes, _, scales, _ = drawn(4, (16, 64), 16, torch.float32)
    parts = {
        "weight_packed": pack_rows(codes, 4),
        "weight_scale": scales,
        "weight_shape": torch.tensor([16, 64]),
    } | change
    model = open_written(tmp_path, {f"layer.{label}": part for label, part in parts.items()})
    assert {tensor.label for tensor in model.tensors} == set(parts)
    assert len(model.warnings) == 1
