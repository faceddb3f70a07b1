"""Layers, labels and roles that an ONNX graph gives its constants."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import ArrayLike
from onnx import TensorProto, helper
from onnx_models import initializer, model_of, named, open_onnx, save

from tensorpeek.loaders import Model

node = helper.make_node
ONES = np.ones((2, 2), np.float32)


def _opened(tmp_path: Path, nodes: list[Any], names: list[str], values: ArrayLike = ONES) -> Model:
    inits = [initializer(name, values) for name in names]
    return open_onnx(save(model_of(nodes, inits), tmp_path / "m.onnx"))


ROLES = {
    "a convolution": (node("Conv", ["x", "a", "b"], ["y"], "n"), ["n.weight", "n.bias"]),
    "a fully connected layer": (node("Gemm", ["x", "a", "b"], ["y"], "n"), ["n.weight", "n.bias"]),
    "a product with the weight first": (node("MatMul", ["a", "x"], ["y"], "n"), ["n.weight"]),
    "a batch normalization": (
        node("BatchNormalization", ["x", "a", "b", "c", "d"], ["y"], "n"),
        ["n.weight", "n.bias", "n.running_mean", "n.running_var"],
    ),
    "a layer normalization": (
        node("LayerNormalization", ["x", "a", "b"], ["y"], "n"),
        ["n.weight", "n.bias"],
    ),
    "an embedding": (node("Gather", ["a", "x"], ["y"], "n"), ["n.weight"]),
    "a recurrent layer": (
        node("LSTM", ["x", "a", "b", "c"], ["y"], "n"),
        ["n.weight", "n.recurrence_weight", "n.bias"],
    ),
    "an operator that says nothing": (node("Custom", ["x", "a"], ["y"], "n"), ["n.input_1"]),
}


@pytest.mark.parametrize("case", ROLES)
def test_the_operator_names_layer_and_label(tmp_path: Path, case: str) -> None:
    operator, names = ROLES[case]
    model = _opened(tmp_path, [operator], ["a", "b", "c", "d"][: len(names)])
    assert [each.name for each in model.tensors] == names
    assert list(model.layers) == ["n"]
    assert [each.aliases for each in model.tensors] == [(each,) for each in "abcd"[: len(names)]]


def test_roles_of_a_batch_normalization(tmp_path: Path) -> None:
    operator, _ = ROLES["a batch normalization"]
    model = _opened(tmp_path, [operator], ["a", "b", "c", "d"], np.ones(2, np.float32))
    roles = ["weight", "bias", "running mean", "running variance"]
    assert [each.role for each in model.tensors] == roles
    assert model.params == 4


def test_an_added_constant_is_the_bias_of_the_product(tmp_path: Path) -> None:
    nodes = [node("MatMul", ["x", "w"], ["p"], "fc/MatMul"), node("Add", ["b", "p"], ["y"], "add")]
    inits = [initializer("w", ONES), initializer("b", np.ones(2, np.float32))]
    model = open_onnx(save(model_of(nodes, inits), tmp_path / "m.onnx"))
    assert [each.name for each in model.tensors] == ["fc/MatMul.weight", "fc/MatMul.bias"]
    assert model.tensors[1].role == "bias"


@pytest.mark.parametrize(
    ("weight", "bias", "wanted"),
    [
        pytest.param("l.0.weight", "l.0.bias", ["l.0.weight", "l.0.bias"], id="dotted names"),
        pytest.param("402", "404", ["402.weight", "402.bias"], id="the weight names the layer"),
    ],
)
def test_nodes_without_names(tmp_path: Path, weight: str, bias: str, wanted: list[str]) -> None:
    model = _opened(tmp_path, [node("Conv", ["x", weight, bias], ["y"])], [weight, bias])
    assert [each.name for each in model.tensors] == wanted
    assert len(model.layers) == 1


def test_unused_initializers_go_by_their_own_names(tmp_path: Path) -> None:
    model = _opened(tmp_path, [], ["enc.0.weight", "plain"])
    assert [(each.name, each.layer, each.label, each.role) for each in model.tensors] == [
        ("enc.0.weight", "enc.0", "weight", "weight"),
        ("plain", "plain", "plain", "other"),
    ]


def test_a_shared_weight_is_named_by_its_first_layer(tmp_path: Path) -> None:
    nodes = [
        node("Gather", ["w", "ids"], ["e"], "embed"),
        node("Transpose", ["w"], ["t"], "turn"),
        node("MatMul", ["e", "t"], ["y"], "head"),
    ]
    (tensor,) = _opened(tmp_path, nodes, ["w"]).tensors
    assert (tensor.name, tensor.aliases) == ("embed.weight", ("w", "head.weight"))


def test_shapes_and_axes_are_constants_and_not_parameters(tmp_path: Path) -> None:
    nodes = [node("Reshape", ["x", "s"], ["y"], "r"), node("Mul", ["y", "half"], ["z"], "m")]
    inits = [initializer("s", np.array([2, 2])), initializer("half", np.float32(0.5))]
    model = open_onnx(save(model_of(nodes, inits), tmp_path / "m.onnx"))
    assert {each.name: each.role for each in model.tensors} == {
        "r.shape": "constant",
        "m.input_1": "constant",
    }
    assert model.params == 0


CONSTANTS = {
    "value": (initializer("", ONES), ONES),
    "value_float": (1.5, np.float32(1.5)),
    "value_floats": ([1.5, 2.5], np.array([1.5, 2.5], np.float32)),
    "value_int": (-7, np.array(-7)),
    "value_ints": ([-7, 1 << 40, 3], np.array([-7, 1 << 40, 3])),
}


@pytest.mark.parametrize("attribute", CONSTANTS)
def test_constant_nodes(tmp_path: Path, attribute: str) -> None:
    value, wanted = CONSTANTS[attribute]
    nodes = [node("Constant", [], ["c"], **{attribute: value}), node("Mul", ["x", "c"], ["y"], "m")]
    (tensor,) = open_onnx(save(model_of(nodes, []), tmp_path / "m.onnx")).tensors
    assert (tensor.name, tensor.role, tensor.aliases) == ("m.input_1", "constant", ("c",))
    got = tensor.read()
    assert (got.dtype, got.shape) == (wanted.dtype, wanted.shape)
    assert (got == wanted).all()


def test_a_constant_node_of_strings_has_no_values(tmp_path: Path) -> None:
    nodes = [node("Constant", [], ["c"], value_strings=["a", "b"])]
    (tensor,) = open_onnx(save(model_of(nodes, []), tmp_path / "m.onnx")).tensors
    assert tensor.error == "string tensor: has no numeric values"


def test_a_constant_that_a_layer_uses_is_its_weight(tmp_path: Path) -> None:
    nodes = [
        node("Constant", [], ["c"], value=initializer("", ONES)),
        node("MatMul", ["x", "c"], ["y"], "fc"),
    ]
    (tensor,) = open_onnx(save(model_of(nodes, []), tmp_path / "m.onnx")).tensors
    assert (tensor.name, tensor.role) == ("fc.weight", "weight")


def _branch(name: str) -> onnx.GraphProto:
    nodes = [
        node("MatMul", ["x", "w"], ["p"], "fc"),
        node("MatMul", ["p", "outer"], ["y"], "fc2"),
    ]
    return helper.make_graph(
        nodes, name, [], [helper.make_tensor_value_info("y", 1, None)], [initializer("w", ONES)]
    )


def test_subgraphs_see_outer_names_and_get_names_of_their_own(tmp_path: Path) -> None:
    nodes = [
        node("MatMul", ["x", "outer"], ["a"], "fc"),
        node("If", ["c"], ["b"], "if", then_branch=_branch("t"), else_branch=_branch("e")),
    ]
    model = _opened(tmp_path, nodes, ["outer"])
    assert [each.name for each in model.tensors] == [
        "fc.weight",
        "if/else_branch/fc.weight",
        "if/then_branch/fc.weight",
    ] or [each.name for each in model.tensors] == [
        "fc.weight",
        "if/then_branch/fc.weight",
        "if/else_branch/fc.weight",
    ]
    assert "fc2.weight" in model.tensors[0].aliases
    assert len(model.layers) == 3


def test_constants_of_functions_are_listed(tmp_path: Path) -> None:
    model = model_of([], [])
    body = [
        node("Constant", [], ["c"], value=initializer("", ONES)),
        node("MatMul", ["x", "c"], ["y"], "inner"),
    ]
    opsets = [helper.make_opsetid("", 21)]
    model.functions.append(helper.make_function("d", "f", ["x"], ["y"], body, opsets))
    (tensor,) = open_onnx(save(model, tmp_path / "m.onnx")).tensors
    assert tensor.name == "inner.weight"


def test_names_are_unique_where_the_file_repeats_them(tmp_path: Path) -> None:
    nodes = [node("MatMul", ["x", "a"], ["y"], "fc"), node("MatMul", ["y", "b"], ["z"], "fc")]
    model = _opened(tmp_path, nodes, ["a", "b", "a"])
    assert [each.name for each in model.tensors] == ["fc.weight", "fc.weight#2", "a"]


def test_names_are_made_safe_for_a_terminal(tmp_path: Path) -> None:
    model = _opened(
        tmp_path, [node("MatMul", ["x", "w\x1b[2J"], ["y"], "\x1b[31mred")], ["w\x1b[2J"]
    )
    (tensor,) = model.tensors
    assert tensor.name == "\\x1b[31mred.weight"
    assert tensor.aliases == ("w\\x1b[2J",)


def test_metadata(tmp_path: Path) -> None:
    proto = model_of([], [])
    proto.producer_name, proto.doc_string = "maker", "words\x07"
    helper.set_model_props(proto, {"author": "someone"})
    model = open_onnx(save(proto, tmp_path / "m.onnx"))
    assert model.format == "ONNX"
    assert dict(model.metadata) == {
        "ir_version": "10",
        "producer": "maker",
        "doc": "words\\x07",
        "author": "someone",
        "opset": "ai.onnx 21, com.microsoft 1",
        "graph": "graph",
    }


def test_a_float_weight_behind_fake_quantization_names_its_layer(tmp_path: Path) -> None:
    nodes = [
        node("QuantizeLinear", ["w", "s", "z"], ["q"], "q"),
        node("DequantizeLinear", ["q", "s", "z"], ["d"], "d"),
        node("MatMul", ["x", "d"], ["y"], "fc"),
    ]
    inits = [initializer("w", ONES), initializer("s", np.float32(1)), initializer("z", np.int8(0))]
    model = open_onnx(save(model_of(nodes, inits), tmp_path / "m.onnx"))
    weight = named(model, "w")
    assert (weight.name, weight.quantization) == ("fc.weight", None)
    assert named(model, "s").role == "output scale"


def test_a_tensor_keeps_the_path_for_its_errors(tmp_path: Path) -> None:
    bad = TensorProto(name="t", data_type=1, dims=[2])
    path = save(model_of([], [bad]), tmp_path / "m.onnx")
    (tensor,) = open_onnx(path).tensors
    assert tensor.source == str(path)
