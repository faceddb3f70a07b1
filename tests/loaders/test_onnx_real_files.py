"""ONNX files that other programs wrote, against what those programs say is in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from onnx_models import named, open_onnx

from tensorpeek.loaders import Model, Tensor

FILES = (
    "all_tensor_types",
    "slim320_qdq_int8_perchannel",
    "slim320_qoperator_uint8",
    "slim320_qdq_int4",
    "tinygpt2_matmulnbits",
)


def _truth(folder: Path, name: str) -> list[dict[str, Any]]:
    path = folder / "formats" / "truth" / "onnx" / f"{name}.onnx.json"
    rows: list[dict[str, Any]] = json.loads(path.read_text())
    return rows


def _find(model: Model, name: str) -> Tensor:
    """A tensor of its own, or the scale or zero point of one."""
    parts = {
        part.name: part
        for each in model.tensors
        if each.quantization is not None
        for part in (each.quantization.scale, each.quantization.zero_point)
        if part is not None
    }
    return parts[name] if name in parts else named(model, name)


@pytest.mark.parametrize("name", FILES)
def test_every_tensor_has_the_statistics_of_its_truth(shared_data: Path, name: str) -> None:
    model = open_onnx(shared_data / "formats" / "onnx" / f"{name}.onnx")
    original = {
        each.name: each
        for each in onnx.load(shared_data / "formats" / "onnx" / f"{name}.onnx").graph.initializer
    }
    for row in _truth(shared_data, name):
        if name.startswith("tinygpt2") and row["name"].endswith("_Q4"):
            continue
        tensor = _find(model, row["name"])
        assert list(tensor.shape) == row["shape"]
        if tensor.error is not None:
            assert row["dtype"] == "STRING"
            continue
        values = tensor.read("raw")
        array = numpy_helper.to_array(original[row["name"]])
        both = np.stack([values.reshape(-1), array.reshape(-1)]).astype(np.complex128)
        assert np.array_equal(both[0], both[1], equal_nan=True)
        if "min" in row and values.dtype.kind != "c":
            _compare(values, row)
        if "dequant" in row:
            _compare(tensor.read(), row["dequant"])
            quantization = tensor.quantization
            assert quantization is not None
            assert quantization.axis == row["quant"]["axis"]
            _compare_list(quantization.scales(), row["quant"]["scale"])
            _compare_list(quantization.zero_points(), row["quant"]["zero_point"])


def _compare(values: np.ndarray[Any, Any], row: dict[str, Any]) -> None:
    numbers = values.astype(np.float64)
    finite = numbers[np.isfinite(numbers)]
    assert numbers.size == row["numel"]
    assert np.isnan(numbers).sum() == row.get("n_nan", 0)
    rounding = 2**-23 * np.abs(finite).max()  # the truth multiplies in float64, ONNX in float32
    for measure in ("min", "max", "mean", "std"):
        wanted = row.get("finite", row)[measure]
        assert getattr(finite, measure)() == pytest.approx(wanted, rel=1e-6, abs=rounding)


def _compare_list(values: np.ndarray[Any, Any], wanted: list[float] | dict[str, Any]) -> None:
    if isinstance(wanted, list):
        assert values.tolist() == wanted
        return
    assert values.size == wanted["n"]
    assert values[:4].tolist() == wanted["first"][:4]
    assert (values.min(), values.max()) == (wanted["min"], wanted["max"])


def test_the_same_network_has_the_same_layers_in_three_codings(shared_data: Path) -> None:
    layers = []
    for name in FILES[1:4]:
        model = open_onnx(shared_data / "formats" / "onnx" / f"{name}.onnx")
        layers.append({each.layer: each.params for each in model.tensors if each.role == "weight"})
    assert layers[0] == layers[1] == layers[2]
    assert len(layers[0]) > 30


def test_packed_blocks_are_what_their_bytes_say(shared_data: Path) -> None:
    path = shared_data / "formats" / "onnx" / "tinygpt2_matmulnbits.onnx"
    original = {
        each.name: numpy_helper.to_array(each) for each in onnx.load(path).graph.initializer
    }
    model = open_onnx(path)
    packed = [each for each in model.tensors if each.quantization is not None]
    assert len(packed) == 16
    for tensor in packed:
        (name,) = (each for each in tensor.aliases if each.endswith("_Q4"))
        stored, scale = original[name], original[name.removesuffix("_Q4") + "_scales"]
        codes = np.stack([stored & 15, stored >> 4], -1).reshape(*stored.shape[:2], -1)
        wanted = (codes.astype(np.float32) - 8) * scale.reshape(*stored.shape[:2], 1)
        assert tensor.read().tobytes() == wanted.astype(np.float32).tobytes()
