"""Weights of 8-bit and 4-bit floats: FP8 of all kinds, NVFP4, MXFP4."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hf_files import only_weight, open_written, same_values

from tensorpeek.analysis import measure, quantization_facts

E2M1 = torch.tensor([0, 0.5, 1, 1.5, 2, 3, 4, 6, -0.0, -0.5, -1, -1.5, -2, -3, -4, -6])


def fp8(shape: tuple[int, ...], kind: torch.dtype = torch.float8_e4m3fn) -> torch.Tensor:
    torch.manual_seed(1)
    return torch.randn(shape).to(kind)


@pytest.mark.parametrize("kind", [torch.float8_e4m3fn, torch.float8_e5m2], ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize(
    "shape", [(), (1,), (20, 1), (20,), (1, 20)], ids=lambda shape: f"scales of shape {shape}"
)
def test_one_scale_for_the_tensor_or_for_each_row(
    tmp_path: Path, kind: torch.dtype, dtype: torch.dtype, shape: tuple[int, ...]
) -> None:
    codes, scale = fp8((20, 30), kind), torch.rand(shape).to(dtype)
    parts = {"layer.weight": codes, "layer.weight_scale": scale, "layer.input_scale": torch.ones(1)}
    model = open_written(tmp_path, parts)
    weight = only_weight(model)
    values = codes.to(dtype) * (scale.reshape(-1, 1) if scale.numel() > 1 else scale)
    same_values(weight, codes.float(), values.float())
    assert [tensor.label for tensor in model.tensors] == ["input_scale", "weight"]
    assert measure(weight).summary.mean == pytest.approx(float(values.double().mean()), rel=1e-6)
    facts = quantization_facts(weight, measure(weight, "raw"))
    assert (facts.source, facts.bits) == ("FP8", 8)
    assert facts.scheme == ("per-channel" if scale.numel() > 1 else "per-tensor")


@pytest.mark.parametrize("told", [True, False], ids=["told by a config", "told by shapes"])
@pytest.mark.parametrize("shape", [(256, 384), (200, 300), (130, 100)], ids=str)
def test_blocks_in_both_dimensions_with_ragged_ends(
    tmp_path: Path, told: bool, shape: tuple[int, int]
) -> None:
    codes = fp8(shape)
    scale = torch.rand(-(-shape[0] // 128), -(-shape[1] // 128))
    parts = {"layer.weight": codes, "layer.weight_scale_inv": scale}
    config = {"quant_method": "fp8", "fmt": "e4m3", "weight_block_size": [128, 128]}
    weight = only_weight(open_written(tmp_path, parts, config if told else None))
    spread = scale.repeat_interleave(128, 0).repeat_interleave(128, 1)[: shape[0], : shape[1]]
    same_values(weight, codes.float(), codes.float() * spread)
    assert weight.quantization is not None
    np.testing.assert_array_equal(weight.quantization.scales(), scale.double().reshape(-1))


def test_blocks_of_another_size_are_those_of_the_configuration(tmp_path: Path) -> None:
    codes, scale = fp8((100, 70)), torch.rand(2, 2)
    parts = {"layer.weight": codes, "layer.weight_scale_inv": scale}
    config = {"quant_method": "fp8", "weight_block_size": [64, 48]}
    weight = only_weight(open_written(tmp_path, parts, config))
    spread = scale.repeat_interleave(64, 0).repeat_interleave(48, 1)[:100, :70]
    same_values(weight, codes.float(), codes.float() * spread)


def test_exponents_as_scales_of_blocks(tmp_path: Path) -> None:
    codes = fp8((20, 64))
    exponents = torch.randint(100, 140, (20, 2), dtype=torch.uint8)
    parts = {"layer.weight": codes, "layer.weight_scale": exponents}
    weight = only_weight(open_written(tmp_path, parts))
    scale = torch.pow(2.0, exponents.float() - 127).repeat_interleave(32, 1)
    same_values(weight, codes.float(), codes.float() * scale)


def test_stacked_experts_with_a_scale_each(tmp_path: Path) -> None:
    codes, scale = fp8((3, 8, 20)), torch.rand(3, 1, 1)
    parts = {"experts.weight": codes, "experts.weight_scale": scale}
    weight = only_weight(open_written(tmp_path, parts), "experts.weight")
    same_values(weight, codes.float(), codes.float() * scale)


def test_weights_that_are_no_small_floats_are_left_alone(tmp_path: Path) -> None:
    parts = {"layer.weight": torch.randn(4, 4), "layer.weight_scale": torch.ones(1)}
    model = open_written(tmp_path, parts)
    assert {tensor.label for tensor in model.tensors} == {"weight", "weight_scale"}
    assert model.warnings == ()


def nibbles(shape: tuple[int, ...]) -> tuple[Any, Any]:
    """Return codes, and the bytes that hold them, the first one in the lower bits."""
    codes = np.random.default_rng(7).integers(0, 16, shape)
    return codes, torch.from_numpy((codes[..., ::2] | codes[..., 1::2] << 4).astype(np.uint8))


@pytest.mark.parametrize("writer", ["ModelOpt", "compressed-tensors"])
@pytest.mark.parametrize("experts", [True, False], ids=["stacked", "one"])
def test_nvfp4_has_scales_of_two_levels(tmp_path: Path, writer: str, experts: bool) -> None:
    shape = (3, 10, 48) if experts else (10, 48)
    codes, packed = nibbles(shape)
    scale = torch.rand(*shape[:-1], 3).to(torch.float8_e4m3fn)
    whole = torch.rand(3 if experts else 1) + 0.5
    each = whole.reshape(-1, 1, 1) if experts else whole
    if writer == "ModelOpt":
        names = ("weight", "weight_scale_2")
        spread = (scale.float() * each).repeat_interleave(16, -1)
    else:
        names = ("weight_packed", "weight_global_scale")
        spread = (scale.float() / each).repeat_interleave(16, -1)
    parts = {
        f"layer.{names[0]}": packed,
        "layer.weight_scale": scale,
        f"layer.{names[1]}": whole,
    }
    weight = only_weight(open_written(tmp_path, parts))
    same_values(weight, E2M1[codes], E2M1[codes] * spread)
    facts = quantization_facts(weight, measure(weight, "raw"))
    assert (facts.source, facts.block, facts.groups) == ("NVFP4", 16, scale.numel())
    assert (facts.code_low, facts.code_high) == (-6, 6)
    assert facts.scale_max == pytest.approx(float(spread.max()), rel=1e-6)
    assert measure(weight).summary.count == codes.size


def test_mxfp4_has_exponents_as_scales(tmp_path: Path) -> None:
    codes, packed = nibbles((10, 96))
    exponents = torch.randint(0, 255, (10, 3), dtype=torch.uint8)
    parts = {"layer.weight_packed": packed, "layer.weight_scale": exponents}
    weight = only_weight(open_written(tmp_path, parts))
    scale = torch.pow(2.0, exponents.double() - 127)
    values = (E2M1[codes].double() * scale.repeat_interleave(32, 1)).to(torch.bfloat16)
    same_values(weight, E2M1[codes], values.float())


def test_blocks_of_experts_as_gpt_oss_stores_them(tmp_path: Path) -> None:
    codes, packed = nibbles((2, 6, 4, 32))
    exponents = torch.randint(110, 130, (2, 6, 4), dtype=torch.uint8)
    exponents[0, 0, 0] = 255
    name = "mlp.experts.gate_up_proj"
    parts = {
        f"{name}_blocks": packed,
        f"{name}_scales": exponents,
        f"{name}_bias": torch.zeros(2, 6),
    }
    model = open_written(tmp_path, parts, {"quant_method": "mxfp4"})
    weight = only_weight(model, name)
    scale = torch.pow(2.0, exponents.float() - 127)
    scale[0, 0, 0] = torch.nan
    values = (E2M1[codes] * scale[..., None]).reshape(2, 6, 128)
    same_values(weight, E2M1[codes].reshape(2, 6, 128), values)
    assert (weight.layer, weight.label, weight.role) == ("mlp.experts", "gate_up_proj", "weight")
    assert measure(weight).summary.nan == 32


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        pytest.param(
            {"weight": fp8((20, 30)), "weight_scale": torch.ones(19, 1)},
            "do not fit",
            id="scales for fewer rows",
        ),
        pytest.param(
            {"weight": fp8((600,)), "weight_scale": torch.ones(1)}, "no matrix", id="one dimension"
        ),
        pytest.param(
            {"weight": fp8((20, 30)), "weight_scale": torch.ones(1, dtype=torch.int32)},
            "has the type int32",
            id="scales of integers",
        ),
        pytest.param(
            {
                "weight": torch.zeros(10, 24, dtype=torch.uint8),
                "weight_scale": torch.ones(10, 4).to(torch.float8_e4m3fn),
                "weight_scale_2": torch.ones(1),
            },
            "do not fit",
            id="scales of another block",
        ),
        pytest.param(
            {
                "weight": torch.zeros(10, 24, dtype=torch.uint8),
                "weight_scale": torch.ones(10, 3).to(torch.float8_e4m3fn),
                "weight_scale_2": torch.ones(7),
            },
            "7 scales",
            id="seven scales of the whole",
        ),
        pytest.param(
            {
                "x_blocks": torch.zeros(6, 4, 15, dtype=torch.uint8),
                "x_scales": torch.zeros(6, 4, dtype=torch.uint8),
            },
            "blocks of shape",
            id="blocks of 15 bytes",
        ),
    ],
)
def test_parts_that_do_not_fit_stay_as_they_are(
    tmp_path: Path, parts: dict[str, Any], reason: str
) -> None:
    model = open_written(tmp_path, {f"layer.{label}": part for label, part in parts.items()})
    assert {tensor.label for tensor in model.tensors} == set(parts)
    assert reason in model.warnings[0]


def typed_nibbles(*shape: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return codes of 4 bits in elements of that type, and the numbers that they are."""
    codes = torch.from_numpy(np.random.default_rng(3).integers(0, 16, shape).astype(np.uint8))
    packed = codes[..., ::2] | codes[..., 1::2] << 4
    return packed.view(torch.float4_e2m1fn_x2), E2M1[codes.long()]


