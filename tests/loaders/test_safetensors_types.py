"""Values of every safetensors type, bit by bit as the official library wrote and reads them."""

from __future__ import annotations

from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.numpy import save_file as save_arrays
from safetensors.torch import load_file, save_file
from safetensors_files import entry, file_of

from tensorpeek.loaders import DTYPES, LoadError, open_model

TORCH_TYPES = {
    "bool": torch.bool,
    "int8": torch.int8,
    "int16": torch.int16,
    "int32": torch.int32,
    "int64": torch.int64,
    "uint8": torch.uint8,
    "uint16": torch.uint16,
    "uint32": torch.uint32,
    "uint64": torch.uint64,
    "float8_e4m3fn": torch.float8_e4m3fn,
    "float8_e4m3fnuz": torch.float8_e4m3fnuz,
    "float8_e5m2": torch.float8_e5m2,
    "float8_e5m2fnuz": torch.float8_e5m2fnuz,
    "float8_e8m0fnu": torch.float8_e8m0fnu,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
    "float32": torch.float32,
    "float64": torch.float64,
    "complex64": torch.complex64,
}


def _random_bytes(count: int, *, of_bool: bool = False) -> np.ndarray:
    high = 2 if of_bool else 256
    return np.random.default_rng(7).integers(0, high, count, np.uint8)


@pytest.mark.parametrize("name", TORCH_TYPES)
def test_every_type_reads_as_torch_wrote_it(name: str, tmp_path: Path) -> None:
    width = DTYPES[name].bits // 8
    content = _random_bytes(5 * 7 * width, of_bool=name == "bool")
    stored = torch.from_numpy(content).view(TORCH_TYPES[name]).reshape(5, 7)
    path = tmp_path / "m.safetensors"
    save_file({"layer.weight": stored, "layer.scalar": stored[0, 0].clone()}, path)
    model = open_model(path)
    theirs = load_file(path)
    assert {each.name for each in model.tensors} == theirs.keys()
    for tensor in model.tensors:
        expected = theirs[tensor.name]
        assert tensor.dtype == name
        assert tensor.shape == tuple(expected.shape)
        assert tensor.error is None
        expected_bytes = expected.reshape(-1).view(torch.uint8).numpy().tobytes()
        assert tensor.read().tobytes() == expected_bytes


def test_four_bit_floats_count_elements_and_come_low_bits_first(tmp_path: Path) -> None:
    pairs = torch.arange(48, dtype=torch.uint8).reshape(6, 8).view(torch.float4_e2m1fn_x2)
    path = tmp_path / "m.safetensors"
    save_file({"w": pairs}, path)
    [tensor] = open_model(path).tensors
    with safe_open(path, "pt") as theirs:
        assert tensor.shape == tuple(theirs.get_slice("w").get_shape()) == (6, 16)
    codes = np.arange(48, dtype=np.uint8)
    expected = np.stack((codes & 15, codes >> 4), axis=1).reshape(6, 16)
    assert tensor.dtype == "float4_e2m1fn"
    assert tensor.nbytes == 48
    values = expected.view(ml_dtypes.float4_e2m1fn).astype(np.float32)
    assert np.array_equal(tensor.read().astype(np.float32), values)


@pytest.mark.parametrize("kind", ["F6_E2M3", "F6_E3M2"])
def test_six_bit_floats_are_listed_without_values(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    path.write_bytes(file_of({"w": entry(kind, [2, 4], 0, 6)}, bytes(6)))
    with safe_open(path, "pt") as theirs:
        assert list(theirs.keys()) == ["w"]
    [tensor] = open_model(path).tensors
    assert (tensor.shape, tensor.nbytes) == ((2, 4), 6)
    assert tensor.error == f"element type {kind} is not supported"
    with pytest.raises(LoadError, match="not supported"):
        tensor.read()


def test_an_unknown_type_costs_one_tensor(tmp_path: Path) -> None:
    header = {"a": entry("I4\x1b", [3], 0, 2), "b": entry("U8", [2], 2, 4)}
    path = tmp_path / "m.safetensors"
    path.write_bytes(file_of(header, b"\1\2\3\4"))
    odd, good = open_model(path).tensors
    assert odd.error == "element type I4\\x1b is not supported"
    assert odd.nbytes == 2
    assert good.read().tolist() == [3, 4]


def test_scalars_and_empty_arrays_read_as_numpy_wrote_them(tmp_path: Path) -> None:
    arrays = {
        "scalar": np.array(1.5, np.float32),
        "empty": np.empty((0, 3), np.int16),
        "also.empty": np.empty((4, 0), np.float64),
        "last.bias": np.arange(5, dtype=np.int64),
    }
    path = tmp_path / "m.safetensors"
    save_arrays(arrays, path)
    tensors = {each.name: each for each in open_model(path).tensors}
    assert tensors.keys() == arrays.keys()
    for name, expected in arrays.items():
        assert tensors[name].shape == expected.shape
        assert tensors[name].read().dtype == expected.dtype
        assert np.array_equal(tensors[name].read(), expected)
    assert (tensors["last.bias"].layer, tensors["last.bias"].role) == ("last", "bias")


def test_metadata_is_bounded_and_safe_to_show(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    metadata = {"format": "pt", "a\x1b[31m": "b\x07" * 5000} | {f"k{i}": "v" for i in range(1000)}
    save_arrays({"w": np.zeros(1, np.float32)}, path, metadata)
    model = open_model(path)
    shown = model.metadata
    assert len(shown) == 256
    assert all(text.isprintable() for pair in shown.items() for text in pair)
    assert max(map(len, shown.values())) < 10_000
    assert model.warnings == ("holds 1,002 entries of metadata; 256 are shown",)


def test_metadata_that_the_library_refuses_is_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    header = {"__metadata__": {"step": 3, "deep": {"a": 1}}, "w": entry("U8", [1], 0, 1)}
    path.write_bytes(file_of(header, b"x"))
    model = open_model(path)
    assert dict(model.metadata) == {"step": "3", "deep": "(1 entries)"}
    assert model.warnings == (
        "its metadata holds more than texts, which the official library refuses",
    )


def test_names_that_look_alike_stay_apart(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    names = ["a\x1b", "a\\x1b", "", "tensor", "x" * 600, "x" * 601]
    header = {name: entry("U8", [1], i, i + 1) for i, name in enumerate(names)}
    path.write_bytes(file_of(header, bytes(range(6))))
    tensors = open_model(path).tensors
    assert len({each.name for each in tensors}) == 6
    assert [int(each.read()[0]) for each in tensors] == list(range(6))
