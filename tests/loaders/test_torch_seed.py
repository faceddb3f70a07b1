"""The two seed files against the tables of the specification they came with."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tensorpeek.loaders import open_model


def tables(folder: Path) -> tuple[dict[tuple[str, str], list[str]], dict[str, list[str]]]:
    """Read both tables of the folder's README: cells by (layer, label) and by layer."""
    rows = [
        [cell.strip() for cell in line.strip().strip("|").split("|")]
        for line in (folder / "README.md").read_text().splitlines()
        if line.startswith("| conv2d")
    ]
    floats = {(row[0], row[1]): row[2:] for row in rows if row[1] in ("weight", "bias")}
    return floats, {row[0]: row[1:] for row in rows if row[1] not in ("weight", "bias")}


def test_the_float_file_has_the_values_of_its_table(shared_data: Path) -> None:
    model = open_model(shared_data / "seed" / "resnet8.pt")
    expected, _ = tables(shared_data)
    assert len(expected) == 11
    for (layer, label), (shape, params, *statistics) in expected.items():
        group = model.layers[f"model_1/{layer}"]
        [tensor] = [tensor for tensor in group if tensor.label == label]
        values = tensor.read().astype(np.float64)
        assert str(tensor.shape) == shape
        assert f"{tensor.params:,}" == params
        measured = (values.min(), values.max(), values.mean(), values.std())
        assert [f"{value:.4f}" for value in measured] == statistics


def test_the_float_file_lists_each_tensor_once_with_its_other_name(shared_data: Path) -> None:
    model = open_model(shared_data / "seed" / "resnet8.pt")
    assert (model.format, len(model.tensors)) == ("PyTorch", 35)
    assert all(tensor.aliases == (f"state_dict.{tensor.name}",) for tensor in model.tensors)
    first = model.tensors[0]
    assert (first.name, first.layer, first.label) == (
        "model_1/conv2d_1/BiasAdd.weight",
        "model_1/conv2d_1/BiasAdd",
        "weight",
    )
    assert model.metadata["input_shape"] == "(None, 32, 32, 3)"
    assert not model.warnings
    assert "onnx2torch" in model.metadata["pickled classes (not imported)"]


def test_the_quantized_file_has_the_values_of_its_table(shared_data: Path) -> None:
    model = open_model(shared_data / "seed" / "resnet8_int8.pt")
    _, expected = tables(shared_data)
    assert len(expected) == 9
    for layer, (shape, scale, zero_point, raw, real, mean, std) in expected.items():
        weight = model.layers[f"model_1/{layer}"][0]
        codes, values = weight.read("raw"), weight.read().astype(np.float64)
        quantization = weight.quantization
        assert (weight.label, weight.role, str(weight.shape)) == ("weight", "weight", shape)
        assert (quantization.scheme, quantization.axis) == ("per-channel", 0)
        assert (quantization.source, quantization.bits) == ("torch qint8", 8)
        assert f"{quantization.scales().mean():.6f}" == scale
        assert str(quantization.zero_points().max()) == zero_point
        assert f"[{codes.min()}, {codes.max()}]" == raw
        assert f"[{values.min():.4f}, {values.max():.4f}]" == real
        assert [f"{values.mean():.4f}", f"{values.std():.4f}"] == [mean, std]


def test_the_pair_has_the_same_layers_and_close_values(shared_data: Path) -> None:
    floats = open_model(shared_data / "seed" / "resnet8.pt")
    quantized = open_model(shared_data / "seed" / "resnet8_int8.pt")
    assert quantized.format == "TorchScript"
    weights = {tensor.name: tensor for tensor in quantized.tensors if tensor.quantization}
    assert len(weights) == 9
    originals = {tensor.name: tensor for tensor in floats.tensors}
    for name, weight in weights.items():
        error = np.abs(weight.read() - originals[name].read())
        scales = weight.quantization.scales().reshape(-1, 1, 1, 1)
        # half a step of the grid, except where the largest positive value saturates at 127
        assert (error <= scales * 1.01).all()
        assert (error <= scales * 0.501).mean() > 0.99
        bias = name.replace("weight", "bias")
        np.testing.assert_array_equal(
            {tensor.name: tensor for tensor in quantized.tensors}[bias].read(),
            originals[bias].read(),
        )