TYPED: dict[str, tuple[str, dict[str, torch.Tensor], torch.Tensor, torch.dtype]] = {
    "NVFP4 of ModelOpt": (
        "weight",
        {"weight_scale": fp8((6, 4)).abs(), "weight_scale_2": torch.tensor(0.3)},
        fp8((6, 4)).abs().float() * torch.tensor(0.3),
        torch.float32,
    ),
    "NVFP4 of one level": (
        *("weight", {"weight_scale": fp8((6, 4)).abs()}, fp8((6, 4)).abs().float()),
        torch.float32,
    ),
    "NVFP4 of compressed-tensors": (
        "weight_packed",
        {"weight_scale": fp8((6, 4)).abs(), "weight_global_scale": torch.tensor([7.5])},
        fp8((6, 4)).abs().float() / torch.tensor(7.5),
        torch.float32,
    ),
    "MXFP4": (
        "weight",
        {"weight_scale": torch.full((6, 2), 120, dtype=torch.uint8)},
        torch.full((6, 2), 2.0**-7),
        torch.bfloat16,
    ),
    "MXFP4 with exponents of their own type": (
        "weight_packed",
        {"weight_scale": torch.full((6, 2), 130, dtype=torch.uint8).view(torch.float8_e8m0fnu)},
        torch.full((6, 2), 8.0),
        torch.bfloat16,
    ),
}


