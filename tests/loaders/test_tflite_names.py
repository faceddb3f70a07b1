"""Layers, labels and roles of TFLite constants, told by the operators that use them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tflite_models import Grid, Made, activation, constant, named, opened

F32 = np.float32
ADD, CONV, DEPTHWISE, DEQUANTIZE, LOOKUP, DENSE, MUL = 0, 3, 4, 6, 7, 9, 18
GATHER, RESHAPE, TRANSPOSE, TRANSPOSE_CONV, BATCH_MATMUL = 36, 22, 39, 67, 126


def _kernel(name: str) -> Made:
    return constant(name, np.ones((4, 3, 3, 2), F32))


def _bias(name: str) -> Made:
    return constant(name, np.ones(4, F32))


def _summary(folder: Path, *graph: list) -> list[tuple[str, str, str, str]]:
    model = opened(folder, graph)
    return [(each.name, each.layer, each.label, each.role) for each in model.tensors]


@pytest.mark.parametrize("code", [CONV, DEPTHWISE, DENSE], ids=["conv", "depthwise", "dense"])
def test_weight_and_bias_share_the_layer_of_the_weight(tmp_path: Path, code: int) -> None:
    bias = _bias("model/relu/Relu;model/c_1/BiasAdd/ReadVariableOp;model/c_2/Conv2D")
    tensors = [activation("x"), bias, _kernel("model/c_1/Conv2D"), activation("y")]
    assert _summary(tmp_path, tensors, [(code, [0, 2, 1], [3])]) == [
        ("model/c_1.weight", "model/c_1", "weight", "weight"),
        ("model/c_1.bias", "model/c_1", "bias", "bias"),
    ]


def test_the_file_s_own_names_are_other_names(tmp_path: Path) -> None:
    tensors = [activation("x"), _kernel("m/c/Conv2D"), _bias("b;c"), activation("y")]
    model = opened(tmp_path, (tensors, [(CONV, [0, 1, 2], [3])]))
    assert [each.aliases for each in model.tensors] == [("m/c/Conv2D",), ("b;c",)]


def test_float16_weights_behind_a_dequantize_are_weights(tmp_path: Path) -> None:
    weight = constant("m/dense/MatMul", np.ones((4, 2), np.float16))
    tensors = [activation("x"), weight, activation("wide"), _bias("b"), activation("y")]
    graph = (tensors, [(DEQUANTIZE, [1], [2]), (DENSE, [0, 2, 3], [4])])
    model = opened(tmp_path, graph)
    assert [each.name for each in model.tensors] == ["m/dense.weight", "m/dense.bias"]
    assert model.tensors[0].dtype == "float16"
    assert model.tensors[0].quantization is None


def test_layers_whose_short_names_agree_keep_their_long_ones(tmp_path: Path) -> None:
    tensors = [activation("x"), _kernel("m/Conv2D"), _kernel("m/Conv2D_1"), activation("y")]
    found = _summary(tmp_path, tensors, [(CONV, [0, 1, -1], [3]), (CONV, [3, 2, -1], [3])])
    assert [each[1] for each in found] == ["m/Conv2D", "m/Conv2D_1"]


def test_equal_names_are_numbered(tmp_path: Path) -> None:
    tensors = [activation("x"), _kernel("k"), _kernel("k"), constant("k", np.ones(3, F32))]
    found = _summary(tmp_path, tensors, [(CONV, [0, 1], [0]), (CONV, [0, 2], [0])])
    assert [each[0] for each in found] == ["k.weight", "k (2).weight", "k"]


def test_a_made_up_name_gives_way_to_that_of_the_output(tmp_path: Path) -> None:
    tensors = [activation("x"), _kernel("arith.constant7"), activation("Net/conv1;")]
    assert _summary(tmp_path, tensors, [(CONV, [0, 1], [2])])[0][:2] == (
        "Net/conv1.weight",
        "Net/conv1",
    )


def test_a_vector_added_to_a_product_is_its_bias(tmp_path: Path) -> None:
    tensors = [
        activation("x"),
        _kernel("m/d/MatMul"),
        activation("p"),
        _bias("m/b"),
        activation("y"),
    ]
    nodes = [(DENSE, [0, 1, -1], [2]), (ADD, [2, 3], [4])]
    assert _summary(tmp_path, tensors, nodes)[1] == ("m/d.bias", "m/d", "bias", "bias")


def test_what_normalization_multiplies_with_is_a_parameter_and_a_number_is_not(
    tmp_path: Path,
) -> None:
    tensors = [activation("x"), _bias("n/gamma"), constant("n/half", F32(0.5)), activation("y")]
    found = _summary(tmp_path, tensors, [(MUL, [0, 1], [3]), (MUL, [3, 2], [3])])
    assert found == [
        ("n/gamma", "n", "gamma", "other"),
        ("n/half", "n", "half", "constant"),
    ]


def test_shapes_and_indices_are_constants(tmp_path: Path) -> None:
    tensors = [
        activation("x"),
        constant("m/flatten/Const", np.int32([1, 4])),
        constant("i", np.int32([0, 1])),
    ]
    found = _summary(tmp_path, tensors, [(RESHAPE, [0, 1], [0]), (GATHER, [2, 0], [0])])
    assert [each[3] for each in found] == ["constant", "constant"]


@pytest.mark.parametrize(
    ("code", "slot"),
    [(GATHER, 0), (LOOKUP, 1), (TRANSPOSE_CONV, 1), (BATCH_MATMUL, 0), (BATCH_MATMUL, 1)],
    ids=["gather", "embedding lookup", "transposed conv", "matmul left", "matmul right"],
)
def test_weights_of_other_operators(tmp_path: Path, code: int, slot: int) -> None:
    inputs = [0, 0, 0]
    inputs[slot] = 1
    tensors = [activation("x"), constant("table", np.ones((4, 2), np.int8), Grid([0.5], [0]))]
    assert _summary(tmp_path, tensors, [(code, inputs, [0])])[0][3] == "weight"


def test_a_bias_of_a_computed_weight_goes_by_its_own_name(tmp_path: Path) -> None:
    tensors = [activation("x"), _bias("m/d/BiasAdd/ReadVariableOp")]
    found = _summary(tmp_path, tensors, [(DENSE, [0, 0, 1], [0])])
    assert found == [("m/d.bias", "m/d", "bias", "bias")]


def test_a_weight_shared_by_two_graphs_is_one_layer_with_both_biases(tmp_path: Path) -> None:
    first = [activation("x"), _kernel("m/c/Conv2D"), _bias("one")]
    second = [activation("x"), Made("m/c/Conv2D", (4, 3, 3, 2), 0, 1), _bias("two")]
    node = [(CONV, [0, 1, 2], [0])]
    model = opened(tmp_path, (first, node), (second, node))
    assert [each.name for each in model.tensors] == ["m/c.weight", "m/c.bias", "m/c.bias (2)"]
    assert [each.label for each in model.tensors] == ["weight", "bias", "bias (2)"]
    assert {each.layer for each in model.tensors} == {"m/c"}
    assert model.metadata["graphs"] == "graph0, graph1"


def test_tensors_stand_in_the_order_of_their_operators(tmp_path: Path) -> None:
    tensors = [_bias("unused"), _kernel("b/Conv2D"), _kernel("a/Conv2D"), activation("x")]
    found = _summary(tmp_path, tensors, [(CONV, [3, 2], [3]), (CONV, [3, 1], [3])])
    assert [each[1] for each in found] == ["a", "b", "unused"]


def test_the_order_of_a_weight_s_dimensions_is_told(tmp_path: Path) -> None:
    tensors = [activation("x"), _kernel("a"), _kernel("b")]
    model = opened(tmp_path, (tensors, [(CONV, [0, 1], [0]), (DEPTHWISE, [0, 2], [0])]))
    assert model.metadata["weight layouts"] == "CONV_2D: OHWI, DEPTHWISE_CONV_2D: 1HWC"
    assert named(model, "a").shape == (4, 3, 3, 2)
    assert (named(model, "a").axes, named(model, "b").axes) == ("OHWI", "1HWC")


def test_dimensions_that_are_turned_before_use_are_not_told(tmp_path: Path) -> None:
    tensors = [activation("x"), _kernel("a"), activation("turned"), _bias("b")]
    turned = (TRANSPOSE, [1], [2])
    model = opened(tmp_path, (tensors, [turned, (CONV, [0, 2, 3], [0])]))
    assert named(model, "a").role == "weight"
    assert (named(model, "a").axes, named(model, "b").axes) == ("", "")
