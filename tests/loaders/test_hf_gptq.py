"""GPTQ weights, packed as AutoGPTQ's ``QuantLinear.pack`` does it, word by word."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hf_files import only_weight, open_written, same_values, write_model
from numpy.typing import NDArray

from tensorpeek.analysis import measure, quantization_facts
from tensorpeek.loaders import open_model
from tensorpeek.loaders.errors import LoadError

Ints = NDArray[Any]


def pack_rows(codes: Ints, bits: int) -> torch.Tensor:
    """Pack (in, out) codes down the columns: AutoGPTQ's loop, with its three words for 3 bits."""
    codes = codes.astype(np.uint32)
    packed = np.zeros((len(codes) * bits // 32, codes.shape[1]), np.uint32)
    i = row = 0
    while row < len(packed):
        if bits in {2, 4, 8}:
            for j in range(i, i + 32 // bits):
                packed[row] |= codes[j] << (bits * (j - i))
            i += 32 // bits
            row += 1
            continue
        for j in range(i, i + 10):
            packed[row] |= codes[j] << (3 * (j - i))
        i += 10
        packed[row] |= codes[i] << 30
        row += 1
        packed[row] |= (codes[i] >> 2) & 1
        i += 1
        for j in range(i, i + 10):
            packed[row] |= codes[j] << (3 * (j - i) + 1)
        i += 10
        packed[row] |= codes[i] << 31
        row += 1
        packed[row] |= (codes[i] >> 1) & 3
        i += 1
        for j in range(i, i + 10):
            packed[row] |= codes[j] << (3 * (j - i) + 2)
        i += 10
        row += 1
    return torch.from_numpy(packed.view(np.int32).copy())


def pack_columns(codes: Ints, bits: int) -> torch.Tensor:
    """Pack (groups, out) zero points along the rows."""
    return pack_rows(codes.T, bits).T.contiguous()


def stored_zeros(zeros: Ints, bits: int, writer: str) -> torch.Tensor:
    """Pack zero points as a library does; two of the three take 1 from them, in their own ways."""
    if writer == "AutoGPTQ":
        return pack_columns(zeros - 1, bits)
    if writer == "GPTQModel":
        if bits == 3:
            return pack_columns((zeros - 1) % 8, bits)
        ones = {2: 0x55555555, 4: 0x11111111, 8: 0x01010101}[bits]
        return pack_columns(zeros, bits) - ones
    return pack_columns(zeros, bits)


def made(
    bits: int,
    group: int,
    index: Ints | None = None,
    *,
    features: int = 96,
    out: int = 64,
    writer: str = "AutoGPTQ",
) -> tuple[dict[str, Any], Any, Any]:
    """Return parts, the codes (out, in), and the values by the official formula in float16."""
    rng = np.random.default_rng(bits)
    groups = -(-features // group)
    codes = rng.integers(0, 1 << bits, (features, out))
    zeros = rng.integers(0 if writer == "GPTQModel" else 1, 1 << bits, (groups, out))
    scales = rng.normal(0, 0.1, (groups, out)).astype(np.float16)
    g_idx = np.arange(features) // group if index is None else index
    parts = {
        "layer.qweight": pack_rows(codes, bits),
        "layer.qzeros": stored_zeros(zeros, bits, writer),
        "layer.scales": torch.from_numpy(scales),
        "layer.bias": torch.zeros(out),
    }
    if index is not None:
        parts["layer.g_idx"] = torch.from_numpy(g_idx.astype(np.int32))
    half = torch.from_numpy(codes - zeros[g_idx]).to(torch.float16)
    values = (half * torch.from_numpy(scales[g_idx])).T
    return parts, codes.T, values


def config(bits: int, group: int, **more: bool | str) -> dict[str, Any]:
    return {"quant_method": "gptq", "bits": bits, "group_size": group, **more}


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
@pytest.mark.parametrize("told", [True, False], ids=["told by a config", "told by shapes"])
@pytest.mark.parametrize("writer", ["AutoGPTQ", "GPTQModel"])
def test_both_views_are_those_of_the_writer(
    tmp_path: Path, bits: int, told: bool, writer: str
) -> None:
    parts, codes, values = made(bits, 32, writer=writer)
    model = open_written(tmp_path, parts, config(bits, 32) if told else None)
    weight = only_weight(model)
    same_values(weight, codes, values)
    assert weight.dtype == {2: "uint2", 3: "uint8", 4: "uint4", 8: "uint8"}[bits]
    assert [tensor.name for tensor in model.tensors] == ["layer.bias", "layer.weight"]
    assert {part.label for part in weight.parts} == {"qweight", "qzeros", "scales"}


@pytest.mark.parametrize("bits", [3, 4])
def test_the_group_of_each_feature_is_that_of_g_idx(tmp_path: Path, bits: int) -> None:
    index = np.random.default_rng(1).permutation(np.arange(96) // 32)
    parts, codes, values = made(bits, 32, index)
    weight = only_weight(open_written(tmp_path, parts, config(bits, 32, desc_act=True)))
    same_values(weight, codes, values)


def test_zero_points_of_the_second_format_are_stored_as_they_are(tmp_path: Path) -> None:
    parts, codes, values = made(4, 32, writer="second format")
    form = config(4, 32, checkpoint_format="gptq_v2")
    same_values(only_weight(open_written(tmp_path, parts, form)), codes, values)


def test_a_ragged_last_group_and_one_group_for_all(tmp_path: Path) -> None:
    parts, codes, values = made(4, 40)
    weight = only_weight(open_written(tmp_path, parts, config(4, 40)))
    same_values(weight, codes, values)
    whole, codes, values = made(4, 96)
    weight = only_weight(open_written(tmp_path, whole, config(4, -1)))
    same_values(weight, codes, values)
    assert weight.quantization is not None
    assert (weight.quantization.scheme, weight.quantization.axis) == ("per-channel", 0)


def test_scales_and_zero_points_can_be_read_and_the_weight_measured(tmp_path: Path) -> None:
    parts, codes, values = made(4, 32)
    weight = only_weight(open_written(tmp_path, parts, config(4, 32)))
    raw = measure(weight, "raw")
    assert (raw.summary.minimum, raw.summary.maximum) == (codes.min(), codes.max())
    assert raw.summary.mean == pytest.approx(codes.mean())
    summary = measure(weight).summary
    assert summary.mean == pytest.approx(float(values.double().mean()))
    assert summary.std == pytest.approx(float(values.double().std(correction=0)))
    facts = quantization_facts(weight, raw)
    assert (facts.source, facts.bits, facts.block, facts.groups) == ("GPTQ", 4, 32, 3 * 64)
    assert weight.quantization is not None
    scales = parts["layer.scales"].T.double().numpy()
    np.testing.assert_array_equal(weight.quantization.scales(), scales.reshape(-1))
    assert (facts.zero_point_min, facts.zero_point_max) == (1, 15)


def test_values_come_in_order_across_the_bands_that_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tensorpeek.loaders.hf_quantization.weight_codec.TURNED_BAND", 96 * 32)
    parts, codes, values = made(3, 32, np.arange(96)[::-1] // 32, out=160)
    same_values(only_weight(open_written(tmp_path, parts, config(3, 32))), codes, values)


def test_a_group_beyond_the_scales_is_an_error_of_the_values_only(tmp_path: Path) -> None:
    index = np.full(96, 7)
    parts, _, _ = made(4, 32, np.arange(96) // 32)
    parts["layer.g_idx"] = torch.from_numpy(index.astype(np.int32))
    weight = only_weight(open_written(tmp_path, parts, config(4, 32)))
    assert weight.read("raw").shape == (64, 96)
    with pytest.raises(LoadError, match="a column has a group beyond the 3 there are"):
        weight.read()


@pytest.mark.parametrize(
    ("part", "shape"),
    [
        pytest.param("layer.qweight", (12, 63), id="fewer columns than scales"),
        pytest.param("layer.qzeros", (3, 7), id="zero points that are too narrow"),
        pytest.param("layer.qzeros", (2, 8), id="zero points for fewer groups"),
        pytest.param("layer.scales", (5, 64), id="groups that do not divide the features"),
        pytest.param("layer.scales", (0, 64), id="no scales at all"),
        pytest.param("layer.qweight", (12, 8, 8), id="three dimensions"),
    ],
)
def test_parts_that_do_not_fit_stay_as_they_are(
    tmp_path: Path, part: str, shape: tuple[int, ...]
) -> None:
    parts, _, _ = made(4, 32)
    parts[part] = torch.zeros(shape, dtype=parts[part].dtype)
    model = open_model(write_model(tmp_path, parts, config(4, 32)))
    assert {tensor.name for tensor in model.tensors} == set(parts)
    (warning,) = model.warnings
    assert warning.startswith(
        "1 quantized weight is shown as stored parts, such as layer.qweight: "
    )


def test_a_torch_file_shows_the_same_weight(tmp_path: Path) -> None:
    parts, codes, values = made(4, 32)
    torch.save(parts, tmp_path / "model.pt")
    weight = only_weight(open_model(tmp_path / "model.pt"))
    same_values(weight, codes, values)
    assert (weight.layer, weight.label, weight.role) == ("layer", "weight", "weight")
