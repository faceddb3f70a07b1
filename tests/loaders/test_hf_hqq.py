"""HQQ weights, packed as hqq's ``BitPack`` does it, with every setting encoded as a tensor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hf_files import only_weight, open_written, same_values, write_model
from numpy.typing import NDArray

from tensorpeek.analysis import measure, quantization_facts
from tensorpeek.loaders import Model, open_model

Setting = torch.Tensor | torch.Size | torch.dtype | float | str

CONFIG = {"quant_method": "hqq", "quant_config": {"weight_quant_params": {"nbits": 4}}}
PER_WORD = {"8bit_u8": 1, "4bit_u8": 2, "3bit_32": 10, "2bit_u8": 4, "1bit_u8": 8}
PACKINGS = {
    8: "8bit_u8", 6: "8bit_u8", 5: "8bit_u8", 4: "4bit_u8", 3: "3bit_32", 2: "2bit_u8",
    1.58: "2bit_u8", 1: "1bit_u8",
}  # fmt: skip


def pack(codes: torch.Tensor, packing: str) -> torch.Tensor:
    """Pack rows: the first half of them in the upper bits, and so on (``BitPack.pack_...``)."""
    count = PER_WORD[packing]
    bits = int(packing[0])
    word = torch.int32 if packing == "3bit_32" else torch.uint8
    step = -(-len(codes) // count)
    filled = torch.zeros((step * count, codes.shape[1]), dtype=word)
    filled[: len(codes)] = codes
    packed = torch.zeros((step, codes.shape[1]), dtype=word)
    for index in range(count):
        packed |= filled[index * step : (index + 1) * step] << bits * (count - 1 - index)
    return packed


def encoded(value: Setting) -> torch.Tensor:
    """Make a setting a tensor (``encode_safetensor_type``)."""
    if isinstance(value, torch.Tensor):
        return value
    if isinstance(value, torch.Size):
        return torch.tensor(value)
    if isinstance(value, bool):
        return torch.tensor(int(value), dtype=torch.uint8)
    if isinstance(value, int):
        return torch.tensor(value, dtype=torch.int32)
    if isinstance(value, float):
        return torch.tensor(value, dtype=torch.float32)
    return torch.tensor([ord(letter) for letter in str(value)], dtype=torch.uint8)


def made(
    nbits: float,
    axis: int = 1,
    *,
    shape: tuple[int, int] = (48, 80),
    group: int = 16,
    dtype: torch.dtype = torch.float16,
    viewed: bool = False,
) -> tuple[dict[str, Any], Any, Any]:
    """Return the encoded state of a layer, its codes, and its values by hqq's formula."""
    generator = torch.Generator().manual_seed(int(nbits * 10) + axis)
    grid = (group, -1) if axis == 0 else (-1, group)
    codes = torch.randint(0, round(2**nbits), shape, generator=generator, dtype=torch.int32)
    groups = (1, codes.numel() // group) if axis == 0 else (codes.numel() // group, 1)
    scale = (torch.rand(groups, generator=generator) / 50).to(dtype)
    zero = (torch.rand(groups, generator=generator) * 2**nbits).to(dtype)
    packing = PACKINGS[nbits]
    stored = pack(codes.reshape(grid), packing)
    state = {
        "W_q": stored.view(dtype) if viewed else stored, "scale": scale, "zero": zero,
        "nbits": nbits, "group_size": group, "shape": torch.Size(shape), "axis": axis,
        "packing": packing, "unpack_view_dtype": stored.dtype, "view_as_float": viewed,
        "quant_scale": False, "quant_zero": False, "compute_dtype": dtype, "offload_meta": False,
        "encoded_state_dict": True, "stores_quant_config": True, "channel_wise": True,
        "optimize": True, "round_zero": nbits == 4, "bias": torch.zeros(shape[0], dtype=dtype),
    }  # fmt: skip
    values = ((codes.reshape(grid).to(dtype) - zero) * scale).reshape(shape)
    return {f"layer.{label}": encoded(value) for label, value in state.items()}, codes, values


def floats(values: torch.Tensor) -> NDArray[np.float32]:
    return np.asarray(values.float())


@pytest.mark.parametrize("nbits", PACKINGS)
@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("told", [True, False], ids=["told by a config", "told by its parts"])
def test_both_views_are_those_of_hqq(tmp_path: Path, nbits: float, axis: int, told: bool) -> None:
    parts, codes, values = made(nbits, axis)
    model = open_written(tmp_path, parts, CONFIG if told else None)
    weight = only_weight(model)
    same_values(weight, codes, floats(values))
    assert {tensor.name for tensor in model.tensors} == {"layer.weight", "layer.bias"}
    assert weight.quantization is not None
    facts = weight.quantization
    assert (facts.source, facts.scheme, facts.axis, facts.block) == ("HQQ", "blockwise", axis, 16)
    assert facts.bits == (2 if nbits == 1.58 else nbits)
    np.testing.assert_array_equal(facts.scales(), floats(parts["layer.scale"]).reshape(-1))
    np.testing.assert_array_equal(facts.zero_points(), floats(parts["layer.zero"]).reshape(-1))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("axis", [0, 1])
def test_the_difference_is_rounded_before_it_is_scaled(
    tmp_path: Path, dtype: torch.dtype, axis: int
) -> None:
    parts, codes, values = made(8, axis, dtype=dtype)
    weight = only_weight(open_written(tmp_path, parts))
    same_values(weight, codes, floats(values))
    assert str(weight.value_type("dequantized")) == str(dtype).removeprefix("torch.")


@pytest.mark.parametrize("nbits", [8, 4, 3, 2, 1])
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
def test_codes_that_are_stored_as_floats(tmp_path: Path, nbits: int, dtype: torch.dtype) -> None:
    parts, codes, values = made(nbits, dtype=dtype, viewed=True)
    assert parts["layer.W_q"].is_floating_point()
    same_values(only_weight(open_written(tmp_path, parts)), codes, floats(values))


def test_one_group_for_each_row_is_per_channel(tmp_path: Path) -> None:
    parts, codes, values = made(4, group=80)
    weight = only_weight(open_written(tmp_path, parts))
    same_values(weight, codes, floats(values))
    assert weight.quantization is not None
    assert (weight.quantization.scheme, weight.quantization.axis) == ("per-channel", 0)


@pytest.mark.parametrize("nbits", [4, 3])
@pytest.mark.parametrize("axis", [0, 1])
def test_values_come_in_order_across_the_bands_that_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nbits: int, axis: int
) -> None:
    monkeypatch.setattr("tensorpeek.loaders.hf_quantization.weight_codec.BAND", 1024)
    parts, codes, values = made(nbits, axis, shape=(96, 320), group=32)
    same_values(only_weight(open_written(tmp_path, parts)), codes, floats(values))


