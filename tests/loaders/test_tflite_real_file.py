"""A TFLite file that TensorFlow's converter wrote, against its own flatbuffer and its origin."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tflite

from tensorpeek.loaders import Model, open_model

CONVOLUTIONS = 9
INITIALIZER = "initializers.onnx_initializer_"


@pytest.fixture(scope="module")
def path(shared_data: Path) -> Path:
    return shared_data / "tiny" / "pretrainedResnet_quant.tflite"


@pytest.fixture(scope="module")
def quantized(path: Path) -> Model:
    return open_model(path)


@pytest.fixture(scope="module")
def original(shared_data: Path) -> Model:
    return open_model(shared_data / "seed" / "resnet8.pt")


def test_every_constant_is_what_the_generated_reader_says(path: Path, quantized: Model) -> None:
    root = tflite.Model.GetRootAsModel(path.read_bytes(), 0)
    graph = root.Subgraphs(0)
    by_name = {name: each for each in quantized.tensors for name in (each.name, *each.aliases)}
    seen = 0
    for index in range(graph.TensorsLength()):
        truth = graph.Tensors(index)
        buffer = root.Buffers(truth.Buffer())
        if not buffer.DataLength():
            continue
        seen += 1
        tensor = by_name[truth.Name().decode()]
        assert tensor.shape == tuple(truth.ShapeAsNumpy())
        assert tensor.read("raw").tobytes() == buffer.DataAsNumpy().tobytes()
        grid = truth.Quantization()
        if not grid.ScaleLength():
            assert tensor.quantization is None
            continue
        assert tensor.quantization is not None
        np.testing.assert_array_equal(tensor.quantization.scales(), grid.ScaleAsNumpy())
        np.testing.assert_array_equal(tensor.quantization.zero_points(), grid.ZeroPointAsNumpy())
    assert seen == len(quantized.tensors)
    assert quantized.warnings == ()


def test_facts_are_those_of_the_file(path: Path, quantized: Model) -> None:
    root = tflite.Model.GetRootAsModel(path.read_bytes(), 0)
    entry = root.Metadata(0)
    text = root.Buffers(entry.Buffer()).DataAsNumpy().tobytes().rstrip(b"\0").decode()
    assert quantized.metadata[entry.Name().decode()] == text
    assert quantized.metadata["description"] == root.Description().decode()
    assert quantized.metadata["schema version"] == str(root.Version())
    assert quantized.metadata["graphs"] == root.Subgraphs(0).Name().decode()


def test_layers_are_those_of_the_network(quantized: Model) -> None:
    names = ["model/conv2d", *(f"model/conv2d_{each}" for each in range(1, CONVOLUTIONS))]
    assert list(quantized.parameter_layers) == [*names, "model/dense"]
    for name in quantized.parameter_layers:
        assert [each.role for each in quantized.layers[name]] == ["weight", "bias"]


FOLDED = {"": 0, "_1": 1, "_2": 2, "_3": 3, "_4": 4, "_6": 5, "_7": 6}
"""Which batch norm stands behind ``conv2d``, ``conv2d_1`` ...; the shortcuts have none."""
ORIGINS = {"": "conv2d_1/", "_1": "conv2d_1_2/"}
"""What those layers are called in the float network, where it is not ``conv2d_2_1/``."""


def _float_layer(original: Model, layer: str) -> tuple[np.ndarray, np.ndarray]:
    """The float weight and bias of a layer, the batch norm behind it folded into them.

    Of the batch norm number n the float network has the factor as initializer 2n, the summand as
    2n + 1.
    """
    values = {each.name: each.read() for each in original.tensors}
    if layer == "model/dense":
        return values[f"{INITIALIZER}15"].T, values[f"{INITIALIZER}16"]
    number = layer.removeprefix("model/conv2d")
    origin = ORIGINS.get(number, f"conv2d{number}_1/")
    weight, bias = (
        next(value for name, value in values.items() if origin in name and name.endswith(label))
        for label in (".weight", ".bias")
    )
    if number not in FOLDED:
        return weight, bias
    factor = values[f"{INITIALIZER}{2 * FOLDED[number]}"].reshape(-1)
    summand = values[f"{INITIALIZER}{2 * FOLDED[number] + 1}"].reshape(-1)
    return weight * factor.reshape(-1, 1, 1, 1), bias * factor + summand


def test_every_layer_is_within_half_a_step_of_the_float_network(
    quantized: Model, original: Model
) -> None:
    for name in quantized.parameter_layers:
        for tensor, expected in zip(
            quantized.layers[name], _float_layer(original, name), strict=True
        ):
            assert tensor.quantization is not None
            values = tensor.read()
            if values.ndim == 4:  # OHWI to OIHW
                values = values.transpose(0, 3, 1, 2)
            step = tensor.quantization.scales().reshape(-1, *[1] * (values.ndim - 1))
            error = np.abs(values.astype(np.float64) - expected) / step
            rounding = 4 * np.finfo(np.float32).eps * np.abs(expected) / step
            assert np.all(error <= 0.5 + 1e-3 + rounding)
