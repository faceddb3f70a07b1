"""Layers, labels, roles and values of Keras files, in the layouts of TF-Keras and Keras 3."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import ml_dtypes
import numpy as np
import pytest
from keras_files import (
    layer,
    numbers,
    sequential,
    write_archive,
    write_lists,
    write_numbered,
)

from tensorpeek.loaders import open_model
from tensorpeek.loaders.model import Model

KERNEL, BIAS = numbers(3, 3, 2, 4), numbers(4)


def _rows(model: Model) -> list[tuple[str, str, str]]:
    return [(one.layer, one.label, one.role) for one in model.tensors]


def test_weights_of_tf_keras_stand_in_the_order_of_its_lists(tmp_path: Path) -> None:
    layers = {
        "z_conv": {"z_conv/kernel:0": KERNEL, "z_conv/bias:0": BIAS},
        "a_norm": {
            f"a_norm/{name}:0": numbers(4, seed=seed)
            for seed, name in enumerate(("gamma", "beta", "moving_mean", "moving_variance"))
        },
        "flatten": {},
    }
    model = open_model(write_lists(tmp_path / "m.h5", layers, keras_version="2.4.0"))
    assert model.format == "Keras HDF5"
    assert model.metadata["keras_version"] == "2.4.0"
    assert "in, out" in model.metadata["kernel layout"]
    assert _rows(model) == [
        ("z_conv", "kernel", "weight"),
        ("z_conv", "bias", "bias"),
        ("a_norm", "gamma", "weight"),
        ("a_norm", "beta", "bias"),
        ("a_norm", "moving_mean", "running mean"),
        ("a_norm", "moving_variance", "running variance"),
    ]
    assert model.tensors[0].name == "z_conv/kernel:0"
    np.testing.assert_array_equal(model.tensors[0].read(), KERNEL)


@pytest.mark.parametrize(
    ("group", "weight", "expected"),
    [
        ("dense", "dense/kernel:0", "dense"),
        ("model_1", "inner/kernel:0", "model_1/inner"),
        ("dense", "sequential/dense/kernel", "dense"),
        ("lstm", "lstm/lstm_cell/kernel:0", "lstm/lstm_cell"),
        ("block/conv", "block/conv/kernel:0", "block/conv"),
        ("dense", "kernel:0", "dense"),
    ],
    ids=[
        "a layer",
        "a layer of a model within",
        "a layer whose weights name the model too",
        "a cell",
        "a layer with a slash in its name",
        "a weight without its layer's name",
    ],
)
def test_a_layer_is_told_from_group_and_weight(
    tmp_path: Path, group: str, weight: str, expected: str
) -> None:
    model = open_model(write_lists(tmp_path / "m.h5", {group: {weight: KERNEL}}))
    assert _rows(model) == [(expected, "kernel", "weight")]


def test_a_full_model_keeps_optimizer_state_apart(tmp_path: Path) -> None:
    config = json.dumps(sequential(layer("Dense", "dense")))
    weights = {"dense": {"dense/kernel:0": numbers(3, 2)}}
    path = write_lists(tmp_path / "m.h5", weights, model_config=config)
    with h5py.File(path, "a") as file:
        file.create_dataset("optimizer_weights/Adam/dense/kernel/m:0", data=numbers(3, 2))
    model = open_model(path)
    assert [row[2] for row in _rows(model)] == ["weight", "optimizer state"]
    assert model.params == 6
    assert model.parameter_layers == ("dense",)


def test_lists_that_keras_split_into_parts_are_joined(tmp_path: Path) -> None:
    path = write_lists(tmp_path / "m.h5", {"b": {"b/kernel:0": KERNEL}, "a": {"a/bias:0": BIAS}})
    with h5py.File(path, "a") as file:
        del file.attrs["layer_names"]
        file.attrs["layer_names0"], file.attrs["layer_names1"] = [b"b"], [b"a"]
    assert [one.layer for one in open_model(path).tensors] == ["b", "a"]


def test_numbered_variables_get_their_labels(tmp_path: Path) -> None:
    layers = {
        "layers/dense_10": [numbers(2, 2), numbers(2)],
        "layers/dense_2": [numbers(2, 2)],
        "layers/conv2d": [KERNEL, BIAS],
        "layers/separable_conv2d": [numbers(3, 3, 2, 1), numbers(1, 1, 2, 4), BIAS],
        "layers/batch_normalization": [BIAS] * 4,
        "layers/batch_normalization_1": [BIAS] * 2,
        "layers/batch_normalization_2": [BIAS] * 3,
        "layers/bidirectional/forward_layer/cell": [numbers(2, 8), numbers(2, 8), numbers(8)],
        "layers/multi_head_attention/query_dense": [numbers(2, 2, 2), numbers(2, 2)],
        "layers/dropout/seed_generator": [np.array([1, 2], np.uint32)],
        "layers/my_layer": [BIAS],
        "optimizer": [np.array(3, np.int64)] + [BIAS] * 10,
    }
    write_numbered(tmp_path / "m.weights.h5", layers, conv2d="stem")
    model = open_model(tmp_path / "m.weights.h5")
    labels = {name: [one.label for one in held] for name, held in model.layers.items()}
    assert model.format == "Keras 3"
    assert labels["stem"] == ["kernel", "bias"]
    assert labels["dense_2"] == ["kernel"]
    assert labels["separable_conv2d"] == ["depthwise_kernel", "pointwise_kernel", "bias"]
    assert labels["batch_normalization"][0] == "gamma"
    assert labels["batch_normalization_1"] == ["moving_mean", "moving_variance"]
    assert labels["batch_normalization_2"] == ["variable 0", "variable 1", "variable 2"]
    assert "recurrent_kernel" in labels["bidirectional/forward_layer/cell"]
    assert labels["multi_head_attention/query_dense"] == ["kernel", "bias"]
    assert model.layers["dropout/seed_generator"][0].role == "buffer"
    assert labels["my_layer"] == ["variable 0"]
    assert labels["optimizer"][-1] == "variable 10"
    assert {one.role for one in model.layers["optimizer"]} == {"optimizer state"}
    names = [one.name for one in model.tensors]
    assert names.index("layers/dense_2/vars/0") < names.index("layers/dense_10/vars/0")


@pytest.mark.parametrize("deflate", [False, True], ids=["stored", "deflated"])
def test_an_archive_takes_names_and_order_from_its_configuration(
    tmp_path: Path, *, deflate: bool
) -> None:
    config = sequential(
        layer("Dense", "last_name_first", use_bias=True),
        layer("LayerNormalization", "norm", center=True, scale=False),
        layer("Conv2D", "stem"),
        sequential(layer("Dense", "inner", use_bias=False)),
    )
    config["config"]["layers"][3]["config"]["name"] = "nested"
    layers = {
        "layers/conv2d": [KERNEL, BIAS],
        "layers/dense": [numbers(4, 3), numbers(3)],
        "layers/layer_normalization": [numbers(3)],
        "layers/sequential/layers/dense": [numbers(3, 5, seed=7)],
    }
    model = open_model(write_archive(tmp_path / "m.keras", layers, config, deflate=deflate))
    assert _rows(model) == [
        ("last_name_first", "kernel", "weight"),
        ("last_name_first", "bias", "bias"),
        ("norm", "beta", "bias"),
        ("stem", "kernel", "weight"),
        ("stem", "bias", "bias"),
        ("nested/inner", "kernel", "weight"),
    ]
    for one in model.tensors:
        place, index = one.name.split("/vars/")
        np.testing.assert_array_equal(one.read(), layers[place][int(index)])
    assert model.metadata["keras_version"] == "3.15.1"
    assert model.warnings == ()


def test_bfloat16_is_known_by_the_attribute_that_keras_writes(tmp_path: Path) -> None:
    values = numbers(5, 3).astype(ml_dtypes.bfloat16)
    write_numbered(tmp_path / "m.weights.h5", {"layers/dense": [values]})
    [tensor] = open_model(tmp_path / "m.weights.h5").tensors
    assert tensor.dtype == "bfloat16"
    np.testing.assert_array_equal(tensor.read(), values)


def test_what_the_file_does_not_say_is_told(tmp_path: Path) -> None:
    values = numbers(4, 4).astype(ml_dtypes.bfloat16)
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file.create_dataset("silent", data=values)
        file.create_dataset("summed", data=numbers(4, 4), chunks=(2, 2), fletcher32=True)
    model = open_model(tmp_path / "m.h5")
    assert sorted(model.warnings) == [
        "silent: two raw bytes are taken for bfloat16; the file is silent",
        "summed: its checksums (fletcher32) are not verified",
    ]


def test_real_kernels_are_those_of_the_model_made_from_them(shared_data: Path) -> None:
    keras = open_model(shared_data / "tiny" / "pretrainedResnet.h5")
    torch = open_model(shared_data / "seed" / "resnet8.pt")
    known = {one.read().tobytes() for one in torch.tensors if one.error is None}
    kernels = [one.read() for one in keras.tensors if one.label == "kernel"]
    assert [values.ndim for values in kernels] == [4] * 9 + [2]
    for values in kernels[:-1]:
        assert np.ascontiguousarray(values.transpose(3, 2, 0, 1)).tobytes() in known
    assert {kernels[-1].tobytes(), np.ascontiguousarray(kernels[-1].T).tobytes()} & known
    biases = [one.read().tobytes() for one in keras.tensors if one.label == "bias"]
    assert len(biases) == 10
    assert set(biases) <= known


def test_real_batch_normalizations_are_folded_in_the_model_made_from_them(
    shared_data: Path,
) -> None:
    keras = open_model(shared_data / "tiny" / "pretrainedResnet.h5")
    torch = open_model(shared_data / "seed" / "resnet8.pt")
    vectors = [one.read().reshape(-1) for one in torch.tensors if one.params <= 64]
    norms = [held for name, held in keras.layers.items() if name.startswith("batch_norm")]
    assert len(norms) == 7
    for held in norms:
        at = {one.label: one.read() for one in held}
        scale = at["gamma"] / np.sqrt(at["moving_variance"] + np.float32(1e-3))
        shift = at["beta"] - at["moving_mean"] * scale
        for wanted in (scale, shift):
            assert any(
                one.shape == wanted.shape and np.allclose(one, wanted, rtol=1e-4, atol=1e-5)
                for one in vectors
            )