def test_the_weight_can_be_measured(tmp_path: Path) -> None:
    parts, codes, values = made(3)
    weight = only_weight(open_written(tmp_path, parts, CONFIG))
    raw = measure(weight, "raw")
    assert (raw.summary.minimum, raw.summary.maximum) == (codes.min(), codes.max())
    assert measure(weight).summary.mean == pytest.approx(float(values.double().mean()))
    facts = quantization_facts(weight, raw)
    assert (facts.source, facts.bits, facts.block, facts.groups) == ("HQQ", 3, 16, 240)


def test_a_torch_file_with_the_same_tensors_shows_the_same_weight(tmp_path: Path) -> None:
    parts, codes, values = made(4, 0)
    torch.save(parts, tmp_path / "model.pt")
    same_values(only_weight(open_model(tmp_path / "model.pt")), codes, floats(values))


def saved(
    folder: Path, nbits: float, axis: int, /, *, nested: bool = False, **changes: object
) -> tuple[Model, Any, Any]:
    """Save a layer as ``save_quantized`` does: a dictionary of settings that are no tensors."""
    group = changes.pop("group", 16)
    assert isinstance(group, int)
    dtype = torch.bfloat16 if nbits == 8 else torch.float16
    encodings, codes, values = made(nbits, axis, dtype=dtype, group=group)
    state: dict[str, Any] = {
        key: encodings[f"layer.{key}"] for key in ("W_q", "scale", "zero", "bias")
    }
    packing = PACKINGS[nbits]
    state |= {
        "nbits": nbits, "group_size": group, "shape": torch.Size([48, 80]), "axis": axis,
        "packing": packing, "unpack_view_dtype": state["W_q"].dtype, "view_as_float": False,
        "quant_scale": False, "quant_zero": False, "compute_dtype": dtype, **changes,
    }  # fmt: skip
    if nested:
        outer = {key: state.pop(key) for key in ("W_q", "bias")}
        state = {**outer, "meta": state}
    other = {"weight": torch.ones(3, 4)}
    torch.save({"model.layers.0.q": state, "model.norm": other}, folder / "qmodel.pt")
    return open_model(folder / "qmodel.pt"), codes, values


