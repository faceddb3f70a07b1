"""Tensor subclasses of torchao in safetensors give the values of torchao's own arithmetic.

``flatten_tensor_state_dict`` writes the parts and describes them in the metadata. torchao's
``dequantize_affine`` and ``dequantize`` are restated with torch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hf_files import only_weight, same_values
from safetensors.torch import save_file
from torchao_files import (
    E2M1,
    FEATURES,
    OUT,
    TYPES,
    Parts,
    drawn,
    dtype_of,
    open_described,
    plain,
    scales,
    spread,
)

from tensorpeek.analysis import default_edges, measure, quantization_facts
from tensorpeek.loaders import open_model

types_of = pytest.mark.parametrize("kind", TYPES)

GRIDS = {
    "a scale per row": ((1, FEATURES), (OUT, 1)),
    "one scale": ((OUT, FEATURES), (1, 1)),
    "groups of 16": ((1, 16), (OUT, FEATURES // 16)),
    "blocks of 8 x 32": ((8, 32), (OUT // 8, FEATURES // 32)),
}

grids = pytest.mark.parametrize(("block", "grid"), GRIDS.values(), ids=GRIDS)


@types_of
@grids
def test_integers_of_8_bits(
    tmp_path: Path, kind: str, block: tuple[int, int], grid: tuple[int, int]
) -> None:
    codes, scale, point = drawn(OUT, FEATURES), scales(*grid), drawn(*grid, low=-9, high=9)
    attributes = {"block_size": block, "dtype": dtype_of(kind), "act_quant_kwargs": None}
    parts = {"qdata": codes, "scale": scale, "zero_point": point}
    model = open_described(tmp_path, parts, "Int8Tensor", attributes)
    dtype = TYPES[kind]
    difference = codes.to(dtype) - spread(point, codes.shape).to(dtype)
    values = (difference * spread(scale, codes.shape)).to(dtype)
    weight = only_weight(model)
    same_values(weight, codes, plain(values))
    assert weight.value_type("dequantized").name == kind
    assert weight.quantization is not None
    assert weight.quantization.source == "torchao Int8Tensor"
    summary = measure(weight).summary
    assert (summary.minimum, summary.maximum) == (float(values.min()), float(values.max()))
    assert model.metadata == {"format": "pt"}
    assert [part.label for part in weight.parts] == [f"_weight_{label}" for label in parts]


@types_of
@pytest.mark.parametrize("bits", range(1, 9))
@pytest.mark.parametrize("whole", [True, False], ids=["integer zero points", "float zero points"])
def test_small_integers_in_a_byte_each(
    tmp_path: Path, kind: str, bits: int, *, whole: bool
) -> None:
    dtype, half = TYPES[kind], 1 << bits - 1
    codes = drawn(OUT, FEATURES, low=-half, high=half - 1)
    scale = scales(OUT, 4, dtype=dtype)
    point = drawn(OUT, 4, low=-half, high=half - 1) if whole else scale * 37
    attributes = {
        "target_dtype": dtype_of(f"int{bits}"),
        "block_size": [1, 16],
        "dtype": dtype_of(kind),
        "activation_quantization": None,
    }
    parts = {"qdata": codes, "scale": scale, "zero_point": point}
    model = open_described(tmp_path, parts, "IntxUnpackedToInt8Tensor", attributes)
    difference = codes.to(dtype) - spread(point, codes.shape).to(dtype)
    weight = only_weight(model)
    same_values(weight, codes, plain(difference * spread(scale, codes.shape)))
    assert weight.quantization is not None
    assert weight.quantization.bits == bits


@types_of
@pytest.mark.parametrize("zero", [7.375, float("nan"), float("inf")], ids=str)
def test_one_zero_point_that_is_no_integer(tmp_path: Path, kind: str, zero: float) -> None:
    dtype, codes = TYPES[kind], drawn(OUT, FEATURES)
    scale, point = scales(1, 1, dtype=dtype), torch.full((1, 1), zero, dtype=dtype)
    attributes = {
        "target_dtype": dtype_of("int8"),
        "block_size": [OUT, FEATURES],
        "dtype": dtype_of(kind),
    }
    parts = {"qdata": codes, "scale": scale, "zero_point": point}
    model = open_described(tmp_path, parts, "IntxUnpackedToInt8Tensor", attributes)
    weight, values = only_weight(model), (codes.to(dtype) - point) * scale
    same_values(weight, codes, plain(values))
    found = measure(weight)
    finite = values[values.isfinite()]
    assert found.summary.minimum == (float(finite.min()) if finite.numel() else None)
    assert default_edges(weight, "dequantized", found, 10).bins >= 1
    facts = quantization_facts(weight, measure(weight, "raw"))
    assert facts.zero_point_min == (7 if zero == 7.375 else 0)


@types_of
@grids
@pytest.mark.parametrize("element", [torch.float8_e4m3fn, torch.float8_e5m2], ids=str)
def test_floats_of_8_bits(
    tmp_path: Path, kind: str, element: torch.dtype, block: tuple[int, int], grid: tuple[int, int]
) -> None:
    codes, scale = torch.randn(OUT, FEATURES).to(element), scales(*grid)
    attributes = {"block_size": block, "mm_config": None, "dtype": dtype_of(kind)}
    model = open_described(tmp_path, {"qdata": codes, "scale": scale}, "Float8Tensor", attributes)
    values = (codes.float() * spread(scale, codes.shape)).to(TYPES[kind])
    same_values(only_weight(model), plain(codes), plain(values))


def test_floats_of_8_bits_of_many_experts_with_one_scale_each(tmp_path: Path) -> None:
    codes, scale = torch.randn(3, OUT, FEATURES).to(torch.float8_e4m3fn), scales(3, 1, 1)
    attributes = {"block_size": [1, OUT, FEATURES], "dtype": dtype_of("float32")}
    model = open_described(tmp_path, {"qdata": codes, "scale": scale}, "Float8Tensor", attributes)
    same_values(only_weight(model), plain(codes), plain(codes.float() * scale))


@pytest.mark.parametrize("kind", ["bfloat16", "float16"])
def test_integers_of_4_bits_with_an_offset(tmp_path: Path, kind: str) -> None:
    dtype = TYPES[kind]
    codes = drawn(OUT, FEATURES, low=-8, high=7)
    packed = codes[:, ::2] & 15 | codes[:, 1::2] << 4
    scale, offset = scales(4, OUT, dtype=dtype), scales(4, OUT, dtype=dtype) - 0.05
    attributes = {"block_size": [1, 16], "shape": [OUT, FEATURES], "activation_dtype": None}
    parts = {"qdata": packed, "scale": scale, "zero_point": offset}
    model = open_described(tmp_path, parts, "Int4Tensor", attributes)
    steps, shifts = (spread(each.T, codes.shape).float() for each in (scale, offset))
    values = (codes.float() * steps + shifts).to(dtype)
    weight = only_weight(model)
    same_values(weight, codes, plain(values))
    assert weight.quantization is not None
    want = (-offset.T.float() / scale.T.float()).numpy().reshape(-1)
    np.testing.assert_array_equal(weight.quantization.zero_points(), want.astype(np.float64))


@pytest.mark.parametrize("kind", ["bfloat16", "float32"])
@pytest.mark.parametrize("element", ["float8_e4m3fn", "float4_e2m1fn_x2"])
def test_blocks_with_powers_of_two(tmp_path: Path, kind: str, element: str) -> None:
    exponents = drawn(OUT, 2, low=100, high=127).view(torch.uint8)
    scale = torch.exp2(exponents.float() - 127)
    attributes = {
        "elem_dtype": dtype_of(element),
        "block_size": 32,
        "orig_dtype": dtype_of(kind),
        "is_swizzled_scales": False,
    }
    if element == "float8_e4m3fn":
        codes = torch.randn(OUT, FEATURES).to(torch.float8_e4m3fn)
        stored, levels = codes, codes.float()
    else:
        nibbles = drawn(OUT, FEATURES, low=0, high=15).view(torch.uint8)
        stored, levels = nibbles[:, ::2] | nibbles[:, 1::2] << 4, E2M1[nibbles.long()]
    parts = {"qdata": stored, "scale": exponents.view(torch.float8_e8m0fnu)}
    model = open_described(tmp_path, parts, "MXTensor", attributes)
    values = levels.to(TYPES[kind]) * spread(scale, levels.shape).to(TYPES[kind])
    same_values(only_weight(model), plain(levels), plain(values))


@pytest.mark.parametrize("whole", [None, 0.375], ids=["scales of blocks", "and one of the whole"])
def test_blocks_of_nvfp4(tmp_path: Path, whole: float | None) -> None:
    nibbles = drawn(OUT, FEATURES, low=0, high=15).view(torch.uint8)
    scale = (scales(OUT, 4) * 50).to(torch.float8_e4m3fn)
    parts = {"qdata": nibbles[:, ::2] | nibbles[:, 1::2] << 4, "scale": scale}
    steps = scale.float()
    if whole is not None:
        parts["per_tensor_scale"] = torch.tensor(whole)
        steps = parts["per_tensor_scale"] * steps
    attributes = {"block_size": 16, "orig_dtype": dtype_of("bfloat16"), "is_swizzled_scales": False}
    model = open_described(tmp_path, parts, "NVFP4Tensor", attributes)
    values = (E2M1[nibbles.long()] * spread(steps, nibbles.shape)).to(torch.bfloat16)
    same_values(only_weight(model), plain(E2M1[nibbles.long()]), plain(values))


def _swizzled(scale: torch.Tensor) -> torch.Tensor:
    """Arrange scales as torchao's ``to_blocked`` does."""
    rows, columns = scale.shape
    high, wide = -(-rows // 128), -(-columns // 4)
    padded = torch.zeros(high * 128, wide * 4, dtype=torch.uint8)
    padded[:rows, :columns] = scale.view(torch.uint8)
    blocks = padded.view(high, 128, wide, 4).permute(0, 2, 1, 3)
    turned = blocks.reshape(-1, 4, 32, 4).transpose(1, 2).reshape(high * 32, wide * 16)
    return turned.contiguous().view(scale.dtype)


@pytest.mark.parametrize(("rows", "features"), [(32, 64), (300, 144), (257, 1040)])
def test_swizzled_scales_are_put_in_order(tmp_path: Path, rows: int, features: int) -> None:
    nibbles = drawn(rows, features, low=0, high=15).view(torch.uint8)
    scale = (scales(rows, features // 16) * 50).to(torch.float8_e4m3fn)
    parts = {
        "qdata": nibbles[:, ::2] | nibbles[:, 1::2] << 4,
        "scale": _swizzled(scale),
        "per_tensor_scale": torch.tensor(0.375),
    }
    attributes = {"block_size": 16, "orig_dtype": dtype_of("bfloat16"), "is_swizzled_scales": True}
    model = open_described(tmp_path, parts, "NVFP4Tensor", attributes)
    levels, steps = E2M1[nibbles.long()], 0.375 * scale.float()
    weight = only_weight(model)
    same_values(weight, plain(levels), plain((levels * spread(steps, levels.shape)).bfloat16()))
    assert weight.quantization is not None
    np.testing.assert_array_equal(weight.quantization.scales(), plain(steps).reshape(-1))


def test_swizzled_scales_are_read_in_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tensorpeek.loaders.hf_quantization.weight_codec.BAND", 1024)
    codes = torch.randn(130, 4096).to(torch.float8_e4m3fn)
    exponents = drawn(130, 128, low=100, high=127).view(torch.uint8)
    parts = {"qdata": codes, "scale": _swizzled(exponents).view(torch.float8_e8m0fnu)}
    attributes = {
        "elem_dtype": dtype_of("float8_e4m3fn"),
        "block_size": 32,
        "orig_dtype": dtype_of("float32"),
        "is_swizzled_scales": True,
    }
    weight = only_weight(open_described(tmp_path, parts, "MXTensor", attributes))
    values = codes.float() * spread(torch.exp2(exponents.float() - 127), codes.shape)
    np.testing.assert_array_equal(weight.read(), values.numpy())


@pytest.mark.parametrize("shape", [(32, 4), (31, 16), (64, 16), (512,)], ids=str)
def test_swizzled_scales_that_are_no_tiles_stay(tmp_path: Path, shape: tuple[int, ...]) -> None:
    scale = torch.ones(shape).to(torch.float8_e4m3fn)
    parts = {"qdata": torch.zeros(130, 32, dtype=torch.uint8), "scale": scale}
    attributes = {"block_size": 16, "orig_dtype": dtype_of("bfloat16"), "is_swizzled_scales": True}
    model = open_described(tmp_path, parts, "NVFP4Tensor", attributes)
    if scale.numel() == 2 * 512:  # the two rows of tiles that 130 rows need
        only_weight(model)
    else:
        assert len(model.warnings) == 1


def test_names_of_parts_with_a_colon(tmp_path: Path) -> None:
    codes, scale = drawn(OUT, FEATURES), scales(OUT, 1)
    described = {
        "_type": "Int8Tensor",
        "_data": {"block_size": [1, FEATURES], "dtype": dtype_of("float32")},
    }
    metadata = {"layer.weight": json.dumps(described), "tensor_names": '["layer.weight"]'}
    path = tmp_path / "model.safetensors"
    save_file({"layer.weight:qdata": codes, "layer.weight:scale": scale}, path, metadata)
    same_values(only_weight(open_model(path)), codes, plain(codes.float() * scale))


def test_a_set_of_files_is_joined_by_the_metadata_of_each(tmp_path: Path) -> None:
    attributes = {"block_size": [1, FEATURES], "dtype": dtype_of("float32")}
    codes, scale = drawn(OUT, FEATURES), scales(OUT, 1)
    text = json.dumps({"_type": "Int8Tensor", "_data": attributes})
    metadata = {"layer.weight": text, "tensor_names": '["layer.weight"]'}
    places = {"layer._weight_qdata": codes, "layer._weight_scale": scale}
    index: dict[str, Any] = {"metadata": {}, "weight_map": {}}
    for number, (name, part) in enumerate(places.items(), start=1):
        file = f"model-0000{number}-of-00002.safetensors"
        save_file({name: part}, tmp_path / file, metadata)
        index["weight_map"][name] = file
    path = tmp_path / "model.safetensors.index.json"
    path.write_text(json.dumps(index))
    same_values(only_weight(open_model(path)), codes, plain(codes.float() * scale))


INT8 = {"block_size": [1, FEATURES], "dtype": dtype_of("float32")}
UNKNOWN = {
    "tiles of a kernel": ("Int4TilePackedTo4dTensor", {}, "torchao Int4TilePackedTo4dTensor"),
    "another packing": ("Int4PlainInt32Tensor", {}, "torchao Int4PlainInt32Tensor"),
    "a class of the future": ("Int3\x1b[2JTensor", {}, "torchao Int3"),
}


@pytest.mark.parametrize(("kind", "attributes", "scheme"), UNKNOWN.values(), ids=UNKNOWN)
def test_unknown_classes_are_named_and_their_parts_shown(
    tmp_path: Path, kind: str, attributes: Mapping[str, Any], scheme: str
) -> None:
    parts = {"qdata": torch.zeros(4, 1, 32, 4, dtype=torch.int32), "scale_and_zero": scales(2, 4)}
    model = open_described(tmp_path, parts, kind, attributes, {"quant_method": "torchao"})
    [warning] = model.warnings
    assert warning.startswith(f"quantization scheme {scheme}")
    assert warning.endswith("is not known: its parts are shown as stored")
    assert "\x1b" not in warning
    names = {tensor.name for tensor in model.tensors}
    assert names == {"layer._weight_qdata", "layer._weight_scale_and_zero", "layer.bias"}


DAMAGED: dict[str, dict[str, Any]] = {
    "no block": {"block_size": None},
    "a block of text": {"block_size": "x"},
    "a block of 0": {"block_size": [0, FEATURES]},
    "a negative block": {"block_size": [-1, FEATURES]},
    "a block that does not divide": {"block_size": [1, 48]},
    "a block of a thousand axes": {"block_size": [1] * 1000},
    "a huge block": {"block_size": [1 << 62, 1 << 62]},
    "a block that skips rows": {"block_size": [OUT, 1]},
    "scales of another block": {"block_size": [1, 16]},
    "no type": {"dtype": None},
    "an unknown type": {"dtype": dtype_of("int4")},
    "a type that is a list": {"dtype": {"_type": [], "_data": []}},
}


@pytest.mark.parametrize("changed", DAMAGED.values(), ids=DAMAGED)
def test_descriptions_that_fit_nothing_leave_the_parts(
    tmp_path: Path, changed: Mapping[str, Any]
) -> None:
    parts = {"qdata": drawn(OUT, FEATURES), "scale": scales(OUT, 1)}
    model = open_described(tmp_path, parts, "Int8Tensor", {**INT8, **changed})
    [warning] = model.warnings
    assert "1 quantized weight is shown as stored parts" in warning
    assert {tensor.name for tensor in model.tensors} == {
        *("layer._weight_qdata", "layer._weight_scale", "layer.bias")
    }
    for tensor in model.tensors:
        tensor.read()


ODD_PARTS: dict[str, Parts] = {
    "no scale": {"qdata": drawn(OUT, FEATURES)},
    "no codes": {"scale": scales(OUT, 1)},
    "too few scales": {"qdata": drawn(OUT, FEATURES), "scale": scales(3, 1)},
    "codes of floats": {"qdata": scales(OUT, FEATURES), "scale": scales(OUT, 1)},
    "codes of one axis": {"qdata": drawn(FEATURES), "scale": scales(1)},
    "no elements": {"qdata": drawn(0, FEATURES), "scale": scales(0, 1)},
    "too many zero points": {
        "qdata": drawn(OUT, FEATURES),
        "scale": scales(OUT, 1),
        "zero_point": drawn(OUT, 2),
    },
}


@pytest.mark.parametrize("kind", ["Int8Tensor", "Float8Tensor", "Int4Tensor", "MXTensor"])
@pytest.mark.parametrize("parts", ODD_PARTS.values(), ids=ODD_PARTS)
def test_parts_that_fit_nothing_are_shown(tmp_path: Path, kind: str, parts: Parts) -> None:
    model = open_described(
        tmp_path, parts, kind, {**INT8, "shape": [OUT, FEATURES], "block_size": [1, 64]}
    )
    assert len(model.warnings) == 1
    assert {tensor.label for tensor in model.tensors} == {
        "bias",
        *(f"_weight_{label}" for label in parts),
    }


TEXTS = {
    "no JSON": '{"_type": ',
    "a list": '{"_type": []}',
    "deep JSON": '{"_type":' + "[" * 30_000,
    "long JSON": '{"_type": "Int8Tensor", "_data": {}, "x": "' + "x" * 100_000 + '"}',
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_metadata_that_make_no_sense_join_nothing(tmp_path: Path, text: str) -> None:
    path = tmp_path / "model.safetensors"
    parts = {"layer._weight_qdata": drawn(4, 8), "layer._weight_scale": scales(4, 1)}
    save_file(parts, path, {"layer.weight": text, "tensor_names": "[]"})
    assert {tensor.name for tensor in open_model(path).tensors} == parts.keys()


def test_a_config_of_torchao_without_descriptions_is_not_known(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_file({"layer._weight_qdata": drawn(4, 8)}, path)
    text = json.dumps({"quantization_config": {"quant_method": "torchao"}})
    path.with_name("config.json").write_text(text)
    [warning] = open_model(path).warnings
    assert warning == (
        "quantization method torchao describes no tensor here: its parts are shown as stored"
    )