@pytest.mark.parametrize(("label", "scales", "steps", "result"), TYPED.values(), ids=TYPED)
def test_elements_of_4_bits_with_their_scales(
    tmp_path: Path,
    label: str,
    scales: dict[str, torch.Tensor],
    steps: torch.Tensor,
    result: torch.dtype,
) -> None:
    codes, levels = typed_nibbles(6, 64)
    parts = {label: codes, **scales}
    model = open_written(tmp_path, {f"layer.{name}": part for name, part in parts.items()})
    weight = only_weight(model)
    assert next(part for part in weight.parts if part.label == label).dtype == "float4_e2m1fn"
    values = (levels * steps.repeat_interleave(64 // steps.shape[1], 1)).to(result)
    same_values(weight, levels, values.float())


def test_experts_of_elements_of_4_bits(tmp_path: Path) -> None:
    codes, levels = typed_nibbles(2, 6, 2, 32)
    exponents = torch.full((2, 6, 2), 125, dtype=torch.uint8)
    model = open_written(tmp_path, {"mlp.up_blocks": codes, "mlp.up_scales": exponents})
    want = (levels * 0.25).reshape(2, 6, 64)
    same_values(only_weight(model, "mlp.up"), levels.reshape(2, 6, 64), want)


@pytest.mark.parametrize(
    "scale",
    [
        pytest.param(torch.ones(6, 4), id="scales of float32"),
        pytest.param(fp8((6, 3)), id="too few scales"),
        pytest.param(fp8((24,)), id="scales in a row"),
    ],
)
def test_elements_of_4_bits_whose_scales_do_not_fit_stay(
    tmp_path: Path, scale: torch.Tensor
) -> None:
    codes, levels = typed_nibbles(6, 64)
    parts = {"layer.weight": codes, "layer.weight_scale": scale}
    model = open_written(tmp_path, parts)
    assert len(model.warnings) == 1
    [weight] = [tensor for tensor in model.tensors if tensor.label == "weight"]
    np.testing.assert_array_equal(weight.read().astype(np.float32), levels)