@pytest.mark.parametrize("nbits", PACKINGS)
@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("nested", [False, True], ids=["settings beside the codes", "in a meta"])
def test_settings_that_are_pickled(
    tmp_path: Path, nbits: float, axis: int, *, nested: bool
) -> None:
    model, codes, values = saved(tmp_path, nbits, axis, nested=nested)
    weight = only_weight(model, "model.layers.0.q.weight")
    same_values(weight, codes, floats(values))
    names = {tensor.name for tensor in model.tensors}
    assert names == {"model.layers.0.q.weight", "model.layers.0.q.bias", "model.norm.weight"}
    assert weight.layer == "model.layers.0.q"


@pytest.mark.parametrize(("axis", "group"), [(0, 48), (1, 80)])
def test_a_layer_without_groups(tmp_path: Path, axis: int, group: int) -> None:
    model, codes, values = saved(tmp_path, 4, axis, group=group, group_size=None)
    same_values(only_weight(model, "model.layers.0.q.weight"), codes, floats(values))


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"packing": "4bit_32"}, id="another packing"),
        pytest.param({"packing": "x" * 1000}, id="a long packing"),
        pytest.param({"shape": (-48, 80)}, id="a negative size"),
        pytest.param({"shape": (1 << 62, 1 << 62)}, id="endless sizes"),
        pytest.param({"shape": (48, 81)}, id="another size"),
        pytest.param({"axis": "1"}, id="an axis of text"),
        pytest.param({"axis": 1 << 80}, id="an axis beyond all"),
        pytest.param({"axis": [1]}, id="an axis that is a list"),
        pytest.param({"group_size": 0}, id="groups of nothing"),
        pytest.param({"group_size": 0.5}, id="half a group"),
        pytest.param({"quant_scale": True}, id="quantized scales"),
    ],
)
@pytest.mark.parametrize("nested", [False, True], ids=["settings beside the codes", "in a meta"])
def test_pickled_settings_that_do_not_fit_leave_the_parts(
    tmp_path: Path, changes: dict[str, Any], *, nested: bool
) -> None:
    model, _, _ = saved(tmp_path, 4, 1, nested=nested, **changes)
    [warning] = model.warnings
    assert "1 quantized weight is shown as stored parts" in warning
    labels = {tensor.label for tensor in model.tensors}
    assert {"W_q", "scale", "zero"} <= {label.removeprefix("meta.") for label in labels}
    for tensor in model.tensors:
        tensor.read()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"packing": None}, "there is no packing", id="no packing"),
        pytest.param({"packing": "4bit_32"}, "its packing is unknown", id="another packing"),
        pytest.param({"shape": None}, "there is no shape", id="no shape"),
        pytest.param({"shape": torch.tensor([-48, -80])}, "impossible", id="negative sizes"),
        pytest.param({"shape": torch.tensor([1 << 62, 4])}, "impossible", id="endless sizes"),
        pytest.param({"shape": torch.ones(9, dtype=torch.int64)}, "9 numbers", id="nine axes"),
        pytest.param({"shape": torch.tensor([48, 160])}, "bytes for 480 x 16", id="twice the size"),
        pytest.param({"axis": 2}, "impossible", id="a third axis"),
        pytest.param({"group_size": 0}, "groups of 0", id="groups of nothing"),
        pytest.param({"group_size": 7}, "groups of 7", id="groups that do not fill it"),
        pytest.param({"group_size": 32}, "has the shape", id="groups of another size"),
        pytest.param({"axis": 0}, "has the shape", id="the other axis"),
        pytest.param({"quant_zero": True}, "quantized themselves", id="quantized zero points"),
        pytest.param({"view_as_float": True, "packing": "2bit_u8"}, "bytes for", id="half of it"),
        pytest.param({"zero": torch.zeros(240, 1)}, "zero has the type", id="zero of another type"),
        pytest.param({"scale": None}, "there is no scale", id="no scale"),
        pytest.param({"W_q": torch.zeros(120, 16)}, "W_q has the type", id="codes as floats"),
    ],
)
def test_parts_that_do_not_fit_stay_as_they_are(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    parts, _, _ = made(4)
    for label, value in changes.items():
        del parts[f"layer.{label}"]
        if value is not None:
            parts[f"layer.{label}"] = encoded(value)
    model = open_model(write_model(tmp_path, parts, CONFIG))
    assert {tensor.name for tensor in model.tensors} == set(parts)
    (warning,) = model.warnings
    assert warning.startswith("1 quantized weight is shown as stored parts, such as layer.W_q: ")
    assert reason in warning


def test_weights_of_queries_are_no_parts(tmp_path: Path) -> None:
    model = open_written(
        tmp_path, {"attention.W_q": torch.ones(4, 4), "attention.scale": torch.ones(1)}
    )
    assert model.warnings == ()
    assert {tensor.label for tensor in model.tensors} == {"W_q", "scale"}
