"""The sample models: complete, small, alike in their layers, and silent on where they were made."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper

from tensorpeek.loaders import open_model

FILES = (
    "resnet8.pt",
    "resnet8_int8.pt",
    "resnet8.onnx",
    "resnet8_int8_qdq.onnx",
    "resnet8_uint8_qoperator.onnx",
)
LAYERS = [*(f"conv2d_{number}" for number in range(1, 10)), "dense"]
LOCAL_PATH = re.compile(rb"/(?:work|root|tmp|home|Users|usr|opt|var)/|site-packages")


def test_the_samples_take_less_than_two_megabytes(samples: Path) -> None:
    assert sum((samples / name).stat().st_size for name in FILES) < 2_000_000


@pytest.mark.parametrize("name", FILES)
def test_no_path_of_the_machine_that_built_it_is_inside(samples: Path, name: str) -> None:
    path = samples / name
    contents = [path.read_bytes()]
    if path.suffix == ".pt":
        with zipfile.ZipFile(path) as archive:
            contents = [entry.filename.encode() + archive.read(entry) for entry in archive.filelist]
    assert not [match.group() for content in contents for match in LOCAL_PATH.finditer(content)]


@pytest.mark.parametrize("name", FILES)
def test_the_readme_tells_the_accuracy_of_each_file(samples: Path, name: str) -> None:
    readme = (samples / "README.md").read_text(encoding="utf-8")
    row = re.search(rf"\| `{re.escape(name)}` \| ([\d.]+)% \| (\d+) / 360 \|", readme)
    assert row is not None
    assert float(row[1]) == pytest.approx(100 * int(row[2]) / 360, abs=0.005)
    assert float(row[1]) > 95


@pytest.mark.parametrize("name", FILES)
def test_weights_stand_in_layers_of_the_same_names(samples: Path, name: str) -> None:
    layers = open_model(samples / name).layers
    weighted = [
        layer for layer, group in layers.items() if any(tensor.role == "weight" for tensor in group)
    ]
    assert sorted(weighted) == LAYERS


def test_float_weights_are_those_torch_reads(samples: Path) -> None:
    checkpoint = torch.load(samples / "resnet8.pt", weights_only=False)
    assert checkpoint["input_shape"] == (1, 3, 32, 32)
    assert checkpoint["output_shape"] == (1, 10)
    layers = open_model(samples / "resnet8.pt").layers
    for layer in LAYERS:
        for tensor in layers[layer]:
            expected = checkpoint["state_dict"][f"{layer}.{tensor.label}"].numpy()
            np.testing.assert_array_equal(tensor.read(), expected)


def test_float_weights_are_the_same_in_onnx(samples: Path) -> None:
    state = torch.load(samples / "resnet8.pt", weights_only=False)["state_dict"]
    graph = onnx.load(samples / "resnet8.onnx").graph
    arrays = {entry.name: numpy_helper.to_array(entry) for entry in graph.initializer}
    assert arrays.keys() == state.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, state[name].numpy())


def table_rows(samples: Path, layer: str, heading: str) -> list[list[str]]:
    """The cells of a layer's rows in the README's table under a heading."""
    section = (samples / "README.md").read_text(encoding="utf-8").split(f"## {heading} tables")[1]
    lines = section.split("\n## ")[0].splitlines()
    return [line.strip("| ").split(" | ") for line in lines if line.startswith(f"| {layer} |")]


def moments(values: torch.Tensor) -> list[float]:
    doubles = values.double()
    return [function().item() for function in (doubles.min, doubles.max, doubles.mean)] + [
        doubles.std(correction=0).item()
    ]


@pytest.mark.parametrize("layer", LAYERS)
def test_the_readme_tells_the_float_values_that_torch_computes(samples: Path, layer: str) -> None:
    state = torch.load(samples / "resnet8.pt", weights_only=False)["state_dict"]
    rows = table_rows(samples, layer, "FP32")
    assert [row[1] for row in rows] == ["weight", "bias"]
    for row in rows:
        values = state[f"{layer}.{row[1]}"]
        assert row[2:4] == [str(tuple(values.shape)), f"{values.numel():,}"]
        assert [float(cell) for cell in row[4:]] == pytest.approx(moments(values), abs=5.1e-5)


@pytest.mark.filterwarnings("ignore")  # TorchScript and quantized tensors are deprecated
@pytest.mark.parametrize("layer", LAYERS)
def test_the_readme_tells_the_int8_values_that_torch_computes(samples: Path, layer: str) -> None:
    module = getattr(torch.jit.load(samples / "resnet8_int8.pt"), layer)
    is_dense = layer == "dense"
    unpack = torch.ops.quantized.linear_unpack if is_dense else torch.ops.quantized.conv2d_unpack
    packed = module._packed_params._packed_params if is_dense else module._packed_params
    weight, _ = unpack(packed)
    (row,) = table_rows(samples, layer, "INT8")
    codes = weight.int_repr()
    assert row[1:3] == [str(tuple(weight.shape)), f"{weight.numel():,}"]
    assert float(row[3]) == pytest.approx(weight.q_per_channel_scales().mean().item(), abs=5.1e-7)
    assert float(row[4]) == weight.q_per_channel_zero_points().double().mean().item()
    assert row[5] == f"[{codes.min().item()}, {codes.max().item()}]"
    assert [float(cell) for cell in row[6:]] == pytest.approx(
        moments(weight.dequantize()), abs=5.1e-5
    )


@pytest.mark.parametrize("layer", LAYERS)
def test_int8_weights_are_float_weights_within_half_a_step(samples: Path, layer: str) -> None:
    plain = open_model(samples / "resnet8.pt").layers[layer][0].read()
    packed = open_model(samples / "resnet8_int8.pt").layers[layer][0]
    assert packed.quantization is not None
    scales = packed.quantization.scales().reshape(-1, *[1] * (plain.ndim - 1))
    # The step is 2 max / 255: the largest positive value is cut off at code 127, a half step short.
    assert np.all(np.abs(packed.read() - plain) <= 0.5001 * scales)
